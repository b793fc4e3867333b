"""Draw the curves of training from the tables that DVCLive wrote while it ran.

Two of them are kept as tables too, for `dvc plots diff` to lay experiments over each other.
"""

from v3.base.cli import StagePaths, run, stage_parser

from v3.base.files import read_metrics
from v3.plots.curves import loss_curves
from v3.plots.history import read_history, write_curve

CURVES = {"total_loss": "loss/total", "validation_error": "validation/error"}


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    history = read_history(paths.plots("train") / "live" / "plots" / "metrics")
    source = read_metrics(paths.metrics("train"))["source"]
    folder, title = paths.plots("curves"), f"{args.dataset}: training"
    loss_curves(folder / "training.png", history, title, source)
    for table, name in CURVES.items():
        write_curve(folder / f"{table}.tsv", history, name)


if __name__ == "__main__":
    run(main)
