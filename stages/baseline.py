"""The figures of k-means on the fragments themselves, which a model has to beat.

As many clusters as the model has atoms, on samples of the train split (drawn by the seed of the
section `baseline`, with so many fragments at most as it says), by each of several front ends: raw
values, their first 64 principal components, what the network's trunk sees, and of spectrograms
normalised cepstra among others (v3/evaluation/front_ends.py). Measured as the model's codes are, on
the same parts of the split. `best` is the front end of the highest purity on the test split: a
figure to beat may be chosen with labels in view, for that makes it harder to beat.
"""

from v3.base.cli import run

from typing import Any

import numpy as np

from v3.base.errors import V3Error
from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.baseline import baseline_figures, fit_clusters
from v3.evaluation.common import draw_samples
from v3.evaluation.front_ends import FrontEnd, front_ends, point_chunks, read_points
from v3.evaluation.left_out import left_out, no_content, no_unseen
from v3.evaluation.opened import Opened, open_model_and_data, stage_paths
from v3.evaluation.params import BaselineParams
from v3.model.stored import ABOUT, mend


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "baseline", BaselineParams)
    with open_model_and_data(paths) as opened:
        kind = opened.model.training_params.get("kind")
        if kind is None:
            raise V3Error(f"{paths.model / ABOUT} says no training.kind: {mend(paths.model)}.")
        drawn = draw_samples(
            opened.file.starts, opened.split["train"], params.fragments, params.seed
        )
        figures = {
            name: measure(opened, drawn, front_end, params)
            for name, front_end in front_ends(opened.model.spec, kind, opened.file.shape).items()
        }
        about = {"source": opened.info.source, "atoms": opened.model.spec.atoms}
        about["fragments"] = min(len(opened.file.rows_of(drawn)), params.fragments)
        split = opened.split
        wanting = left_out(no_content(opened.file, split, "test"), no_unseen(split))
    best = max(figures, key=lambda name: figures[name]["purity"] or 0.0)
    write_json(paths.metrics("baseline"), {**about, **wanting, "best": best, **figures})


def measure(
    opened: Opened, drawn: list[int], front_end: FrontEnd, params: BaselineParams
) -> dict[str, Any]:
    """Figures of the clusters of the samples `drawn` on validation, test and unseen part."""
    file, atoms = opened.file, opened.model.spec.atoms
    train = read_points(file, drawn, front_end)[: params.fragments]
    clusters = fit_clusters(train, atoms, params.seed, front_end.components)
    del train

    def measured(part: str) -> tuple[np.ndarray, np.ndarray]:
        samples = opened.split[part]
        codes = [clusters.codes(points) for points in point_chunks(file, samples, front_end)]
        return np.concatenate(codes), file.content[file.rows_of(samples)]

    unseen = measured("unseen_test") if opened.split.get("unseen_test") else None
    return baseline_figures(measured("validation"), measured("test"), unseen, *opened.sizes)


if __name__ == "__main__":
    run(main)
