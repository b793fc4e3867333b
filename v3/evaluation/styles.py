"""Who can teach a judge of style, where every sample may have a style of its own.

Usually other samples of the same styles do: those of training teach, those of the test split are
asked about. Where a style is a single sample (a character, a picture), no other sample has it.
Then a part of a sample's fragments teaches its style, and the other part is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.common import Array, choose

OTHER_SAMPLES = "other samples of the same styles"
SAME_SAMPLES = "other fragments of the same samples"
NOBODY = "nobody: fewer than two styles of the test split have two fragments"
MOST = 150  # styles at most that are taught by their own samples: judges of more get slow
MOST_EACH = 40  # fragments at most of each of them


@dataclass(frozen=True)
class Lesson:
    """What a judge of style learns from and is asked about.

    by: who teaches, in words for the metric file. learn: rows of the test part that teach, None
    where the training part does. ask: rows of the test part; without any, nothing is measured.
    """

    by: str
    learn: NDArray[np.int64] | None
    ask: NDArray[np.int64]


def style_lesson(train: Array, test: Array, seed: int) -> Lesson:
    """How the styles (N,) of the test part are taught, given those (M,) of the training part.

    The training part teaches if it has the styles of at least half of the test fragments that
    have one, or of any where their own samples cannot. Labels of -1 are left out.
    """
    train, test = np.asarray(train), np.asarray(test)
    taught = np.isin(test, train)[test >= 0]
    learn, ask = divide(test, MOST, seed)
    if taught.sum() >= (len(taught) / 2 if len(ask) else 1):
        return Lesson(OTHER_SAMPLES, None, np.arange(len(test)))
    return Lesson(SAME_SAMPLES if len(ask) else NOBODY, learn, ask)


def divide(labels: Array, most: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of labels (N,) in two halves, label by label, of at most `most` labels.

    Only labels of two rows or more take part, drawn by the seed if there are too many, and of each
    40 rows at most; of an odd number the first half gets one more. Both are empty if not two labels
    can take part.
    """
    names, counts = np.unique(labels[labels >= 0], return_counts=True)
    names = names[counts > 1]
    names = names[choose(len(names), most, seed)]
    draw = np.random.default_rng(seed)
    halves: tuple[list[int], list[int]] = ([], [])
    for name in names if len(names) > 1 else ():
        rows = draw.permutation(np.flatnonzero(labels == name))[:MOST_EACH]
        middle = (len(rows) + 1) // 2
        halves[0].extend(rows[:middle].tolist())
        halves[1].extend(rows[middle:].tolist())
    return np.array(sorted(halves[0]), np.int64), np.array(sorted(halves[1]), np.int64)
