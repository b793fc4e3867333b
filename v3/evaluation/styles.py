"""Which fragments a classifier of style is fitted to, where a sample may have its own style.

Usually other samples of the same styles: those of training fit the classifier, those of the test
split score it. Where a style is a single sample (a character, a picture), no other sample has it.
Then a part of a sample's fragments fits the classifier of its style, and the other part scores it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.common import Array, choose

OTHER_SAMPLES = "other samples of the same styles"
SAME_SAMPLES = "other fragments of the same samples"
NOBODY = "nobody: fewer than two styles of the test split have two fragments"
MOST = 150  # styles at most that are fitted within their samples: classifiers of more get slow
MOST_EACH = 40  # fragments at most of each of them


@dataclass(frozen=True)
class StyleRows:
    """Rows of the test part that a classifier of style is fitted to and scored on.

    fitted_to: in words for the metric file. fit: None where the training part is what it is fitted
    to. score: without any, nothing is measured.
    """

    fitted_to: str
    fit: NDArray[np.int64] | None
    score: NDArray[np.int64]

    @property
    def within_samples(self) -> bool:
        """Whether both sets of rows are of the same samples."""
        return self.fitted_to == SAME_SAMPLES


def style_rows(train: Array, test: Array, seed: int) -> StyleRows:
    """How styles (N,) of the test part are classified, given those (M,) of the training part.

    The training part fits the classifier if it has the styles of at least half of the test
    fragments that have one, or of any where their own samples cannot. Labels of -1 are left out.
    """
    train, test = np.asarray(train), np.asarray(test)
    shared = np.isin(test, train)[test >= 0]
    fit, score = divide(test, MOST, seed)
    if shared.sum() >= (len(shared) / 2 if len(score) else 1):
        return StyleRows(OTHER_SAMPLES, None, np.arange(len(test)))
    return StyleRows(SAME_SAMPLES if len(score) else NOBODY, fit, score)


def divide(labels: Array, most: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of labels (N,) in two halves, label by label, of at most `most` labels.

    Only labels of two rows or more take part, drawn by the seed if there are too many, and of each
    40 rows at most; of an odd number the first half gets one more. Both are empty if not two labels
    can take part.
    """
    found, counts = np.unique(labels[labels >= 0], return_counts=True)
    found = found[counts > 1]
    found = found[choose(len(found), most, seed)]
    draw = np.random.default_rng(seed)
    halves: tuple[list[int], list[int]] = ([], [])
    for label in found if len(found) > 1 else ():
        rows = draw.permutation(np.flatnonzero(labels == label))[:MOST_EACH]
        middle = (len(rows) + 1) // 2
        halves[0].extend(rows[:middle].tolist())
        halves[1].extend(rows[middle:].tolist())
    return np.array(sorted(halves[0]), np.int64), np.array(sorted(halves[1]), np.int64)
