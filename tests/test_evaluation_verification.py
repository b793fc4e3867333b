"""Verification of style, its equal error rate, and the number of directions in use."""

import numpy as np
import pytest
from scipy.stats import norm

from v3.evaluation.verification import (
    effective_rank,
    equal_error_rate,
    sample_means,
    verification,
)


def test_equal_error_rate_of_two_normal_distributions():
    draw = np.random.default_rng(0)
    for distance in (0.0, 1.0, 3.0):
        got = equal_error_rate(draw.normal(distance, 1, 20000), draw.normal(0, 1, 20000))
        assert got == pytest.approx(norm.cdf(-distance / 2), abs=0.01)


def test_equal_error_rate_of_what_is_told_apart_turned_round_and_all_the_same():
    assert equal_error_rate(np.array([0.5, 0.9]), np.array([0.1, 0.4])) == 0
    assert equal_error_rate(np.array([0.1, 0.4]), np.array([0.5, 0.9])) == 1
    assert equal_error_rate(np.zeros(3), np.zeros(5)) == 0.5
    assert equal_error_rate(np.zeros(0), np.zeros(5)) is None


def test_verification_counts_pairs_of_known_styles():
    """Two styles at right angles, one sample of an unknown one."""
    means = np.array([[1, 0], [2, 0.1], [0, 1], [0.1, 3], [1, 1]])
    got = verification(means, np.array([0, 0, 1, 1, -1]), 0)
    assert got == {"equal_error_rate": 0.0, "pairs_same": 2, "pairs_other": 4}
    alone = verification(means, np.arange(5), 0)
    assert alone == {"equal_error_rate": None, "pairs_same": 0, "pairs_other": 10}


def test_sample_means_by_hand():
    means, first = sample_means(np.array([[1.0], [3.0], [5.0], [7.0]]), np.array([9, 4, 9, 4]))
    assert means.tolist() == [[5.0], [3.0]]
    assert first.tolist() == [1, 0]


def test_effective_rank_counts_directions():
    draw = np.random.default_rng(0)
    line = draw.normal(size=(500, 1)) * [[1.0, 2.0, -1.0]]
    assert effective_rank(line) == pytest.approx(1)
    assert effective_rank(draw.normal(size=(5000, 6))) == pytest.approx(6, abs=0.05)
    assert effective_rank(np.ones((4, 3))) == 0
    # shares of variance 0.8 and 0.2: exp(0.8 log 1.25 + 0.2 log 5) = 1.649
    uneven = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    assert effective_rank(uneven) == pytest.approx(1.649, abs=1e-3)
