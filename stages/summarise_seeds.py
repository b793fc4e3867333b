"""Figures of every seed of a study, their median and their worst, and a dot a seed.

Exactly the seeds that params.yaml lists: the folder of scores may hold those of earlier lists.
"""

from v3.base.cli import run

import argparse
from pathlib import Path

from v3.base.files import read_metrics, write_json
from v3.evaluation.headline import LOW_IS_GOOD, over_seeds
from v3.evaluation.params import load_study
from v3.plots.curves import seed_dots

LOW = " (low is good)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a section of params.yaml")
    parser.add_argument(
        "--study",
        type=Path,
        default=Path("studies/seeds"),
        help="its folder, named as in the section `studies` of params.yaml",
    )
    args = parser.parse_args()
    dataset, folder = args.dataset, args.study
    seeds = load_study(folder.name).seeds_of(dataset)
    scores = {seed: read_metrics(folder / "scores" / dataset / f"{seed}.json") for seed in seeds}
    source = scores[seeds[0]]["source"]
    figures = over_seeds(scores)
    write_json(folder / "metrics" / f"{dataset}.json", {"source": source, **figures})
    seed_dots(
        folder / "plots" / f"{dataset}.png",
        {name + LOW * (name in LOW_IS_GOOD): figures[name] for name in figures["median"]},
        f"{dataset}: a dot a training seed (study {folder.name})",
        source,
    )


if __name__ == "__main__":
    run(main)
