"""Figures of every seed of a study, their median and their worst, and a dot a seed.

Exactly the seeds that params.yaml lists: the folder of scores may hold those of earlier lists.
"""

import argparse
from pathlib import Path

from v3.base.cli import run
from v3.base.files import read_json, write_json
from v3.evaluation.headline import LOW_IS_GOOD, over_seeds
from v3.params import load_params
from v3.plots.curves import seed_dots

LOW = " (low is good)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a section of params.yaml")
    parser.add_argument("--study", type=Path, default=Path("studies/seeds"), help="its folder")
    parser.add_argument("--variant", help="the study of studies.variants.<name>")
    args = parser.parse_args()
    dataset, study = args.dataset, args.study
    seeds = load_params().studies.seeds_of(dataset, args.variant)
    scores = {seed: read_json(study / "scores" / dataset / f"{seed}.json") for seed in seeds}
    source = scores[seeds[0]]["source"]
    figures = over_seeds(scores)
    write_json(study / "metrics" / f"{dataset}.json", {"source": source, **figures})
    seed_dots(
        study / "plots" / f"{dataset}.png",
        {name + LOW * (name in LOW_IS_GOOD): figures[name] for name in figures["median"]},
        f"{dataset}: a dot a training seed" + (f", variant {args.variant}" if args.variant else ""),
        source,
    )


if __name__ == "__main__":
    run(main)
