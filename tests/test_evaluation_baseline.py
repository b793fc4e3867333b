"""The baseline on separable, constant, duplicated, empty input and on noise."""

import numpy as np
import pytest

from v3.base.errors import V3Error
from v3.evaluation.baseline import Clusters, baseline_figures, fit_clusters

INPUTS = pytest.mark.parametrize("components", [None, 8], ids=["raw", "components"])
LABELS = np.tile(np.arange(5), 200)


def blobs(labels, seed):
    """Images (N, 3, 4, 4) around one centre a label, far from the origin."""
    centres = np.random.default_rng(7).normal(size=(5, 3, 4, 4))
    noise = np.random.default_rng(seed).normal(size=(len(labels), 3, 4, 4))
    return (50 + 4 * centres[labels] + 0.5 * noise).astype(np.float32)


def figures(clusters, parts, atoms=5):
    return baseline_figures(*((clusters.codes(x), y) for x, y in parts), atoms, 5)


@INPUTS
def test_separable_blobs(components):
    clusters = fit_clusters(blobs(LABELS, 0), 5, 0, components)
    got = figures(clusters, [(blobs(LABELS, seed), LABELS) for seed in (1, 2, 3)])
    for name in ("one_to_one", "purity", "zero_shot", "zero_shot_purity"):
        assert got[name] > 0.99
        assert 0.2 <= got[f"chance_{name}"] < 0.3
    assert got["active_codes"] == 5


@INPUTS
def test_noise_scores_chance(components):
    draw = np.random.default_rng(0)
    clusters = fit_clusters(draw.normal(size=(1000, 40)), 5, 0, components)
    got = figures(clusters, [(draw.normal(size=(1000, 40)), LABELS) for _ in range(3)])
    for name in ("one_to_one", "purity", "zero_shot", "zero_shot_purity"):
        assert got[name] == pytest.approx(got[f"chance_{name}"], abs=0.05)


@INPUTS
def test_constant_and_duplicated_points(components):
    """Fewer points that differ than clusters: no warning, and what can be told apart is."""
    constant = np.full((30, 12), 3.0)
    codes = fit_clusters(constant, 4, 0, components).codes(constant)
    assert len(set(codes.tolist())) == 1
    two = np.repeat([[0.0] * 12, [5.0] * 12], 15, axis=0)
    codes = fit_clusters(two, 4, 0, components).codes(two)
    assert set(codes[:15].tolist()).isdisjoint(codes[15:].tolist())
    assert len(set(codes.tolist())) == 2


def test_fewer_points_than_clusters():
    three = np.eye(3)
    assert sorted(fit_clusters(three, 10, 0).codes(three).tolist()) == [0, 1, 2]
    with pytest.raises(V3Error, match="no fragment to cluster"):
        fit_clusters(np.zeros((0, 3)), 2, 0)


def test_a_cluster_that_means_nothing_is_wrong():
    """Cluster 2 holds no validation fragment: what falls into it is wrong, but pure."""
    clusters = Clusters(np.array([[0.0], [10.0], [20.0]], np.float32))
    part = (clusters.codes(np.array([[1.0], [9.0]])), np.array([0, 1]))
    unseen = (clusters.codes(np.array([[0.0], [19.0]])), np.array([0, 1]))
    got = baseline_figures(part, part, unseen, 3, 2)
    assert (got["zero_shot"], got["zero_shot_purity"], got["active_codes"]) == (0.5, 1.0, 2)


@INPUTS
def test_the_same_seed_gives_the_same_clusters(components):
    x = np.random.default_rng(0).normal(size=(3000, 30)).astype(np.float32)
    one, two = (fit_clusters(x.copy(), 7, 3, components).codes(x) for _ in range(2))
    assert (one == two).all()
    assert len(set(one.tolist())) == 7
