"""t-SNE (van der Maaten and Hinton, 2008): points on a plane, neighbours beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from v3.base.errors import V3Error
from v3.evaluation.common import Array, one_thread

DIMENSIONS = 50  # what the points are reduced to first, as the authors advise


def tsne_map(points: Array, seed: int, perplexity: float = 30.0) -> NDArray[np.float64]:
    """Points (N, d) -> (N, 2). The perplexity is lowered to (N - 1) / 3 for few points.

    Points that are all the same stay together at the origin. Raises `V3Error` for fewer than 4.
    """
    points = np.asarray(points, np.float64)
    if len(points) < 4:
        raise V3Error(f"t-SNE needs at least 4 points, has {len(points)}.")
    if np.ptp(points, axis=0).max() == 0:
        return np.zeros((len(points), 2))
    size = min(DIMENSIONS, *points.shape)
    with one_thread():  # several would add up the forces in any order
        reduced = PCA(size, svd_solver="full").fit_transform(points)
        tsne = TSNE(perplexity=min(perplexity, (len(points) - 1) / 3), random_state=seed)
        return np.asarray(tsne.fit_transform(reduced), np.float64)
