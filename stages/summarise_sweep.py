"""Which K? Figures of the sweep by K and seed, what each would choose, and a picture of them.

The choice is the smallest K at which trainings of different seeds have as much in common as at any.
Labels have no part in it: where the fragment file has some, the number of contents is drawn beside.
"""

from v3.base.cli import StagePaths, run, stage_parser

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from v3.base.files import read_metrics, write_json
from v3.evaluation.code_count import FIGURES, OF_PAIRS, Trained, sweep_figures
from v3.evaluation.params import load_study
from v3.fragments.labels import LabelledFragments
from v3.plots.code_counts import Panel, over_code_counts

DOUBTFUL = 0.5  # agreement below which there is nothing to choose by
# Of each figure its title on the picture, and whether it lies between 0 and 1.
TITLES = {
    "between_seeds": ("agreement between seeds (AMI)", True),
    "shared_codes": ("codes that two seeds share", False),
    "views": ("agreement between two views (AMI)", True),
    "agreement": ("agreement term of the loss (low is good)", False),
    "error": ("reconstruction error / variance", False),
    "perplexity": ("perplexity of the codes", False),
}


def main() -> None:
    parser = stage_parser(__doc__ or "")
    parser.add_argument(
        "--study",
        type=Path,
        default=Path("studies/sweep"),
        help="its folder, named as in the section `studies` of params.yaml",
    )
    args = parser.parse_args()
    dataset, folder = args.dataset, args.study
    study = load_study(folder.name)
    seeds = study.seeds_of(dataset)
    scores = {
        atoms: {
            seed: read_metrics(folder / "runs/codes" / dataset / f"{atoms}-{seed}.json")
            for seed in seeds
        }
        for atoms in study.atoms_of(dataset)
    }
    figures = sweep_figures(
        {
            atoms: {seed: trained(score) for seed, score in by_seed.items()}
            for atoms, by_seed in scores.items()
        }
    )
    first = next(iter(next(iter(scores.values())).values()))
    contents = number_of_contents(StagePaths(dataset))
    about = {name: first[name] for name in ("source", "fragments", "steps")}
    write_json(folder / "metrics" / f"{dataset}.json", about | {"contents": contents} | figures)
    draw(folder / "plots" / f"{dataset}.png", figures, contents, dataset, first["source"])
    print(f"{dataset}: {verdict(figures)}.")


def verdict(figures: Mapping[str, Any]) -> str:
    """The choice, and what there is to doubt of it."""
    best = best_agreement(figures)
    said = f"{figures['choice']} codes, by what seeds have in common (AMI {best:.2f} at the best)"
    if best < DOUBTFUL:
        said += "; they agree on little at any K: raise studies.sweep.part and run it again"
    elif figures["choice"] == max(map(int, figures["by_atoms"])):
        said += "; no more were tried: list larger K in studies.sweep and run it again"
    return said


def best_agreement(figures: Mapping[str, Any]) -> float:
    """How far trainings of different seeds agree at the K where they do most."""
    return max(found["middle"]["between_seeds"] for found in figures["by_atoms"].values())


def trained(score: Mapping[str, Any]) -> Trained:
    """What stages/sweep_codes.py wrote of one training."""
    figures = {name: score[name] for name in FIGURES}
    return Trained(codes=np.array(score["codes"]), **figures)


def number_of_contents(paths: StagePaths) -> int | None:
    """Contents that occur in the fragment file; None if no fragment has a label."""
    with LabelledFragments(paths.fragments) as file:
        found = np.unique(file.content[file.content >= 0])
    return len(found) or None


def draw(
    path: Path, figures: Mapping[str, Any], contents: int | None, dataset: str, source: str
) -> None:
    """A panel a figure, each with the K that it would choose."""
    by_atoms = {int(atoms): found for atoms, found in figures["by_atoms"].items()}
    panels = [
        Panel(
            title,
            {atoms: found[name] for atoms, found in by_atoms.items()},
            {atoms: found["middle"][name] for atoms, found in by_atoms.items()},
            line="mean of pairs" if name in OF_PAIRS else "median",
            chosen=figures["would_choose"].get(name),
            share=share,
        )
        for name, (title, share) in TITLES.items()
    ]
    doubt = " (the seeds agree on too little to tell)" * (best_agreement(figures) < DOUBTFUL)
    title = f"{dataset}: how many codes? Chosen without a label: {figures['choice']}{doubt}"
    over_code_counts(path, panels, title, source, contents)


if __name__ == "__main__":
    run(main)
