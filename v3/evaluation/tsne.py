"""t-SNE (van der Maaten and Hinton, 2008): points on a plane, neighbours beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from v3.evaluation.common import Array, one_thread

DIMENSIONS = 50  # what the points are reduced to first, as the authors advise
FEWEST = 4  # points: of fewer the neighbours say nothing


def tsne_map(points: Array, seed: int, perplexity: float = 30.0) -> NDArray[np.float64]:
    """Points (N, d) -> (N, 2). The perplexity is lowered to (N - 1) / 3 for few points.

    Fewer than 4 points lie where their first two principal components are; points that are all
    the same stay together at the origin.
    """
    points = np.asarray(points, np.float64)
    if not len(points) or np.ptp(points, axis=0).max() == 0:
        return np.zeros((len(points), 2))
    size = min(DIMENSIONS, *points.shape)
    with one_thread():  # several would add up the forces in any order
        reduced = PCA(size, svd_solver="full").fit_transform(points)
        if len(points) < FEWEST:
            return _plane(reduced)
        # The usual start, on the first two components, does not exist where there is only one.
        start = "pca" if size > 1 else "random"
        neighbours = min(perplexity, (len(points) - 1) / 3)
        tsne = TSNE(perplexity=neighbours, init=start, random_state=seed)
        return np.asarray(tsne.fit_transform(reduced), np.float64)


def _plane(points: Array) -> NDArray[np.float64]:
    """The first two coordinates (N, 2) of points (N, d); a second that is not there is 0."""
    placed = np.zeros((len(points), 2))
    placed[:, : points.shape[1]] = points[:, :2]
    return placed
