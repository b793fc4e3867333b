"""Codebook figures and the map for unseen styles on perfect, constant, duplicated, empty codes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.evaluation.codebook import (
    codebook,
    confusion,
    diagonal_order,
    macro_purity,
    one_to_one,
    pnmi,
    purity,
)
from v3.evaluation.ood import majority_map, mapped_accuracy, unseen_figures

LABELS = np.repeat(np.arange(5), 20)


def test_perfect_codes():
    got = codebook((LABELS + 2) % 5, LABELS, 5, 5)
    assert got["one_to_one"] == got["purity"] == got["macro_purity"] == 1
    assert got["active_codes"] == 5
    assert got["perplexity"] == pytest.approx(5)
    assert 0.2 < got["chance_one_to_one"] < 0.4
    assert got["fragments"] == 100


def test_constant_codes():
    """One code for everything: the largest label's share, which is chance."""
    labels = np.array([0] * 6 + [1] * 3 + [2])
    got = codebook(np.full(10, 3), labels, 5, 3)
    for name in ("one_to_one", "purity", "macro_purity"):
        assert got[name] == got[f"chance_{name}"] == 0.6
    assert got["active_codes"] == 1
    assert got["perplexity"] == 1


def test_duplicated_codes():
    """Every label has two codes of its own: pure, but only half fits one to one."""
    codes = LABELS * 2 + np.tile([0, 1], 50)
    got = codebook(codes, LABELS, 12, 5)
    assert got["one_to_one"] == 0.5
    assert got["purity"] == got["macro_purity"] == 1
    assert got["active_codes"] == 10  # two atoms of twelve are never used
    assert got["perplexity"] == pytest.approx(10)


def test_empty_codes():
    for labels in (np.zeros(0, int), np.full(3, -1)):
        with pytest.raises(V3Error, match="no fragment has a label"):
            codebook(np.zeros(len(labels), int), labels, 5, 5)
    with pytest.raises(V3Error, match="one length"):
        codebook(np.zeros(3, int), np.zeros(2, int), 5, 5)
    assert confusion(np.zeros(0, int), np.zeros(0, int), 2, 3).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_fewer_codes_than_labels():
    got = codebook(LABELS // 2, LABELS, 3, 5)
    assert got["one_to_one"] == got["purity"] == 0.6
    assert got["macro_purity"] == pytest.approx(2 / 3)


def test_codebook_skewed_usage():
    """A rare pure code lifts macro purity, where every code counts alike, and purity hardly."""
    counts = np.array([[50, 49], [0, 1]])
    codes = np.repeat([0, 0, 1], [50, 49, 1])
    labels = np.repeat([0, 1, 1], [50, 49, 1])
    assert confusion(codes, labels, 2, 2).tolist() == counts.tolist()
    got = codebook(codes, labels, 2, 2)
    assert got["purity"] == got["one_to_one"] == 0.51
    assert got["macro_purity"] == pytest.approx((50 / 99 + 1) / 2)
    assert got["perplexity"] == pytest.approx(np.exp(-0.99 * np.log(0.99) - 0.01 * np.log(0.01)))


def test_macro_purity_vector():
    expected = np.load(Path(__file__).parent / "vectors" / "retrieval.npz")
    got = macro_purity(expected["confusion_counts"])
    assert got == pytest.approx(float(expected["macro_purity"]), abs=1e-7)


def test_confusion_refuses_what_is_out_of_range():
    with pytest.raises(V3Error, match="below 2"):
        confusion(np.array([2]), np.array([0]), 2, 2)
    with pytest.raises(V3Error, match="below 2"):
        confusion(np.array([0]), np.array([2]), 2, 2)
    with pytest.raises(V3Error, match="from 0"):
        confusion(np.array([-1]), np.array([0]), 2, 2)


def test_diagonal_order():
    counts = np.array([[0, 0, 9], [0, 0, 0], [8, 1, 0], [2, 0, 0], [0, 7, 1]])
    assert diagonal_order(counts).tolist() == [2, 3, 4, 0, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 9), st.integers(1, 6))
def test_codes_have_no_names(seed, n, atoms, classes):
    """Renaming codes changes no figure; all lie in [0, 1]; none is below the largest label's."""
    draw = np.random.default_rng(seed)
    codes, labels = draw.integers(0, atoms, n), draw.integers(0, classes, n)
    got = codebook(codes, labels, atoms, classes)
    again = codebook(draw.permutation(atoms)[codes], labels, atoms, classes)
    for name, value in got.items():
        assert again[name] == pytest.approx(value, abs=1e-12)
    for figure in (one_to_one, purity, macro_purity):
        assert 0 < got[figure.__name__] <= 1
    assert got["one_to_one"] <= got["purity"]
    assert got["purity"] >= np.bincount(labels).max() / n
    assert 1 <= got["perplexity"] <= got["active_codes"] + 1e-9
    order = diagonal_order(confusion(codes, labels, atoms, classes))
    assert sorted(order) == list(range(atoms))


def test_zero_shot_more_codes_than_labels():
    """18 perfect codes for 9 labels, two each, in any order: all right."""
    labels = np.tile(np.arange(9), 40)
    draw = np.random.default_rng(0)
    codes = draw.permutation(18)[labels * 2 + draw.integers(0, 2, len(labels))]
    mapping = majority_map(codes, labels, 18, 9)
    assert mapped_accuracy(codes, labels, mapping) == 1


def test_majority_map():
    mapping = majority_map(np.array([0, 0, 0, 2, 2, 2]), np.array([1, 1, 0, 2, 0, -1]), 4, 3)
    assert mapping.tolist() == [1, -1, 0, -1]  # code 2 ties: the lower label
    assert mapped_accuracy(np.array([0, 1, 2, 3]), np.array([1, 0, 0, 0]), mapping) == 0.5
    with pytest.raises(V3Error, match="no fragment has a label"):
        majority_map(np.zeros(0, int), np.zeros(0, int), 4, 3)
    with pytest.raises(V3Error, match="no fragment has a label"):
        mapped_accuracy(np.zeros(0, int), np.zeros(0, int), mapping)


def test_unseen_figures():
    """Perfect on style a, wrong on style b, half of whose codes stand for nothing."""
    mapping = np.array([0, 1, -1])
    unseen = (np.array([0, 1, 0, 2]), np.array([0, 1, 1, 1]), np.array([2, 2, 4, 4]))
    seen = (np.array([0, 1, 1, 2]), np.array([0, 1, 0, 2]))
    got = unseen_figures(mapping, unseen, seen, ["p", "q", "a", "r", "b"])
    assert got == {
        "accuracy": 0.5,
        "in_distribution": 0.5,
        "chance": 0.75,
        "purity": 0.75,
        "chance_purity": got["chance_purity"],
        "styles": {"a": 1.0, "b": 0.0},
        "unmapped": 0.25,
        "fragments": 4,
    }
    assert 0.75 <= got["chance_purity"] <= 1


def test_many_unseen_styles_are_summed_up():
    """Of 41 styles the first is wrong altogether, the rest are right; -1 is no style."""
    styles = np.repeat(np.arange(-1, 41), 3)
    labels = np.tile([0, 1, 1], 42)
    codes = np.where(styles == 0, 1 - labels, labels)
    got = unseen_figures(np.arange(2), (codes, labels, styles), (codes, labels), ["x"] * 41)
    assert "styles" not in got
    assert (got["style_count"], got["style_median"], got["style_worst"]) == (41, 1.0, 0.0)
    few = styles < 40
    got = unseen_figures(
        np.arange(2), (codes[few], labels[few], styles[few]), (codes, labels), list("ab" * 20)
    )
    assert "style_count" not in got


def test_purity_of_unseen_styles():
    labels = np.tile(np.arange(4), 10)
    swapped = labels ^ 1  # every code means another label than before
    got = unseen_figures(np.arange(4), (swapped, labels, labels * 0), (labels, labels), ["a"])
    assert (got["accuracy"], got["purity"]) == (0, 1)
    constant = labels * 0
    got = unseen_figures(np.arange(4), (constant, labels, constant), (labels, labels), ["a"])
    assert got["purity"] == got["chance_purity"] == 0.25


def test_constant_and_duplicated_codes_unseen():
    labels = np.tile(np.arange(4), 10)
    constant = np.zeros(40, int)
    mapping = majority_map(constant, labels, 3, 4)
    unseen = (constant, labels, np.zeros(40, int))
    assert unseen_figures(mapping, unseen, unseen[:2], ["a"])["accuracy"] == 0.25
    duplicated = labels * 2 + (np.arange(40) // 4) % 2
    mapping = majority_map(duplicated, labels, 8, 4)
    unseen = (duplicated, labels, np.zeros(40, int))
    assert unseen_figures(mapping, unseen, unseen[:2], ["a"])["accuracy"] == 1


def test_pnmi_by_hand():
    assert pnmi(np.eye(4) * 7) == pytest.approx(1)
    assert pnmi(np.array([[3, 0], [0, 3], [2, 0]])) == pytest.approx(1)  # two codes of a label
    assert pnmi(np.ones((4, 4))) == pytest.approx(0, abs=1e-12)
    # one code holds two of four even labels, two hold the others: 1.5 of 2 bits
    halves = np.array([[5, 5, 0, 0], [0, 0, 5, 0], [0, 0, 0, 5]])
    assert pnmi(halves) == pytest.approx(0.75)
    assert pnmi(np.array([[3], [1]])) == 0
