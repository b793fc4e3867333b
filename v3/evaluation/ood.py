"""Unseen styles: do the codes still mean what they meant for the styles of training?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.codebook import confusion
from v3.evaluation.common import Array, labelled, majority_share


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
    chance: share of the most frequent label among the unseen; styles: accuracy of each unseen
    style by name; unmapped: share of the unseen whose code stood for nothing in the map.
    """
    labels, codes, styles = labelled("unseen styles", unseen[1], unseen[0], unseen[2])
    return {
        "accuracy": mapped_accuracy(codes, labels, mapping),
        "in_distribution": mapped_accuracy(*seen, mapping),
        "chance": majority_share(labels),
        "styles": {
            style_names[style]: mapped_accuracy(
                codes[styles == style], labels[styles == style], mapping
            )
            for style in np.unique(styles[styles >= 0])
        },
        "unmapped": float((np.asarray(mapping)[codes] < 0).mean()),
        "fragments": len(labels),
    }
