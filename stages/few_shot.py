"""Read the contents of unseen styles after adapting to 1, 5 or 10 samples of each, without labels.

The model adapts on unseen_<k>, its codebook frozen, so the codes keep their meaning: what label
each code stands for is fixed once, on the validation split, by the model before it adapts.
Accuracy is measured on unseen_test, and beside it (in_distribution) on the test split. Entry 0 is
the model as it was: zero-shot.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from v3.adaptation import adapt
from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.ood import majority_map, unseen_figures
from v3.evaluation.opened import Evaluated, evaluated, stage_paths
from v3.params import load_params
from v3.plots.curves import few_shot_curve

STYLES = 12  # unseen styles at most that have a line each


def main() -> None:
    paths = stage_paths(__doc__)
    dataset = load_params().dataset(paths.dataset)
    with evaluated(paths) as it:
        it.require_unseen()
        named = it.embed("validation")
        mapping = majority_map(named.codes, named.content, *it.sizes)
        figures = {0: measure(it, mapping)}
        for count in adaptation_sizes(it.split):
            samples = it.split[f"unseen_{count}"]
            adapted = adapt(it.model, paths.fragments, samples, dataset.few_shot, dataset.train)
            figures[count] = measure(replace(it, model=adapted), mapping)
        source = it.info.source

    by_count = {f"samples_{count}": of_count for count, of_count in figures.items()}
    write_json(paths.metrics("few_shot"), {"source": source, **by_count})
    styles = figures[0].get("styles", {})
    few_shot_curve(
        paths.plots("few_shot") / "few_shot.png",
        {count: of_count["accuracy"] for count, of_count in figures.items()},
        {
            style: {count: of_count["styles"][style] for count, of_count in figures.items()}
            for style in (styles if len(styles) <= STYLES else ())
        },
        figures[0]["chance"],
        figures[0]["in_distribution"],
        f"{paths.dataset}: contents of unseen styles",
        source,
    )


def adaptation_sizes(split: dict[str, list[int]]) -> list[int]:
    """The k of the parts unseen_<k>, rising."""
    ends = [name.removeprefix("unseen_") for name in split if name.startswith("unseen_")]
    return sorted(int(end) for end in ends if end.isdigit())


def measure(it: Evaluated, mapping: np.ndarray) -> dict[str, Any]:
    """Figures of a model on the unseen styles, its codes read by `mapping` (atoms,)."""
    test, unseen = it.embed("test"), it.embed("unseen_test")
    return unseen_figures(
        mapping,
        (unseen.codes, unseen.content, unseen.style),
        (test.codes, test.content),
        it.info.style_names,
    )


if __name__ == "__main__":
    run(main)
