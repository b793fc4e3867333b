"""What the evaluations share: labels that are known, fragments drawn, sums in one order."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from v3.base.errors import V3Error

Array = NDArray[Any]
UNKNOWN = "unknown"


def labelled(what: str, labels: Array, *arrays: Array) -> tuple[Array, ...]:
    """Labels (N,) and arrays (N, ...) without the rows whose label is -1 (unknown).

    Raises `V3Error`, naming `what`, if the lengths differ or nothing is left.
    """
    labels = np.asarray(labels)
    arrays = tuple(np.asarray(array) for array in arrays)
    if labels.ndim != 1 or any(len(array) != len(labels) for array in arrays):
        shapes = ", ".join(str(array.shape) for array in (labels, *arrays))
        raise V3Error(f"{what}: labels (N,) and what they label must have one length: {shapes}.")
    known = labels >= 0
    if not known.any():
        raise V3Error(
            f"{what}: no fragment has a label, nothing can be measured: bring some into the "
            "fragment file, and run the same command again."
        )
    return (labels[known], *(array[known] for array in arrays))


def majority_share(labels: Array) -> float:
    """Share of the most frequent of labels (N,): what the best constant guess scores."""
    return float(np.bincount(labels).max() / len(labels))


def choose(total: int, most: int, seed: int) -> NDArray[np.int64]:
    """Rising rows of at most `most` out of `total`, drawn without repeats."""
    draw = np.random.default_rng(seed)
    return np.sort(draw.choice(total, min(total, most), replace=False)).astype(np.int64)


def draw_samples(
    starts: Sequence[int] | Array, samples: Sequence[int], most: int, seed: int
) -> list[int]:
    """Rising rows of so many of the `samples`, drawn, as have at most `most` fragments together.

    Sample s owns the fragments `starts[s]` to `starts[s + 1]`. One sample at least.
    """
    shuffled = np.random.default_rng(seed).permutation(np.asarray(samples, np.int64))
    fragments = np.cumsum(np.diff(starts)[shuffled])
    count = max(1, int(np.searchsorted(fragments, most, side="right")))
    return sorted(shuffled[:count].tolist())


def exemplars(labels: Array, others: Array, most: int) -> NDArray[np.int64]:
    """Row of one fragment for each of at most `most` labels, spread over those in labels (N,).

    Labels of the other kind, `others` (N,), change from one to the next where that is possible.
    Where no label is known, rows that are spread over all.
    """
    around = np.unique(others)
    found = np.unique(labels[labels >= 0])
    if not len(found):
        return np.linspace(0, len(labels) - 1, min(most, len(labels))).round().astype(np.int64)
    spread = np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int)
    chosen = []
    for place, label in enumerate(found[spread]):
        rows = np.flatnonzero(labels == label)
        fitting = rows[others[rows] == around[place % len(around)]]
        chosen.append(fitting[0] if len(fitting) else rows[0])
    return np.array(chosen, dtype=np.int64)


def names_of(labels: Array, names: Sequence[str]) -> list[str]:
    """The names of labels (N,); -1 is unknown."""
    return [names[label] if label >= 0 else UNKNOWN for label in labels]


@contextmanager
def rare_labels() -> Iterator[None]:
    """No warning that labels are many for so few points: styles of two fragments are just that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        yield


def one_thread() -> AbstractContextManager[Any]:
    """Sums in one order, whatever the number of cores: linear algebra and OpenMP on one thread."""
    limit: AbstractContextManager[Any] = threadpool_limits(1)
    return limit
