"""Read the contents of unseen styles after adapting to 1, 5 or 10 samples of each, without labels.

The model adapts on unseen_<k>, its codebook frozen, so the codes keep their meaning: what label
each code stands for is fixed once, on the validation split, by the model before it adapts.
Accuracy is measured on unseen_test, and beside it (in_distribution) on the test split. Entry 0 is
the model as it was: zero-shot.
"""

from typing import Any

import numpy as np

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

Split = dict[str, list[int]]


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    dataset = load_params().dataset(args.dataset)
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        if not split.get("unseen_test"):
            raise V3Error(f"{args.dataset}.split.unseen_styles is empty: no style is unseen.")
        named = embed(model, file, split["validation"])
        sizes = model.spec.atoms, len(file.info.content_names)
        mapping = majority_map(named.codes, named.content, *sizes)
        figures = {0: measure(model, file, split, mapping)}
        for count in adaptation_sizes(split):
            samples = split[f"unseen_{count}"]
            adapted = adapt(model, paths.fragments, samples, dataset.few_shot, dataset.train)
            figures[count] = measure(adapted, file, split, mapping)
        source = file.info.source

    by_count = {f"samples_{count}": of_count for count, of_count in figures.items()}
    write_json(paths.metrics("few_shot"), {"source": source, **by_count})
    few_shot_curve(
        paths.plots("few_shot") / "few_shot.png",
        {count: of_count["accuracy"] for count, of_count in figures.items()},
        {
            style: {count: of_count["styles"][style] for count, of_count in figures.items()}
            for style in figures[0]["styles"]
        },
        figures[0]["chance"],
        figures[0]["in_distribution"],
        f"{args.dataset}: contents of unseen styles",
        source,
    )


def adaptation_sizes(split: Split) -> list[int]:
    """The k of the parts unseen_<k>, rising."""
    ends = [name.removeprefix("unseen_") for name in split if name.startswith("unseen_")]
    return sorted(int(end) for end in ends if end.isdigit())


def measure(model: V3, file: FragmentFile, split: Split, mapping: np.ndarray) -> dict[str, Any]:
    """Figures of a model on the unseen styles, its codes read by `mapping` (atoms,)."""
    test, unseen = (embed(model, file, split[part]) for part in ("test", "unseen_test"))
    return unseen_figures(
        mapping,
        (unseen.codes, unseen.content, unseen.style),
        (test.codes, test.content),
        file.info.style_names,
    )


if __name__ == "__main__":
    run(main)
