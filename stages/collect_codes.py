"""Put the figures of one K and one seed into one small file, which git keeps."""

from v3.base.cli import StagePaths, run, stage_parser

from pathlib import Path

from v3.base.files import read_metrics, write_json
from v3.evaluation.code_sizes import size_score

STAGES = ("codebook", "zero_shot", "leakage", "swap")


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file that is written")
    args = parser.parse_args()
    paths = StagePaths(args.dataset, args.run)
    write_json(
        args.out, size_score({stage: read_metrics(paths.metrics(stage)) for stage in STAGES})
    )


if __name__ == "__main__":
    run(main)
