"""The figures of k-means on the fragments themselves, which a model has to beat.

As many clusters as the model has atoms, on fragments of the train split (at most so many as the
section `baseline` says, drawn by its seed): of raw values as the network reads them, and of their
first 64 principal components. Measured as the model's codes are, on the same parts of the split.
"""

from v3.base.cli import run

from typing import Any

import numpy as np

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.baseline import Clusters, baseline_figures, fit_clusters
from v3.evaluation.common import choose
from v3.evaluation.opened import Opened, open_model_and_data, stage_paths
from v3.evaluation.params import BaselineParams

COMPONENTS = 64
INPUTS = {"components": COMPONENTS, "raw": None}  # the raw values may be changed by clustering them
CHUNK = 4096  # fragments held in memory at once, besides those that are clustered


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "baseline", BaselineParams)
    with open_model_and_data(paths) as opened:
        opened.require_unseen()
        rows = opened.file.rows_of(opened.split["train"])
        rows = rows[choose(len(rows), params.fragments, params.seed)]
        atoms = opened.model.spec.atoms
        train = read_input(opened, rows)
        clusters = {
            name: fit_clusters(train, atoms, params.seed, components)
            for name, components in INPUTS.items()
        }
        del train
        figures = {name: measure(opened, fitted) for name, fitted in clusters.items()}
        about = {"source": opened.info.source, "atoms": atoms, "fragments": len(rows)}
    write_json(paths.metrics("baseline"), {**about, **figures})


def read_input(opened: Opened, rows: np.ndarray) -> np.ndarray:
    """Fragments of `rows` (N,) in the units of the network, flat: (N, D) float32."""
    points = np.empty((len(rows), int(np.prod(opened.file.shape))), np.float32)
    for start in range(0, len(rows), CHUNK):
        fragments = opened.file.read(rows[start : start + CHUNK])
        points[start : start + CHUNK] = fragments.reshape(len(fragments), -1)
    points -= np.float32(opened.info.offset)
    points *= np.float32(opened.info.scale)
    return points


def measure(opened: Opened, clusters: Clusters) -> dict[str, Any]:
    """Figures of the clusters on the validation, test and unseen parts of the split."""
    parts = []
    for part in ("validation", "test", "unseen_test"):
        rows = opened.file.rows_of(opened.split[part])
        chunks = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        codes = np.concatenate([clusters.codes(read_input(opened, chunk)) for chunk in chunks])
        parts.append((codes, opened.file.content[rows]))
    return baseline_figures(*parts, *opened.sizes)


if __name__ == "__main__":
    run(main)
