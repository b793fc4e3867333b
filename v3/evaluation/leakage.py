"""Leakage: what a linear probe reads where it should not be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from v3.evaluation.common import Array, choose, labelled, majority_share, one_thread, rare_labels
from v3.evaluation.embedding import Embeddings
from v3.evaluation.styles import StyleRows, style_rows

# Directions are kept down to this share of the largest variance: a millionth of its spread, some
# ten times the rounding of float32. Content hides in directions of small amplitude, so low.
SMALLEST_VARIANCE = 1e-12
ROUNDS = 1000
FIT = 6000  # fragments, at most, that a probe is fitted to
PROBES = {  # name: the label that is read, and what it is read from
    "content_from_z_s": ("content_label", "z_s"),
    "content_from_decoder_style": ("content_label", "style_noisy"),
    "style_from_z_c": ("style_label", "z_c"),
    "content_from_z_c": ("content_label", "z_c"),
    "style_from_z_s": ("style_label", "z_s"),
}


def leakage_figures(fit: Embeddings, test: Embeddings, seed: int) -> dict[str, Any]:
    """accuracy and chance of every probe, fitted to one set of samples and scored on another.

    Of very many fragments in `fit` 6,000 are drawn by the seed. `style_by` says what the probes of
    style are fitted to.
    """
    rows = choose(len(fit.rows), FIT, seed)
    chosen = style_rows(fit.style_label[rows], test.style_label, seed)
    figures: dict[str, Any] = {"style_by": chosen.fitted_to}
    for name, (label, z) in PROBES.items():
        one = getattr(fit, z)[rows], getattr(fit, label)[rows]
        other = getattr(test, z), getattr(test, label)
        if label == "style_label":
            figures[name] = style_leakage(one, other, chosen)
        else:
            figures[name] = leakage(*one, *other)
    return figures


def leakage(
    train_z: Array, train_y: Array, test_z: Array, test_y: Array, whitened_by: Array | None = None
) -> dict[str, Any]:
    """accuracy of the probe beside chance, the share of the most frequent label of the test part.

    Labels of -1 are left out. Both figures are None if no label of the test part occurs in the
    training part: a probe cannot be right then. `whitened_by`: as for `probe_accuracy`.
    """
    train_y, test_y = np.asarray(train_y), np.asarray(test_y)
    if not np.isin(test_y[test_y >= 0], train_y).any():
        return {"accuracy": None, "chance": None}
    train_y, train_z = labelled("leakage, training part", train_y, train_z)
    test_y, test_z = labelled("leakage, test part", test_y, test_z)
    accuracy = probe_accuracy(train_z, train_y, test_z, test_y, whitened_by)
    return {"accuracy": accuracy, "chance": majority_share(test_y)}


def style_leakage(
    train: tuple[Array, Array], test: tuple[Array, Array], chosen: StyleRows
) -> dict[str, Any]:
    """Leakage of style, from embeddings and styles (N,) of both parts, the probe fitted as
    `chosen` says.

    Both figures are None where nothing can fit it. Samples that have a style of their own are few,
    so the whitening is that of the training part.
    """
    if chosen.fit is None:
        return leakage(*train, *test)
    if not len(chosen.score):
        return {"accuracy": None, "chance": None}
    z, y = test
    return leakage(
        z[chosen.fit], y[chosen.fit], z[chosen.score], y[chosen.score], whitened_by=train[0]
    )


def probe_accuracy(
    train_z: Array, train_y: Array, test_z: Array, test_y: Array, whitened_by: Array | None = None
) -> float:
    """Test accuracy of multinomial logistic regression on whitened z (N, d), labels (N,).

    Whitening is fitted on the training part, or on the z `whitened_by` (M, d). The regression is
    the regularised one of scikit-learn (C = 1), whose optimum is unique. Without any varying
    direction, or with one label only, the probe says the most frequent label of the training part.
    """
    mean, whiten = whitening(train_z if whitened_by is None else whitened_by)
    if whiten.shape[1] == 0 or len(np.unique(train_y)) == 1:
        return float((np.bincount(train_y).argmax() == test_y).mean())
    probe = LogisticRegression(C=1.0, max_iter=ROUNDS)
    with one_thread(), rare_labels():
        probe.fit((train_z - mean) @ whiten, train_y)
        return float((probe.predict((test_z - mean) @ whiten) == test_y).mean())


def whitening(z: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (N, d) -> mean (d,) and matrix (d, r) to r uncorrelated dimensions of variance 1.

    Directions whose variance is numerically zero are dropped, so r may be less than d.
    """
    z = np.asarray(z, np.float64)
    mean = z.mean(0)
    _, spread, axes = np.linalg.svd((z - mean) / np.sqrt(len(z)), full_matrices=False)
    largest = max(float(spread.max(initial=0)), float(np.abs(mean).max(initial=0)) * 1e-6)
    kept = spread**2 > SMALLEST_VARIANCE * largest**2
    return mean, axes[kept].T / spread[kept]
