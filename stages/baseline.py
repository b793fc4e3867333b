"""The figures of k-means on the fragments themselves, which a model has to beat.

As many clusters as the model has atoms, on fragments of the train split (at most so many as the
section `baseline` says, drawn by its seed): of raw values as the network reads them, and of their
first 64 principal components. Measured as the model's codes are, on the same parts of the split.
"""

from typing import Any

import numpy as np

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.baseline import Clusters, baseline_figures, fit_clusters
from v3.evaluation.common import choose
from v3.evaluation.opened import Evaluated, evaluated, stage_paths
from v3.params import load_params

COMPONENTS = 64
INPUTS = {"components": COMPONENTS, "raw": None}  # the raw values may be changed by clustering them
CHUNK = 4096  # fragments held in memory at once, besides those that are clustered


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_params().dataset(paths.dataset).baseline
    with evaluated(paths) as it:
        it.require_unseen()
        rows = it.file.rows_of(it.split["train"])
        rows = rows[choose(len(rows), params.fragments, params.seed)]
        train = read_input(it, rows)
        clusters = {
            name: fit_clusters(train, it.model.spec.atoms, params.seed, components)
            for name, components in INPUTS.items()
        }
        del train
        figures = {name: measure(it, fitted) for name, fitted in clusters.items()}
    about = {"source": it.info.source, "atoms": it.model.spec.atoms, "fragments": len(rows)}
    write_json(paths.metrics("baseline"), {**about, **figures})


def read_input(it: Evaluated, rows: np.ndarray) -> np.ndarray:
    """Fragments of `rows` (N,) in the units of the network, flat: (N, D) float32."""
    points = np.empty((len(rows), int(np.prod(it.file.shape))), np.float32)
    for at in range(0, len(rows), CHUNK):
        read = it.file.read(rows[at : at + CHUNK])
        points[at : at + CHUNK] = read.reshape(len(read), -1)
    points -= np.float32(it.info.offset)
    points *= np.float32(it.info.scale)
    return points


def measure(it: Evaluated, clusters: Clusters) -> dict[str, Any]:
    """Figures of the clusters on the validation, test and unseen parts of the split."""
    parts = []
    for part in ("validation", "test", "unseen_test"):
        rows = it.file.rows_of(it.split[part])
        chunks = [rows[at : at + CHUNK] for at in range(0, len(rows), CHUNK)]
        codes = np.concatenate([clusters.codes(read_input(it, chunk)) for chunk in chunks])
        parts.append((codes, it.file.content[rows]))
    return baseline_figures(*parts, *it.sizes)


if __name__ == "__main__":
    run(main)
