"""Figures of every seed of the study, their median and their worst, and a dot a seed.

Exactly the seeds that params.yaml lists: the folder of scores may hold those of earlier lists.
"""

from pathlib import Path

from v3.cli import run, stage_parser
from v3.files import read_json, write_json
from v3.headline import LOW_IS_GOOD, over_seeds
from v3.params import load_params
from v3.plots.curves import seed_dots

STUDY = Path("studies/seeds")
LOW = " (low is good)"


def main() -> None:
    dataset = stage_parser(__doc__).parse_args().dataset
    seeds = load_params().studies.seeds_of(dataset)
    scores = {seed: read_json(STUDY / "scores" / dataset / f"{seed}.json") for seed in seeds}
    source = scores[seeds[0]]["source"]
    figures = over_seeds(scores)
    write_json(STUDY / "metrics" / f"{dataset}.json", {"source": source, **figures})
    seed_dots(
        STUDY / "plots" / f"{dataset}.png",
        {name + LOW * (name in LOW_IS_GOOD): figures[name] for name in figures["median"]},
        f"{dataset}: a dot a training seed",
        source,
    )


if __name__ == "__main__":
    run(main)
