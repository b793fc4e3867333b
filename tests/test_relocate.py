"""Atoms that share a content move to where one atom holds two, and nowhere else."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor
from torch.nn.functional import normalize
from training_runs import few_steps, replace, run

import v3.training.checkpoint
from v3.model.quantizer import Quantizer
from v3.training.checkpoint import Checkpoints
from v3.training.relocate import joint_shares, looks, merge_costs, move_atoms

CONTENTS = 5
DIM = 16


def information(joint: Tensor, evenness: float) -> Tensor:
    """As the term of agreement defines it."""
    alone = joint.sum(1)
    return 2 * evenness * torch.special.entr(alone).sum() - torch.special.entr(joint).sum()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(2, 9), evenness=st.floats(1, 2))
def test_the_cost_of_a_merge_is_the_information_that_it_loses(
    seed: int, size: int, evenness: float
) -> None:
    draw = Generator().manual_seed(seed)
    one = torch.randint(0, size, (60,), generator=draw)
    same = torch.rand(60, generator=draw) < 0.6
    other = torch.where(same, one, torch.randint(0, size, (60,), generator=draw))
    pairs = torch.combinations(torch.arange(size))
    joint = joint_shares(one, other, size)
    costs = merge_costs(joint, pairs, evenness)
    for (a, b), cost in zip(pairs.tolist(), costs, strict=True):
        merged = joint_shares(one.where(one != a, b), other.where(other != a, b), size)
        expected = information(joint, evenness) - information(merged, evenness)
        torch.testing.assert_close(cost, expected, rtol=0, atol=1e-12)


def two_views(each: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """Two noisy views (N, d) of fragments of five contents, and which content each is of."""
    draw = Generator().manual_seed(1)
    content = torch.arange(CONTENTS).repeat(each)
    middles = torch.eye(DIM)[:CONTENTS] * 3
    one, other = (
        middles[content] + 0.3 * torch.randn(len(content), DIM, generator=draw) for _ in range(2)
    )
    return one, other, content


def quantizer_at(atoms: Tensor, z_c: Tensor) -> Quantizer:
    found = Quantizer(len(atoms), DIM, distance="cosine")
    found.atoms.copy_(atoms)
    counts = torch.bincount(found.nearest(z_c), minlength=len(atoms)).float()
    found.usage.copy_(counts)
    found.sums.copy_(atoms * counts[:, None])
    return found


def test_an_atom_moves_from_a_shared_content_to_a_double_one() -> None:
    one, other, content = two_views()
    middles = torch.stack([one[content == c].mean(0) for c in range(CONTENTS)])
    halves = [one[content == 0][half::2].mean(0) for half in range(2)]  # of one content
    atoms = torch.stack([*halves, middles[1] + middles[2], middles[3], middles[4]])
    quantizer = quantizer_at(atoms, one)
    fragments = float(quantizer.usage.sum())

    assert move_atoms(quantizer, one, other, 1.0, seed=0) == 1
    codes = quantizer.nearest(one)
    for c in range(CONTENTS):  # each content its own code, that of all its fragments
        assert len(codes[content == c].unique()) == 1
    assert len(codes.unique()) == CONTENTS
    assert float(quantizer.usage.sum()) == fragments
    torch.testing.assert_close(
        quantizer.sums, quantizer.atoms * quantizer.usage[:, None], rtol=1e-5, atol=1e-4
    )
    assert move_atoms(quantizer, one, other, 1.0, seed=0) == 0


def test_codes_that_are_right_stay_to_the_bit() -> None:
    one, other, content = two_views()
    atoms = torch.stack([one[content == c].mean(0) for c in range(CONTENTS)])
    quantizer = quantizer_at(atoms, one)
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    assert move_atoms(quantizer, one, other, 1.0, seed=0) == 0
    for name, value in quantizer.state_dict().items():
        assert torch.equal(value, before[name])


def test_an_unused_atom_is_taken_first_and_a_whole_content_is_not_cut() -> None:
    one, other, content = two_views()
    middles = torch.stack([one[content == c].mean(0) for c in range(CONTENTS)])
    unused = -middles.sum(0)
    joined = torch.stack([middles[0] + middles[1], *middles[2:], unused])
    quantizer = quantizer_at(joined, one)
    assert move_atoms(quantizer, one, other, 1.0, seed=0) == 1
    assert len(quantizer.nearest(one).unique()) == CONTENTS
    # two atoms too many: nothing that they could be used for gains
    spare = quantizer_at(torch.stack([*middles, unused, 2 * unused]), one)
    move_atoms(spare, one, other, 1.0, seed=0)
    codes = spare.nearest(one)
    assert max(len(codes[content == c].unique()) for c in range(CONTENTS)) <= 2
    assert bool(normalize(spare.atoms, dim=1).isfinite().all())


def test_it_looks_six_times_and_only_where_agreement_is_asked_for() -> None:
    params = few_steps()
    assert looks(params) == {36, 48, 60, 72, 84, 96}  # of 120 steps
    assert looks(replace(params, relocate=False)) == set()
    alone = params.weights.model_copy(update={"agreement": 0.0})
    assert looks(replace(params, weights=alone)) == set()


def test_training_moves_atoms_if_asked_to(tiny_file, tiny_spec, tmp_path, monkeypatch) -> None:
    """More atoms than contents, and nothing else replaces one."""
    monkeypatch.setattr(v3.training.checkpoint, "ROOT", tmp_path / "scratch")
    spec = tiny_spec.model_copy(update={"atoms": 12})
    replaced = {}
    for on in (True, False):
        params = replace(few_steps(), relocate=on, dead_atom_threshold=0.0, late_threshold=0.0)
        _, state = run(tiny_file, spec, params, Checkpoints(f"relocate {on}", {}, []))
        replaced[on] = sum(row["codes/replaced"] for row in state.history)
    assert replaced[True] > 0
    assert replaced[False] == 0
