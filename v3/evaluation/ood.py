"""Unseen styles: do the codes still mean what they meant for the styles of training?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.codebook import confusion, purity, shuffled
from v3.evaluation.common import Array, labelled, majority_share

NAMED_STYLES = 40  # unseen styles at most whose accuracies are told one by one


def majority_map(codes: Array, labels: Array, atoms: int, classes: int) -> NDArray[np.int64]:
    """The label that every code stands for (atoms,): its most frequent one; -1 if never used.

    Valid for any number of codes: several may stand for one label. Ties go to the lower label.
    """
    labels, codes = labelled("majority map", labels, codes)
    counts = confusion(codes, labels, atoms, classes)
    return np.where(counts.sum(1) > 0, counts.argmax(1), -1)


def mapped_accuracy(codes: Array, labels: Array, mapping: Array) -> float:
    """Share of codes (N,) whose mapped label is right; a code that stands for nothing is wrong."""
    labels, codes = labelled("mapped accuracy", labels, codes)
    return float((np.asarray(mapping)[codes] == labels).mean())


def unseen_figures(
    mapping: Array,
    unseen: tuple[Array, Array, Array],
    seen: tuple[Array, Array],
    style_names: Sequence[str],
) -> dict[str, Any]:
    """Figures of a map (atoms,) fixed beforehand, on fragments that took no part in fixing it.

    unseen: codes, labels and styles (N,) of the unseen styles; seen: codes and labels of the
    styles of training. accuracy: share right on the unseen; in_distribution: on the seen;
    chance: share of the most frequent label among the unseen; purity: share of the unseen right
    if every code stands for its majority label among them, and chance_purity the same with the
    labels shuffled; unmapped: share of the unseen whose code stood for nothing in the map; styles:
    accuracy of each unseen style by name, or of more than 40 their median, worst and number
    (style_median, style_worst, style_count).
    """
    labels, codes, styles = labelled("unseen styles", unseen[1], unseen[0], unseen[2])
    sizes = len(mapping), int(labels.max()) + 1
    by_chance = shuffled(codes, labels, *sizes)
    return {
        "accuracy": mapped_accuracy(codes, labels, mapping),
        "in_distribution": mapped_accuracy(*seen, mapping),
        "chance": majority_share(labels),
        "purity": purity(confusion(codes, labels, *sizes)),
        "chance_purity": fmean(purity(counts) for counts in by_chance),
        **_by_style(np.asarray(mapping)[codes] == labels, styles, style_names),
        "unmapped": float((np.asarray(mapping)[codes] < 0).mean()),
        "fragments": len(labels),
    }


def _by_style(right: Array, styles: Array, style_names: Sequence[str]) -> dict[str, Any]:
    """Accuracy of every style, or of many a summary, from right or wrong (N,) and styles (N,)."""
    right, styles = right[styles >= 0], styles[styles >= 0]
    names, index, counts = np.unique(styles, return_inverse=True, return_counts=True)
    accuracies = (np.bincount(index, right, len(names)) / counts).tolist()
    if len(names) <= NAMED_STYLES:
        by_name = zip(names, accuracies, strict=True)
        return {"styles": {style_names[name]: accuracy for name, accuracy in by_name}}
    return {
        "style_median": median(accuracies),
        "style_worst": min(accuracies),
        "style_count": len(accuracies),
    }
