"""Put the figures that matter, from the other metric files of a dataset, into one flat file."""

from v3.base.cli import StagePaths, run, stage_parser

from v3.base.files import read_metrics, write_json
from v3.evaluation.headline import STAGES, headline


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    metrics = {stage: read_metrics(paths.metrics(stage)) for stage in STAGES}
    figures = headline(metrics)
    write_json(paths.metrics("summary"), figures)
    if figures["beats_baseline"] is False:
        print(
            f"{args.dataset}: the model does not beat k-means: purity {figures['purity']:.3f}, "
            f"k-means {figures['baseline_purity']:.3f}."
        )


if __name__ == "__main__":
    run(main)
