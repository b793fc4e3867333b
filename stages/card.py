"""Write the model card beside the model's folder: models/<dataset>.md."""

from v3.base.cli import StagePaths, run, stage_parser

from v3.base.files import atomic_file, read_json, read_metrics
from v3.report.card import STAGES, card


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    metrics = {stage: read_metrics(paths.metrics(stage)) for stage in STAGES}
    text = card(read_json(paths.model / "model.json"), metrics)
    with atomic_file(paths.model.with_suffix(".md")) as beside:
        beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)
