"""The loss against exact vectors, and against cases worked out by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import mse_loss

from v3.base.errors import V3Error
from v3.training.loss import (
    agreement,
    contrast,
    contrast_weights,
    decorrelation,
    discrimination,
    hinges,
    mean_pairwise_distance,
    reconstruction_error,
    regroup,
    variability,
    weighted_total,
    widen,
)

VECTORS = Path(__file__).parent / "vectors"
PAPER = {"between": "sample", "within": "fragment"}  # the names of the terms there
CASES = json.loads((VECTORS / "v3_loss.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_loss_vectors(case):
    with np.load(VECTORS / "v3_loss.npz") as file:
        prefix = case["name"] + "."
        v = {
            key.removeprefix(prefix): torch.tensor(array)
            for key, array in file.items()
            if key.startswith(prefix)
        }
    statistics = variability(v["zc"], v["zq"], v["zs"])
    terms = {
        "recon_loss": mse_loss(v["xh"], v["x"]),
        **{f"{PAPER.get(k, k)}_loss": t for k, t in hinges(statistics, case["relativity"]).items()},
        "commit_loss": v["commit"],
    }
    for name, term in terms.items():
        assert float(term) == pytest.approx(float(v[f"expected.{name}"]), abs=1e-5), name
    total = weighted_total(terms, case["weights"])
    assert float(total) == pytest.approx(float(v["expected.total_loss"]), abs=1e-5)


def test_loss_vectors_supersampled():
    """Two samples of two fragments on a line: regrouping 2x2 is 2x2, 4x1 becomes 2x2."""
    z_c = torch.tensor([[[0.0]], [[2.0]], [[6.0]], [[8.0]]])  # (4, 1, 1) -> (2, 2, 1): means 1, 7
    z_s = torch.tensor([[[0.0]], [[1.0]], [[10.0]], [[11.0]]])  # means 0.5, 10.5
    # one fragment a sample has no pairs within it, so ask only for what lies between samples
    plain = variability(z_c, z_c, z_s)
    grouped = variability(z_c, z_c, z_s, supersampling=True)
    assert float(grouped["content_sample"]) == pytest.approx(6.0)
    assert float(grouped["style_group"]) == pytest.approx(10.0)
    # the style term keeps the true samples: mean over the pairs 1, 10, 11, 9, 10, 1
    assert float(grouped["style_sample"]) == pytest.approx(42 / 6)
    assert float(plain["style_group"]) == pytest.approx(42 / 6)


def test_supersampling_and_widening_reach_every_hinge():
    """By hand: b = 2, n = 2 with d = 1, regrouped 2 x 2 as it is; every term is defined."""
    z_c = torch.tensor([[[0.0], [4.0]], [[0.0], [4.0]]])
    z_s = torch.tensor([[[0.0], [0.0]], [[3.0], [3.0]]])
    for window in (1, 3):
        statistics = variability(z_c, z_c, z_s, supersampling=True, style_window=window)
        assert {k: float(v) for k, v in statistics.items()} == pytest.approx(
            {
                "content_fragment": 4.0,
                "content_sample": 0.0,
                "style_fragment": 0.0,
                "style_sample": 3.0,
                "style_group": 3.0,
            }
        )
        assert all(float(term) == 0.0 for term in hinges(statistics, 15).values())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((32, 2), (8, 8)), ((32, 8), (16, 16)), ((12, 2), (6, 4)), ((7, 3), (7, 3))],
)
def test_regroup_is_the_most_nearly_square(shape, expected):
    z = torch.arange(shape[0] * shape[1], dtype=torch.float32).reshape(*shape, 1)
    grouped = regroup(z)
    assert tuple(grouped.shape) == (*expected, 1)
    assert torch.equal(grouped.flatten(), z.flatten())  # fragments keep their order


@given(st.integers(1, 40), st.integers(1, 12))
def test_regroup_keeps_all_fragments(b, n):
    grouped = regroup(torch.zeros(b, n, 3))
    rows, columns = grouped.shape[:2]
    assert rows * columns == b * n
    assert rows >= columns
    assert not any((b * n) % k == 0 for k in range(columns + 1, rows) if k * k <= b * n)


def test_widening_impulse_and_constant():
    impulse = torch.zeros(1, 7, 1)
    impulse[0, 3] = 3.0
    assert widen(impulse, 3)[0, :, 0].tolist() == pytest.approx([0, 0, 1, 1, 1, 0, 0])
    first = torch.zeros(1, 5, 1)
    first[0, 0] = 3.0  # the replicated end counts the first fragment twice; nothing wraps around
    assert widen(first, 3)[0, :, 0].tolist() == pytest.approx([2, 1, 0, 0, 0])
    constant = torch.full((2, 6, 4), 0.5)
    for window in (1, 3, 5):
        assert torch.allclose(widen(constant, window), constant)
    with pytest.raises(V3Error, match="odd"):
        widen(constant, 2)


def test_style_statistics_use_the_widened_style():
    z_s = torch.tensor([[[0.0], [3.0], [0.0]], [[9.0], [9.0], [9.0]]])
    statistics = variability(z_s, z_s, z_s, style_window=3)
    # first sample smoothed to 1, 1, 1: no variation within samples, 8 between them
    assert float(statistics["style_fragment"]) == pytest.approx(0.0, abs=1e-6)
    assert float(statistics["style_sample"]) == pytest.approx(8.0)
    assert float(statistics["content_fragment"]) == pytest.approx(1.0)  # content stays unsmoothed


def test_every_weight_moves_the_total():
    terms = {name: torch.tensor(0.5) for name in ("reconstruction", "content", "commitment")}
    weights = dict.fromkeys(terms, 1.0)
    before = float(weighted_total(terms, weights))
    for name in terms:
        assert float(weighted_total(terms, weights | {name: 100.0})) > before + 49
    with pytest.raises(V3Error, match="commitment"):
        weighted_total(terms, {k: v for k, v in weights.items() if k != "commitment"})
    with pytest.raises(V3Error, match="typo"):
        weighted_total(terms, weights | {"typo": 1.0})


def test_identical_vectors_have_finite_gradients():
    z = torch.zeros(3, 4, 5, requires_grad=True)
    terms = hinges(variability(z, z, z), 15)
    sum(terms.values()).backward()
    assert torch.isfinite(z.grad).all()
    assert all(float(term) == pytest.approx(1.0) for term in terms.values())


def test_mean_pairwise_distance_by_hand():
    v = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]])  # distances 5, 8, 5
    assert float(mean_pairwise_distance(v)) == pytest.approx(6.0)


def test_decorrelation_of_a_line_and_of_a_cross():
    line = torch.tensor([-1.0, 0.0, 1.0])[:, None, None].expand(3, 2, 4)
    assert float(decorrelation(line)) == pytest.approx(1.0, abs=1e-3)
    cross = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])[:, None]
    assert float(decorrelation(cross)) == pytest.approx(0.0, abs=1e-6)


def test_a_single_vector_has_no_distance_and_no_gradient() -> None:
    one = torch.randn(3, 1, 4, requires_grad=True)
    distance = mean_pairwise_distance(one)
    assert distance.tolist() == [0.0, 0.0, 0.0]
    assert not distance.requires_grad


def test_agreement_of_codes_by_hand():
    atoms = torch.eye(4)
    same = atoms.repeat(5, 1)
    assert float(agreement(same, same, atoms, 0.01)) == pytest.approx(0.0, abs=1e-4)
    turned = same.roll(1, 0)  # another code each, but always the same other one
    symmetrical = agreement(same, turned, atoms, 0.01)
    # the joint has 1/8 at (k, k +- 1): I = log 2, of log 4
    assert float(symmetrical) == pytest.approx(0.5, abs=1e-4)
    alone = atoms[:1].expand(20, 4)  # one code for all: no information, however they agree
    assert float(agreement(alone, alone, atoms, 0.01)) == pytest.approx(1.0, abs=1e-4)
    one, other = torch.cartesian_prod(torch.arange(4), torch.arange(4)).T
    assert float(agreement(atoms[one], atoms[other], atoms, 0.01)) == pytest.approx(1.0, abs=1e-4)


def test_contrast_weights_make_pale_samples_count():
    x = torch.randn(3, 2, 1, 50, 50) * torch.tensor([0.1, 1.0, 1.0]).view(3, 1, 1, 1, 1)
    weights = contrast_weights(contrast(x))
    assert float(weights.mean()) == pytest.approx(1.0)
    # variances 0.01, 1, 1: mean 0.67, so 1 / 0.077 against 1 / 1.067
    assert float(weights[0] / weights[1]) == pytest.approx(1.067 / 0.077, rel=0.05)
    assert torch.isfinite(contrast_weights(contrast(torch.zeros(3, 2, 1, 4, 4)))).all()


def test_evenness_weighs_the_use_of_all_codes():
    atoms = torch.eye(4)
    same = atoms.repeat(5, 1)
    assert float(agreement(same, same, atoms, 0.01, 1.5)) == pytest.approx(0.0, abs=1e-4)
    alone = atoms[:1].expand(20, 4)
    assert float(agreement(alone, alone, atoms, 0.01, 1.5)) == pytest.approx(2.0, abs=1e-4)
    half = atoms[:2].repeat(10, 1)  # entropies log 2 of log 4: 2 - (3 - 1) / 2
    assert float(agreement(half, half, atoms, 0.01, 1.5)) == pytest.approx(1.0, abs=1e-4)


def test_a_repeated_fragment_is_nobody_s_negative():
    """12 fragments that stand twice each: told from one another as if they stood once."""
    once = torch.nn.functional.one_hot(torch.arange(12), 16).float()[None]
    twice = once.repeat(1, 2, 1)
    distinct = (torch.arange(24) < 12)[None]
    assert float(discrimination(twice, twice, 0.01)) > 0.2  # the fault: log 2 / log 24
    assert float(discrimination(twice, twice, 0.01, distinct)) == pytest.approx(0.0, abs=1e-5)
    soft = float(discrimination(once, once, 1.0))
    assert float(discrimination(twice, twice, 1.0, distinct)) == pytest.approx(soft, rel=1e-5)
    alone = (torch.arange(24) < 1)[None]
    assert float(discrimination(twice, twice, 1.0, alone)) == 0.0


@pytest.mark.parametrize("supersampling", [False, True])
def test_a_repeated_fragment_counts_once_in_the_statistics(supersampling):
    torch.manual_seed(0)
    z_c, z_s = torch.randn(3, 5, 4), torch.randn(3, 5, 2)
    rows = torch.arange(10) % 5
    distinct = (torch.arange(10) < 5).expand(3, 10)
    once = variability(z_c, z_c, z_s)
    twice = variability(
        z_c[:, rows], z_c[:, rows], z_s[:, rows], supersampling=supersampling, distinct=distinct
    )
    for name in ("content_fragment", "style_fragment", "style_sample"):
        assert float(twice[name]) == pytest.approx(float(once[name]), rel=1e-5), name
    some = torch.tensor([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()
    means = torch.stack([z_s[0, :3].mean(0), z_s[1, 0], z_s[2].mean(0)])
    mixed = variability(z_c, z_c, z_s, distinct=some)
    assert float(mixed["style_sample"]) == pytest.approx(float(mean_pairwise_distance(means)))
    pairs = [mean_pairwise_distance(z_s[0, :3]), mean_pairwise_distance(z_s[2])]
    assert float(mixed["style_fragment"]) == pytest.approx(float(sum(pairs) / 2))


def test_discrimination_by_hand():
    views = torch.eye(4).expand(2, 4, 4)
    assert float(discrimination(views, views, 0.01)) == pytest.approx(0.0, abs=1e-5)
    # all alike: a guess among 4; what differs between samples only does not help
    shared = torch.eye(4)[:2, None].expand(2, 4, 4)
    assert float(discrimination(shared, shared, 0.3)) == pytest.approx(1.0)
    # cosine 1 with itself, 0 with the three others, temperature 1
    expected = math.log(1 + 3 / math.e) / math.log(4)
    assert float(discrimination(3 * views, views, 1.0)) == pytest.approx(expected)


def test_a_picture_that_lies_aside_is_forgiven_in_part():
    """By hand: a dot that lies one pixel aside, in the middle of 8x8."""
    x, x_hat = torch.zeros(3, 1, 8, 8), torch.zeros(3, 1, 8, 8)
    x[:, :, 4, 4] = 1.0
    x_hat[0, :, 4, 4] = 1.0  # in its place
    x_hat[1, :, 5, 4] = 1.0  # aside
    x_hat[2, :, 6, 4] = 1.0  # too far away
    aside = 2 / 64  # missing in one place, drawn in another
    strict = reconstruction_error(x_hat, x)
    assert strict.tolist() == pytest.approx([0, aside, aside])
    forgiven = reconstruction_error(x_hat, x, (1, 1), in_place=0.25)
    assert forgiven.tolist() == pytest.approx([0, aside / 4, aside])
    only_sideways = reconstruction_error(x_hat, x, (0, 1), in_place=0.25)
    assert only_sideways.tolist() == pytest.approx([0, aside, aside])


def test_forgiveness_keeps_the_order_of_fragments_and_their_gradients():
    x = torch.randn(40, 3, 12, 10)
    moved = torch.stack([torch.roll(one, (k % 3 - 1, k % 2), (1, 2)) for k, one in enumerate(x)])
    x_hat = moved.clone().requires_grad_()
    error = reconstruction_error(x_hat, x, (1, 1), in_place=0.0)
    assert error.shape == (40,)
    assert float(error.max()) < 0.6 < float(reconstruction_error(moved, x).max())  # but its rim
    error[7].backward()
    assert x_hat.grad[7].abs().sum() > 0
    assert x_hat.grad[torch.arange(40) != 7].abs().sum() == 0
