"""Retrieval: every fragment queries all others by Euclidean distance.

Only how many of the k nearest share the query's label matters, not which they are, so nothing is
ranked by index: the hit goes into the lowest bit of a sortable key, and plain values are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.evaluation.common import Array, choose, labelled, one_thread

POINTS = 30  # values of k, unless told
WORKERS = 2
BLOCK_BYTES = 200 * 1024 * 1024  # of one block of products, of which a worker holds one
BLOCK_ROWS = 256  # at most: the matrix product is no faster with more
STRIP = 2**17  # distances that are ranked at a time: 1 MB stays in the processor's cache
# Squared distances are compared in steps of 2^-44 of the largest: above the rounding of the
# matrix product, so that duplicates tie, and far below any distance that means something.
LEVELS = 2.0**44
FIGURES = ("pr_auc", "perfect_pr_auc", "best_f1", "chance", "chance_pr_auc")
LAST = np.iinfo(np.int64).max  # the key of the query itself: behind everything


def retrieval(
    embeddings: Array,
    labels: Array,
    k: Sequence[int] | None = None,
    points: int = POINTS,
    most_queries: int = 0,
) -> dict[str, Any]:
    """Precision, recall and F1 at k, means over queries, of embeddings (N, d), labels (N,).

    `k` None: some `points` values, evenly in log k, up to the largest number of others that share
    a label. `pr_auc` is the area under precision over recall by the right-hand rule from the
    first k on; `perfect_pr_auc` is the same of a ranking without fault (1 - recall at the first k,
    which is far below 1 where few fragments share a label). `best_f1` is the largest F1; `chance`
    the precision of a random ranking and `chance_pr_auc` its area over the same k. Points that are
    equally far count as in random order, so equal embeddings score exactly chance.

    All fragments search (`queries` counts them), unless `most_queries` is above 0: of more than
    that, so many are drawn, each of which still searches all others, and `queries_drawn_from` says
    of how many. N x N products of d numbers are computed, in float64, but never held at once:
    memory beyond the embeddings is 8 N d bytes and some 400 MB.

    Labels of -1 are left out. A fragment alone with its label is found by others but queries
    nothing. Where no two fragments share a label (every sample a style of its own, and a single
    fragment; or no label is known) there is nothing to find: no k, no queries, and every figure
    None. Raises `V3Error` if a value is not finite.
    """
    if not (np.asarray(labels) >= 0).any():
        return _nothing_to_find()
    labels, x = labelled("retrieval", labels, embeddings)
    x = np.array(x, np.float64)  # a copy of our own, which is centred in its place
    if x.ndim != 2 or not np.isfinite(x).all():
        raise V3Error("retrieval: embeddings must be finite numbers of shape (N, d).")
    _, labels = np.unique(labels, return_inverse=True)
    relevant = np.bincount(labels)[labels] - 1  # (N,) others with the query's label
    if not relevant.any():
        return _nothing_to_find()
    ks = k_values(int(relevant.max()), points) if k is None else clip_k(k, len(x))
    able = np.flatnonzero(relevant)
    queries = able[choose(len(able), most_queries, 0)] if most_queries else able
    hits, relevant = count_hits(x, labels, ks, queries), relevant[queries]  # (Q, len(ks)), (Q,)
    precision = (hits / ks).mean(0)
    recall = (hits / relevant[:, None]).mean(0)
    f1 = (2 * hits / (ks + relevant[:, None])).mean(0)  # 2 p r / (p + r) of every query
    chance = float((relevant / (len(x) - 1)).mean())
    result: dict[str, Any] = {
        "k": ks.tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "pr_auc": _area(precision, recall),
        "perfect_pr_auc": _perfect_area(relevant, ks),
        "best_f1": float(f1.max()),
        "chance": chance,
        # a random ranking finds the share k / (N - 1) of everything
        "chance_pr_auc": chance * float(ks[-1] - ks[0]) / (len(x) - 1),
        "queries": len(queries),
    }
    if len(queries) < len(able):
        result["queries_drawn_from"] = len(able)
    return result


def _nothing_to_find() -> dict[str, Any]:
    lists: dict[str, Any] = {name: [] for name in ("k", "precision", "recall", "f1")}
    return lists | dict.fromkeys(FIGURES) | {"queries": 0}


def k_values(largest: int, points: int = POINTS) -> NDArray[np.int64]:
    """Rising unique k, about `points` of them, evenly in log k from 1 to `largest`."""
    return np.unique(np.rint(np.geomspace(1, largest, points)).astype(np.int64))


def clip_k(k: Sequence[int], fragments: int) -> NDArray[np.int64]:
    """The `k`, rising, unique and at most the N - 1 others; all must be >= 1."""
    given = np.asarray(k, np.int64)
    if not len(given) or given.min() < 1:
        raise V3Error(f"retrieval: k must be a list of numbers >= 1, is {list(k)}.")
    return np.unique(np.minimum(given, fragments - 1))


def _area(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    return float((np.diff(recall) * precision[1:]).sum())


def _perfect_area(relevant: Array, ks: NDArray[np.int64]) -> float:
    """The area if every query (Q,) found all its `relevant` others first."""
    hits = np.minimum(relevant[:, None], ks)
    return _area((hits / ks).mean(0), (hits / relevant[:, None]).mean(0))


def count_hits(
    x: NDArray[np.float64], labels: Array, ks: NDArray[np.int64], queries: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Points (N, d), labels (N,), rows (Q,) -> their hits among the k nearest others (Q, len(ks)).

    Where points tie around rank k, the expected number of hits over their random orders. `x` is
    centred in its place.
    """
    x -= x.mean(0)  # distances stay, rounding errors shrink
    squares = np.einsum("nd,nd->n", x, x)
    step = max(4 * float(squares.max()), np.finfo(np.float64).tiny * LEVELS) / LEVELS
    rows = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (8 * len(x))))
    strip = max(1, STRIP // len(x))
    hits = np.empty((len(queries), len(ks)))

    def fill(start: int) -> None:
        block = queries[start : start + rows]
        products = (-2 * x[block]) @ x.T
        for row in range(0, len(block), strip):
            asking, distance = block[row : row + strip], products[row : row + strip]
            distance += squares[asking, None]
            distance += squares
            np.maximum(distance, 0, out=distance)
            distance /= step
            np.rint(distance, out=distance)
            keys = distance.astype(np.int64)
            keys <<= 1
            keys |= labels[asking, None] == labels
            keys[np.arange(len(keys)), asking] = LAST
            hits[start + row : start + row + len(keys)] = _hits_of_strip(keys, ks)

    # One BLAS thread in each of our workers, so that the sums do not depend on the number of cores.
    with one_thread(), ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(fill, range(0, len(queries), rows)))
    return hits


def _hits_of_strip(keys: NDArray[np.int64], ks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Keys 2 * distance + hit (B, N), which it sorts, the query's own LAST -> hits (B, len(ks))."""
    reach = min(int(ks[-1]) + 1, keys.shape[1])  # one further, to see whether the last k ties
    if reach < keys.shape[1]:
        keys.partition(reach - 1, axis=1)
    nearest = keys[:, :reach]
    nearest.sort(axis=1)
    found = np.cumsum(nearest & 1, axis=1, dtype=np.int32)  # LAST is odd, but never within k
    hits = found[:, ks - 1].astype(np.float64)
    ties = (nearest[:, ks - 1] >> 1) == (nearest[:, np.minimum(ks, reach - 1)] >> 1)
    ties &= ks < keys.shape[1] - 1  # at k = N - 1 everything is found
    for row in np.flatnonzero(ties.any(1)):
        keys[row].sort()
        hits[row, ties[row]] = _expected_hits(keys[row, :-1], ks[ties[row]])
    return hits


def _expected_hits(keys: NDArray[np.int64], ks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sorted keys (N - 1,) of one query -> hits at k, what ties at k being in random order."""
    found = np.concatenate(([0], np.cumsum(keys & 1)))
    tied = keys[ks - 1] >> 1
    first = np.searchsorted(keys, tied << 1)
    after = np.searchsorted(keys, (tied << 1) + 1, side="right")
    share = (ks - first) / (after - first)
    expected: NDArray[np.float64] = found[first] + share * (found[after] - found[first])
    return expected
