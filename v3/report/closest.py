"""Which fragments a page shows: the nearest of every code, and the worst mistakes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v3.plots.canvas import Array

Rows = NDArray[np.int64]
ALIKE = 3  # mistakes of one label read as one other, at most


@dataclass(frozen=True)
class Mistake:
    """A fragment whose code stands for another content than its own.

    row: of the embeddings. margin: how much nearer it is to the atom of its code than to the
    nearest that stands for its content; None if none does.
    """

    row: int
    label: int
    read: int
    code: int
    margin: float | None


def nearness(z_c: Array, atoms: Array, distance: str) -> NDArray[np.float64]:
    """Vectors (N, d), atoms (K, d) -> (N, K), the nearer the higher.

    `cosine`: the cosine; `euclidean`: the distance, negative.
    """
    z_c, atoms = np.asarray(z_c, np.float64), np.asarray(atoms, np.float64)
    if distance == "cosine":
        lengths = np.linalg.norm(z_c, axis=1)[:, None] * np.linalg.norm(atoms, axis=1)
        return np.asarray(z_c @ atoms.T / np.maximum(lengths, 1e-12))
    squares = (z_c**2).sum(1)[:, None] - 2 * z_c @ atoms.T + (atoms**2).sum(1)
    return -np.sqrt(np.maximum(squares, 0))


def nearest_of_codes(near: Array, codes: Array, samples: Array, most: int) -> list[Rows]:
    """For each of K codes the rows of the `most` fragments of it that are nearest to its atom.

    near: (N, K). codes, samples: (N,). Of one sample only the nearest, as long as there are others:
    fragments of one sample look alike.
    """
    found = []
    for code in range(near.shape[1]):
        mine = np.flatnonzero(codes == code)
        mine = mine[np.argsort(-near[mine, code], kind="stable")]
        firsts = np.sort(np.unique(samples[mine], return_index=True)[1])
        others = np.setdiff1d(np.arange(len(mine)), firsts)
        found.append(mine[np.concatenate([firsts, others])[:most].astype(np.int64)])
    return found


def worst_mistakes(
    near: Array, codes: Array, labels: Array, stands_for: Array, most: int
) -> list[Mistake]:
    """The mistakes of the largest margin, largest first; those without a margin come last.

    near: (N, K). codes, labels: (N,), labels of -1 are left out. stands_for: (K,) the content of
    each code, -1 if it has none.
    """
    read = stands_for[codes]
    wrong = np.flatnonzero((labels >= 0) & (read != labels) & (read >= 0))
    mistakes = []
    for row in wrong.tolist():
        right = stands_for == labels[row]
        margin = float(near[row, codes[row]] - near[row, right].max()) if right.any() else None
        mistakes.append(Mistake(row, int(labels[row]), int(read[row]), int(codes[row]), margin))
    mistakes.sort(key=lambda found: (found.margin is None, -(found.margin or 0.0), found.row))
    shown, alike = [], Counter[tuple[int, int]]()
    for mistake in mistakes:
        alike[mistake.label, mistake.read] += 1
        if alike[mistake.label, mistake.read] <= ALIKE:
            shown.append(mistake)
    return shown[:most]
