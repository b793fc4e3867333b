"""Short lines of recordings, and which of them are played in the voice of which other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def lines(sample: NDArray[np.generic], length: int) -> list[Rows]:
    """Of each sample the rows of its first fragments, `length` of them at most.

    sample: (N,) in runs of equal numbers.
    """
    starts = np.unique(sample, return_index=True)[1]
    ends = np.append(np.sort(starts)[1:], len(sample))
    return [
        np.arange(start, min(end, start + length))
        for start, end in zip(np.sort(starts).tolist(), ends.tolist(), strict=True)
    ]


def pairs(styles: NDArray[np.generic], most: int, seed: int) -> Rows:
    """Pairs of lines (M, 2), M <= `most`: the giver of content and the giver of style.

    styles: (S,) of the lines, -1 unknown. Two lines of a pair differ in style, as far as it is
    known; every line gives content equally often, or nearly. No pair comes twice.
    """
    rng = np.random.default_rng(seed)
    count = len(styles)
    found: list[tuple[int, int]] = []
    taken: set[tuple[int, int]] = set()
    for _ in range(-(-most // max(1, count))):
        for one in rng.permutation(count).tolist():
            others = [
                other
                for other in rng.permutation(count).tolist()
                if other != one
                and (styles[other] != styles[one] or styles[one] < 0)
                and (one, other) not in taken
            ]
            if others and len(found) < most:
                taken.add((one, others[0]))
                found.append((one, others[0]))
    return np.asarray(found, np.int64).reshape(-1, 2)
