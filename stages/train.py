"""Train one dataset's model: fragments.h5 and split.json -> the model folder and its curves."""

from dataclasses import asdict, replace
from pathlib import Path

from dvclive import Live

from v3.base.cli import StagePaths, run, stage_parser
from v3.base.files import write_json
from v3.fragments.labels import LabelledFragments
from v3.params import load_params
from v3.splits import read_split
from v3.training.checkpoint import Checkpoints
from v3.training.loop import Row, State, train

CODE = (
    "augment",
    "batches",
    "loss",
    "model",
    "networks",
    "objective",
    "quantizer",
    "training",
    "views",
)


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--seed", type=int, help="in place of <dataset>.train.seed")
    parser.add_argument("--variant", help="train as studies.variants.<name> says")
    args = parser.parse_args()
    paths = StagePaths(args.dataset, args.run)
    dataset = load_params().dataset(args.dataset)
    params = dataset.variant(args.variant)
    if args.seed is not None:
        params = replace(params, seed=args.seed)
    with LabelledFragments(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        source = file.info.source

    settings = {"train": asdict(params), "spec": dataset.spec.to_dict()}
    code = [Path("v3") / f"{name}.py" for name in CODE]
    checkpoints = Checkpoints(args.dataset, settings, [paths.fragments, paths.split, *code])
    with Live(str(paths.plots("train") / "live"), dvcyaml=False, save_dvc_exp=False) as live:

        def log(row: Row) -> None:
            live.step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    live.log_metric(name, value, timestamp=False)

        model, state = train(
            paths.fragments,
            split["train"],
            split["validation"],
            dataset.spec,
            params,
            checkpoints,
            log,
            section=f"{args.dataset}.train",
        )
    figures = training_figures(state)
    model.save(paths.model, figures)
    write_json(paths.metrics("train"), {"source": source, **figures})
    checkpoints.remove()


def training_figures(state: State) -> dict[str, float]:
    """What training measured, without a label and without the clock."""
    best = next(row for row in state.history if row["step"] == state.best_step)
    return {
        "steps": state.step,
        "best_step": state.best_step,
        "validation_error": state.best_error,
        "validation_perplexity": best["validation/perplexity"],
    }


if __name__ == "__main__":
    run(main)
