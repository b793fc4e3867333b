"""The codebook's moving averages, dead atoms and start, by hand."""

import torch
from torch import tensor

from v3.model.quantizer import Quantizer, kmeans
from v3.training.loss import mean_pairwise_distance


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_forward_is_straight_through_and_commits():
    q = Quantizer(2, 2)
    q.atoms.copy_(tensor([[0.0, 0.0], [10.0, 0.0]]))
    z = tensor([[1.0, 0.0], [8.0, 0.0]], requires_grad=True)
    z_q, codes, commitment = q(z)
    assert codes.tolist() == [0, 1]
    assert torch.equal(z_q, q.atoms)
    assert float(commitment) == (1 + 4) / 4  # mean over all four numbers
    (z_q * tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert z.grad.tolist() == [[1, 2], [3, 4]]


def test_update_is_the_moving_average():
    q = Quantizer(2, 1, decay=0.5)
    q.start(tensor([[0.0], [0.0], [4.0], [4.0]]), 0)
    low = int(q.nearest(tensor([[0.0]])))
    q.update(tensor([[2.0], [4.0]]), tensor([low, 1 - low]), torch.ones(2), 0.0, generator())
    # usage 2 -> 1.5, sums 0 -> 1 and 8 -> 6
    assert q.usage.tolist() == [1.5, 1.5]
    assert sorted(q.atoms[:, 0].tolist()) == [tensor(1 / 1.5).item(), 4.0]


def test_fragments_of_one_code_are_the_same_to_the_last_bit():
    q = Quantizer(3, 16)
    q.atoms.normal_(generator=generator())
    z = q.atoms[[0, 0, 1, 1, 2]] + 0.01 * torch.randn(5, 16, generator=generator(1))
    z.requires_grad_()
    z_q, codes, _ = q(z)
    assert codes.tolist() == [0, 0, 1, 1, 2]
    assert torch.equal(z_q, q.atoms[codes])
    mean_pairwise_distance(z_q[:2]).backward()
    assert not z.grad.any()


def test_dead_atom_is_replaced_by_a_vector_and_restarts_at_the_threshold():
    q = Quantizer(2, 1, decay=0.5)
    q.atoms.copy_(tensor([[0.0], [100.0]]))
    q.usage.copy_(tensor([4.0, 0.5]))
    q.sums.copy_(tensor([[0.0], [50.0]]))
    z = tensor([[1.0], [1.0], [1.0], [1.0]])
    assert q.update(z, tensor([0, 0, 0, 0]), torch.ones(4), 0.5, generator()) == 1  # half of 4 / 2
    assert q.atoms[1].item() == 1.0
    assert q.usage[1].item() == 1.0
    assert q.sums[1].item() == 1.0


def test_of_more_dead_atoms_than_vectors_some_wait():
    q = Quantizer(5, 1)
    q.atoms.copy_(tensor([[10.0], [20.0], [30.0], [40.0], [50.0]]))
    z = tensor([[1.0], [2.0]])
    assert q.update(z, tensor([0, 0]), torch.ones(2), 100.0, generator()) == 2
    assert sorted(q.atoms[:, 0].tolist())[:2] == [1.0, 2.0]  # each vector once
    assert sorted(q.atoms[:, 0].tolist())[2:] == [30.0, 40.0, 50.0]


def test_unused_atom_stays_where_it_is_without_threshold():
    q = Quantizer(2, 1, decay=0.0)
    q.atoms.copy_(tensor([[0.0], [7.0]]))
    for _ in range(3):
        assert q.update(tensor([[0.0]]), tensor([0]), torch.ones(1), 0.0, generator()) == 0
    assert q.atoms[1].item() == 7.0


def test_kmeans_finds_separate_clusters_on_every_seed():
    centres = torch.arange(6).float()[:, None] * 10
    points = (centres + torch.linspace(-0.5, 0.5, 5)).reshape(-1, 1)
    for seed in range(10):
        found = kmeans(points, 6, seed).flatten().sort().values
        assert torch.allclose(found, centres.flatten(), atol=1e-4)


def test_kmeans_with_fewer_points_than_clusters():
    assert kmeans(torch.ones(2, 3), 5, 0).shape == (5, 3)


def test_dead_atom_goes_where_reconstruction_is_bad():
    """Of ten fragments two are reconstructed badly: an atom that holds two contents."""
    z = torch.arange(10).float()[:, None]
    error = torch.full((10,), 0.001)
    error[3:5] = 0.1
    for seed in range(20):
        q = Quantizer(2, 1, decay=0.5)
        q.start(z, seed)
        q.usage[0] = q.sums[0] = 0.0
        codes = torch.ones(10, dtype=torch.long)
        assert q.update(z, codes, error, 0.2, generator(seed)) == 1
        assert q.atoms[0].item() in (3.0, 4.0)


def test_a_threshold_is_a_part_of_even_use_whatever_the_batch():
    """Perfect clusters in even use: no atom is dead, in small batches as in large ones."""
    for each in (1, 2, 40):
        z = torch.arange(4.0).repeat_interleave(each)[:, None]
        q = Quantizer(4, 1)
        q.start(z, 0)
        error = torch.ones(len(z))
        assert sum(q.update(z, q.nearest(z), error, 0.75, generator(s)) for s in range(100)) == 0


def test_cosine_looks_at_directions_alone():
    codebook = Quantizer(2, 2, distance="cosine")
    codebook.atoms.copy_(torch.tensor([[10.0, 0.0], [0.0, 0.1]]))
    near_the_short_atom = torch.tensor([[0.2, 0.1], [0.1, 0.2], [30.0, 40.0]])
    assert codebook.nearest(near_the_short_atom).tolist() == [0, 1, 1]
    plain = Quantizer(2, 2)
    plain.atoms.copy_(codebook.atoms)
    assert plain.nearest(near_the_short_atom).tolist() == [1, 1, 0]
