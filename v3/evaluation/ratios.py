"""Variance versus invariance without a label: the ratios that the four hinges ask for."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist

from v3.evaluation.common import Array, choose
from v3.evaluation.verification import sample_means

MOST = 2000  # points at most, of which all pairs are compared


def ratios(content: Array, style: Array, sample: Array, seed: int = 0) -> dict[str, float | None]:
    """Ratios of mean Euclidean distances, from content (N, d_c) and style (N, d_s) of fragments in
    the samples (N,); each should be well above 1.

    content: within samples over between their means; style: between samples' means over within
    samples; between: style over content, between samples' means; within: content over style, within
    samples. (Wu et al., ICLR 2025, equations of the four hinges.) None where the lower one is 0 or
    there are no pairs.
    """
    c_within, s_within = _within(content, sample), _within(style, sample)
    c_between, s_between = (_between(z, sample, seed) for z in (content, style))
    return {
        "content": _over(c_within, c_between),
        "style": _over(s_between, s_within),
        "between": _over(s_between, c_between),
        "within": _over(c_within, s_within),
    }


def _within(z: Array, sample: Array) -> float:
    """Mean over samples (of two fragments or more) of the mean distance of two of their points."""
    order = np.argsort(sample, kind="stable")
    parts = np.split(z[order], np.flatnonzero(np.diff(np.asarray(sample)[order])) + 1)
    found = [pdist(part[:MOST]).mean() for part in parts if len(part) > 1]
    return float(np.mean(found)) if found else 0.0


def _between(z: Array, sample: Array, seed: int) -> float:
    """Mean distance of two samples' means."""
    means, _ = sample_means(z, sample)
    means = means[choose(len(means), MOST, seed)]
    return float(pdist(means).mean()) if len(means) > 1 else 0.0


def _over(upper: float, lower: float) -> float | None:
    return upper / lower if lower > 0 else None
