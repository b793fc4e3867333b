"""Retrieval: the exact vectors, perfect, constant, duplicated and empty embeddings."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.evaluation.retrieval import clip_k, k_values, retrieval

VECTORS = Path(__file__).parent / "vectors" / "retrieval.npz"


def test_retrieval_vectors():
    """The vectors were averaged in float32: the hits behind them are whole numbers and equal."""
    expected = np.load(VECTORS)
    n, k = len(expected["labels"]), expected["k"]
    got = retrieval(expected["embeddings"], expected["labels"], k)
    assert got["k"] == k.tolist()
    hits = np.array(got["precision"]) * k * n
    np.testing.assert_allclose(hits, np.rint(expected["precision"] * k * n), rtol=0, atol=1e-6)
    for name in ("precision", "recall", "f1"):
        np.testing.assert_allclose(got[name], expected[name], rtol=0, atol=1e-7)
    assert got["pr_auc"] == pytest.approx(float(expected["pr_auc"]), abs=1e-7)


def test_retrieval_against_a_plain_ranking():
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(83, 5)), draw.integers(0, 4, 83)
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    hit = y[np.argsort(distance, axis=1)[:, :-1]] == y[:, None]
    ks = np.array([1, 3, 10, 50, 82])
    found = hit.cumsum(1)[:, ks - 1]
    precision, recall = found / ks, found / (np.bincount(y)[y] - 1)[:, None]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    got = retrieval(x, y, ks.tolist())
    np.testing.assert_allclose(got["precision"], precision.mean(0), atol=1e-12)
    np.testing.assert_allclose(got["recall"], recall.mean(0), atol=1e-12)
    np.testing.assert_allclose(got["f1"], f1.mean(0), atol=1e-12)
    assert got["best_f1"] == max(got["f1"])


def test_perfect_embeddings():
    labels = np.repeat(np.arange(4), 5)
    got = retrieval(np.eye(4)[labels], labels)
    assert got["k"] == [1, 2, 3, 4]
    assert got["precision"] == [1, 1, 1, 1]
    assert got["recall"] == [0.25, 0.5, 0.75, 1]
    assert got["pr_auc"] == got["perfect_pr_auc"] == 0.75  # 1 - recall at the first k
    assert got["best_f1"] == 1
    assert got["chance"] == pytest.approx(4 / 19)


def test_constant_embeddings_score_chance():
    labels = np.tile(np.arange(4), 5)
    got = retrieval(np.full((20, 3), 0.1), labels, [1, 2, 7, 19])
    np.testing.assert_allclose(got["precision"], 4 / 19, rtol=1e-12)
    np.testing.assert_allclose(got["recall"], np.array([1, 2, 7, 19]) / 19, rtol=1e-12)
    assert got["pr_auc"] == pytest.approx(got["chance_pr_auc"], rel=1e-12)


def test_duplicated_embeddings():
    """Two labels on one point each pair of points: the nearest are 2 right ones among 5."""
    labels = np.tile([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], 1)
    points = np.where(labels < 2, 0.0, 100.0)[:, None] / 3
    got = retrieval(points, labels, [1, 2, 5, 11])
    np.testing.assert_allclose(got["precision"], [2 / 5, 2 / 5, 2 / 5, 2 / 11], rtol=1e-12)
    np.testing.assert_allclose(got["recall"], [1 / 5, 2 / 5, 1, 1], rtol=1e-12)


def test_empty_and_senseless_input():
    for labels in ([], [-1, -1, -1], [0, 1, 2], [7]):  # no label, or none that two share
        got = retrieval(np.zeros((len(labels), 3)), np.array(labels, int))
        assert got["k"] == got["precision"] == got["recall"] == got["f1"] == []
        assert got["pr_auc"] is got["best_f1"] is got["chance"] is got["chance_pr_auc"] is None
        assert got["queries"] == 0
        assert set(got) == set(retrieval(np.zeros((2, 3)), np.zeros(2, int)))
    with pytest.raises(V3Error, match="finite"):
        retrieval(np.full((4, 3), np.nan), np.zeros(4, int))
    with pytest.raises(V3Error, match="k must be"):
        retrieval(np.zeros((4, 3)), np.zeros(4, int), [0, 1])


def test_retrieval_small_set_bounds():
    """Six points and k far beyond them: no k counts twice, every figure stays in [0, 1]."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    got = retrieval(np.random.default_rng(0).normal(size=(6, 2)), labels, [1, 2, 5, 10, 20, 50])
    assert got["k"] == [1, 2, 5]
    assert got["precision"][-1] == pytest.approx(2 / 5)
    assert got["recall"][-1] == 1
    in_bounds(got)


def test_unlabelled_fragments_are_left_out():
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(30, 3)), np.repeat([0, 1, 2], 10)
    more = np.concatenate([x, draw.normal(size=(5, 3))])
    assert retrieval(more, np.concatenate([y, np.full(5, -1)])) == retrieval(x, y)


def test_perfect_pairs_and_thousands_of_styles():
    """Styles that are samples of two fragments: one other to find, at one k, and few to ask."""
    labels = np.repeat(np.arange(3000), 2)
    got = retrieval(np.stack([np.cos(labels), np.sin(labels)], axis=1), labels)
    assert got["k"] == [1]
    assert got["precision"] == got["recall"] == [1]
    assert got["pr_auc"] == got["perfect_pr_auc"] == 0  # no curve: the precision says it all
    assert got["queries"] == 6000
    assert got["chance"] == pytest.approx(1 / 5999)
    mixed = np.concatenate([labels, np.repeat(np.arange(3000, 3010), 5)])
    assert retrieval(mixed[:, None] * 1.0, mixed)["k"] == [1, 2, 3, 4]


def test_some_queries_stand_for_all_and_say_so():
    draw = np.random.default_rng(5)
    labels = draw.integers(0, 4, 600)
    x = np.eye(4)[labels] + 0.7 * draw.normal(size=(600, 4))
    full = retrieval(x, labels)
    assert full["queries"] == 600
    assert "queries_drawn_from" not in full
    assert retrieval(x, labels, most_queries=600) == full
    some = retrieval(x, labels, most_queries=300)
    assert (some["queries"], some["queries_drawn_from"]) == (300, 600)
    assert some["k"] == full["k"]
    for name in ("pr_auc", "perfect_pr_auc", "chance", "best_f1"):
        assert some[name] == pytest.approx(full[name], abs=0.02)


def test_what_is_given_stays_as_it_was():
    """The points are centred in a copy, whatever their type."""
    for kind in (np.float32, np.float64):
        x = np.random.default_rng(6).normal(5, 1, (40, 3)).astype(kind)
        before = x.copy()
        retrieval(x, np.repeat([0, 1], 20))
        np.testing.assert_array_equal(x, before)


def test_k_values():
    assert k_values(1).tolist() == [1]
    ks = k_values(5000, 30)
    assert ks[0] == 1
    assert ks[-1] == 5000
    assert (np.diff(ks) > 0).all()
    assert 25 <= len(ks) <= 30
    assert clip_k([50, 2, 2], 10).tolist() == [2, 9]


def test_blocks_do_not_matter(monkeypatch):
    """In many small blocks the same figures to the last bit, also where points tie."""
    draw = np.random.default_rng(3)
    x, y = draw.integers(0, 3, (200, 4)).astype(float), draw.integers(0, 5, 200)
    whole = retrieval(x, y)
    monkeypatch.setattr("v3.evaluation.retrieval.BLOCK_BYTES", 200 * 8 * 7)
    assert retrieval(x, y) == whole


def test_memory_is_that_of_a_few_rows():
    """Of 8,000 points 49 MB of distances at once, not the 512 MB of all."""
    x, y = np.random.default_rng(7).normal(size=(8000, 2)), np.arange(8000) % 4
    tracemalloc.start()
    try:
        assert retrieval(x, y, points=5)["queries"] == 8000
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(1, 4), st.booleans())
def test_bounds_and_order(seed, n, classes, ties):
    """Everything in [0, 1], and the order of the fragments is of no account, ties included."""
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 3, (n, 2)).astype(float) if ties else draw.normal(size=(n, 2))
    y = draw.integers(0, classes, n)
    if np.bincount(y).max() < 2:
        return
    got = retrieval(x, y)
    in_bounds(got)
    order = draw.permutation(n)
    again = retrieval(x[order], y[order])
    for name in ("precision", "recall", "f1", "pr_auc"):
        np.testing.assert_allclose(again[name], got[name], atol=1e-9)


def in_bounds(got):
    assert got["k"] == sorted(set(got["k"]))
    for name in ("precision", "recall", "f1", "pr_auc", "perfect_pr_auc", "best_f1", "chance"):
        assert np.min(got[name]) >= 0
        assert np.max(got[name]) <= 1 + 1e-12
    assert 0 <= got["chance_pr_auc"] <= 1 + 1e-12
    assert got["pr_auc"] <= got["perfect_pr_auc"] + 1e-12
    assert np.diff(got["recall"]).min(initial=0) >= -1e-12
