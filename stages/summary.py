"""Put the figures that matter, from the other metric files of a dataset, into one flat file."""

from v3.cli import StagePaths, run, stage_parser
from v3.files import read_json, write_json
from v3.headline import headline

STAGES = ("codebook", "zero_shot", "few_shot", "leakage", "retrieval", "swap")


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    metrics = {stage: read_json(paths.metrics(stage)) for stage in STAGES}
    write_json(paths.metrics("summary"), headline(metrics))


if __name__ == "__main__":
    run(main)
