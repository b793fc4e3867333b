"""Do two samples have the same style? The equal error rate of that question, and how many
directions the answers have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.common import Array, choose

MOST = 1500  # samples at most, of which all pairs are compared


def sample_means(values: Array, sample: Array) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values (N, d) of fragments in the samples (N,) -> the samples' means (S, d), and for each
    the row (S,) of its first fragment."""
    _, first, which, count = np.unique(
        sample, return_index=True, return_inverse=True, return_counts=True
    )
    total = np.zeros((len(count), values.shape[1]))
    np.add.at(total, which, values)
    return total / count[:, None], first


def effective_rank(points: Array) -> float:
    """exp of the entropy of the shares of variance along the principal axes of points (N, d).

    How many directions are in use: 1 for points on a line, d for a round cloud. Points that are
    all the same have none, 0. (Roy and Vetterli, 2007, "The effective rank", on variances.)
    """
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False) ** 2
    if not spread.sum() > 0:
        return 0.0
    share = spread[spread > 0] / spread.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def verification(means: Array, style: Array, seed: int) -> dict[str, Any]:
    """Equal error rate of telling by the cosine of their means (S, d) which samples share a style.

    All pairs of samples of known style (S,) count, of more than 1,500 samples so many are drawn.
    Returns `equal_error_rate`, None without a pair of each kind, and the numbers of `pairs` of one
    style and of two.
    """
    known = np.flatnonzero(np.asarray(style) >= 0)
    known = known[choose(len(known), MOST, seed)]
    means, style = np.asarray(means, np.float64)[known], np.asarray(style)[known]
    length = np.linalg.norm(means, axis=1, keepdims=True)
    unit = means / np.where(length > 0, length, 1)
    i, j = np.triu_indices(len(known), 1)
    cosine, same = (unit @ unit.T)[i, j], style[i] == style[j]
    rate = equal_error_rate(cosine[same], cosine[~same])
    return {
        "equal_error_rate": rate,
        "pairs_same": int(same.sum()),
        "pairs_other": int((~same).sum()),
    }


def equal_error_rate(same: Array, other: Array) -> float | None:
    """Where as many scores of `same` (P,) are refused as of `other` (Q,) accepted; None without
    any of one kind.

    0 if a threshold tells all apart, 0.5 for guessing. Between two thresholds the mean of both
    error rates is taken where they are closest.
    """
    if not len(same) or not len(other):
        return None
    thresholds = np.unique(np.concatenate([same, other]))
    refused = np.searchsorted(np.sort(same), thresholds, side="left") / len(same)
    accepted = 1 - np.searchsorted(np.sort(other), thresholds, side="left") / len(other)
    closest = np.abs(refused - accepted).argmin()
    return float((refused[closest] + accepted[closest]) / 2)
