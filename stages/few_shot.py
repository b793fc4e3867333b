"""Read the contents of unseen styles after adapting to 1, 5 or 10 samples of each, without labels.

The model adapts on unseen_<k>, its codebook frozen. What label each code stands for is fixed on
the validation split, encoded again by the adapted model; accuracy is measured on unseen_test, and
beside it (in_distribution) on the test split. Entry 0 is the model as it was: zero-shot.
"""

from typing import Any

from v3.adaptation import adapt
from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.errors import V3Error
from v3.evaluation.ood import majority_map, unseen_figures
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.params import load_params
from v3.plots.curves import few_shot_curve
from v3.splits import read_split


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    dataset = load_params().dataset(args.dataset)
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        if not split.get("unseen_test"):
            raise V3Error(f"{args.dataset}.split.unseen_styles is empty: no style is unseen.")
        adapted = {0: measure(model, file, split)}
        for count in dataset.split.few_shot:
            samples = split[f"unseen_{count}"]
            copy = adapt(model, paths.fragments, samples, dataset.few_shot, dataset.train)
            adapted[count] = measure(copy, file, split)
        source = file.info.source

    by_count = {f"samples_{count}": figures for count, figures in adapted.items()}
    write_json(paths.metrics("few_shot"), {"source": source, **by_count})
    few_shot_curve(
        paths.plots("few_shot") / "few_shot.png",
        {count: figures["accuracy"] for count, figures in adapted.items()},
        {
            style: {count: figures["styles"][style] for count, figures in adapted.items()}
            for style in adapted[0]["styles"]
        },
        adapted[0]["chance"],
        adapted[0]["in_distribution"],
        f"{args.dataset}: contents of unseen styles",
        source,
    )


def measure(model: V3, file: FragmentFile, split: dict[str, list[int]]) -> dict[str, Any]:
    """Figures of a model on the unseen styles, its codes named on the validation split."""
    parts = ("validation", "test", "unseen_test")
    validation, test, unseen = (embed(model, file, split[part]) for part in parts)
    sizes = model.spec.atoms, len(file.info.content_names)
    return unseen_figures(
        majority_map(validation.codes, validation.content, *sizes),
        (unseen.codes, unseen.content, unseen.style),
        (test.codes, test.content),
        file.info.style_names,
    )


if __name__ == "__main__":
    run(main)
