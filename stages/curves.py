"""Draw the curves of training from the tables that DVCLive wrote while it ran."""

from v3.cli import StagePaths, run, stage_parser
from v3.files import read_json
from v3.history import read_history
from v3.plots.curves import loss_curves


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    rows = read_history(paths.plots("train") / "live" / "plots" / "metrics")
    source = read_json(paths.metrics("train"))["source"]
    title = f"{args.dataset}: training"
    loss_curves(paths.plots("curves") / "training.png", rows, title, source)


if __name__ == "__main__":
    run(main)
