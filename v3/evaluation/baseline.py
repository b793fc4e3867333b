"""The baseline: k-means (Lloyd, 1982) on the fragments themselves, which a model has to beat.

It reads what the network reads, as raw values or as their first principal components, and has as
many clusters as the model has atoms; its clusters are then measured as the model's codes are.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from v3.base.errors import V3Error
from v3.evaluation.codebook import codebook
from v3.evaluation.common import Array, choose, majority_share, one_thread
from v3.evaluation.left_out import any_known
from v3.evaluation.ood import majority_map, mapped_accuracy

STARTS = 3  # by k-means++ (Arthur and Vassilvitskii, 2007), of which the best goes on
START_FRAGMENTS = 2000  # that the starts are tried on
ROUNDS = 25  # over all fragments, from the best start on
AXES_FRAGMENTS = 4000  # that the principal components are found on
FIGURES = ("one_to_one", "purity")
UNSEEN = ("zero_shot", "zero_shot_purity")


@dataclass(frozen=True)
class Clusters:
    """Clusters of points (N, D): centres (K, d) of what `axes` (d, D) makes of them; None: of all.

    There may be fewer than K centres that differ, if there are fewer points that do.
    """

    centres: NDArray[np.float32]
    axes: NDArray[np.float32] | None = None

    def codes(self, x: Array) -> NDArray[np.int64]:
        """The cluster (N,) of each of the points (N, ...)."""
        with one_thread():
            points = _projected(flat(x), self.axes)
            # |x - c|^2 without |x|^2, which is the same for every centre
            distance = (self.centres**2).sum(1) - 2 * points @ self.centres.T
        return distance.argmin(1).astype(np.int64)


def fit_clusters(x: Array, clusters: int, seed: int, components: int | None = None) -> Clusters:
    """k-means of points (N, ...), as they are or of their first `components` principal ones.

    The best of three starts on some of the points goes on with all of them. `V3Error` on none.
    """
    if not len(x):
        raise V3Error("baseline: no fragment to cluster.")
    x = flat(x)
    axes = None
    with one_thread(), warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # fewer points that differ than clusters: some centres are then the same; of one point
        # alone the share of variance is 0 / 0, which nobody reads
        warnings.simplefilter("ignore", ConvergenceWarning)
        if components is not None:
            subset = x[choose(len(x), AXES_FRAGMENTS, seed)]
            pca = PCA(min(components, *subset.shape), svd_solver="randomized", random_state=seed)
            axes = pca.fit(subset).components_
        points = _projected(x, axes)
        subset = points[choose(len(points), START_FRAGMENTS, seed)]
        clusters = min(clusters, len(subset))
        start = KMeans(clusters, n_init=STARTS, random_state=seed).fit(subset)
        # A few rounds more; without a copy, for the points may fill most of the memory.
        full = KMeans(clusters, init=start.cluster_centers_, n_init=1, max_iter=ROUNDS)
        full.set_params(random_state=seed, copy_x=False).fit(points)
    return Clusters(full.cluster_centers_, axes)


def baseline_figures(
    validation: tuple[Array, Array],
    test: tuple[Array, Array],
    unseen: tuple[Array, Array] | None,
    atoms: int,
    classes: int,
) -> dict[str, Any]:
    """The figures of a model's codes, for codes and labels (N,) of the three parts.

    one_to_one and purity on the test part; zero_shot: share right on the unseen part, what a code
    stands for being fixed on the validation part; zero_shot_purity: purity on the unseen part.
    chance_...: as beside the model's. None where there is no unseen part, or a part has no label.
    """
    names = (*FIGURES, *UNSEEN)
    figures: dict[str, Any] = dict.fromkeys([*names, *(f"chance_{name}" for name in names)])
    if any_known(test[1]):
        on_test = codebook(*test, atoms, classes)
        for name in FIGURES:
            figures |= {name: on_test[name], f"chance_{name}": on_test[f"chance_{name}"]}
    if unseen is not None and any_known(unseen[1]):
        on_unseen = codebook(*unseen, atoms, classes)
        figures["zero_shot_purity"] = on_unseen["purity"]
        figures["chance_zero_shot_purity"] = on_unseen["chance_purity"]
        if any_known(validation[1]):
            mapping = majority_map(*validation, atoms, classes)
            figures["zero_shot"] = mapped_accuracy(*unseen, mapping)
            figures["chance_zero_shot"] = majority_share(unseen[1][unseen[1] >= 0])
    measured = test[0][test[1] >= 0] if any_known(test[1]) else test[0]
    return figures | {"active_codes": len(np.unique(measured))}


def flat(fragments: Array) -> NDArray[np.float32]:
    """Fragments (N, ...) as points (N, D), float32."""
    return np.asarray(fragments, np.float32).reshape(len(fragments), -1)


def _projected(points: Array, axes: Array | None) -> Array:
    # The mean is not taken off: it moves all points and centres alike.
    return points if axes is None else points @ axes.T
