"""Put the figures of one seed of a study into one small file, which git keeps.

Stages that the study did not run have no figures in it.
"""

from v3.base.cli import StagePaths, run

import argparse
from pathlib import Path

from v3.base.files import read_metrics, write_json
from v3.base.schema import Seed, read
from v3.evaluation.headline import STAGES, headline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a section of params.yaml")
    parser.add_argument("--seed", type=int, required=True, help="the seed that was trained with")
    parser.add_argument("--study", type=Path, default=Path("studies/seeds"), help="its folder")
    args = parser.parse_args()
    seed: int = read(Seed, args.seed, "--seed")
    paths = StagePaths(args.dataset, args.study / "runs" / str(seed))
    files = {stage: paths.metrics(stage) for stage in STAGES}
    metrics = {stage: read_metrics(file) for stage, file in files.items() if file.is_file()}
    write_json(args.study / "scores" / args.dataset / f"{seed}.json", headline(metrics))


if __name__ == "__main__":
    run(main)
