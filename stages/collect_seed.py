"""Put the figures of one seed of the study into one small file, which git keeps."""

from pathlib import Path

from v3.cli import StagePaths, run, stage_parser
from v3.files import read_json, write_json
from v3.headline import headline

SCORES = Path("studies/seeds/scores")
STAGES = ("codebook", "zero_shot", "few_shot", "leakage", "retrieval")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--seed", type=int, required=True, help="the seed that was trained with")
    args = parser.parse_args()
    paths = StagePaths(args.dataset, args.run)
    metrics = {stage: read_json(paths.metrics(stage)) for stage in STAGES}
    write_json(SCORES / args.dataset / f"{args.seed}.json", headline(metrics))


if __name__ == "__main__":
    run(main)
