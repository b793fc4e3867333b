"""Leakage: what a linear probe reads where it should not be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from v3.evaluation.common import Array, labelled, majority_share, one_thread, rare_labels
from v3.evaluation.styles import Lesson

# Directions are kept down to this share of the largest variance: a millionth of its spread, some
# ten times the rounding of float32. Content hides in directions of small amplitude, so low.
SMALLEST_VARIANCE = 1e-12
ROUNDS = 1000


def leakage(
    train_z: Array, train_y: Array, test_z: Array, test_y: Array, whitened_by: Array | None = None
) -> dict[str, Any]:
    """accuracy of the probe beside chance, the share of the most frequent label of the test part.

    Labels of -1 are left out. Both figures are None if no label of the test part occurs in the
    training part: a probe cannot be right then. `whitened_by`: as for `probe_accuracy`.
    """
    train_y, train_z = labelled("leakage, training part", train_y, train_z)
    test_y, test_z = labelled("leakage, test part", test_y, test_z)
    if not np.isin(test_y, train_y).any():
        return {"accuracy": None, "chance": None}
    accuracy = probe_accuracy(train_z, train_y, test_z, test_y, whitened_by)
    return {"accuracy": accuracy, "chance": majority_share(test_y)}


def style_leakage(
    train: tuple[Array, Array], test: tuple[Array, Array], lesson: Lesson
) -> dict[str, Any]:
    """Leakage of style, from embeddings and styles (N,) of both parts, taught as `lesson` says.

    Both figures are None where nobody can teach. Samples that teach their own style are few, so
    the whitening is that of the training part.
    """
    if lesson.learn is None:
        return leakage(*train, *test)
    if not len(lesson.ask):
        return {"accuracy": None, "chance": None}
    z, y = test
    learn, ask = lesson.learn, lesson.ask
    return leakage(z[learn], y[learn], z[ask], y[ask], whitened_by=train[0])


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
