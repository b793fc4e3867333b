"""Figures of every K and seed of a study, their median and worst by K, and a picture over K.

Exactly those that params.yaml lists: the folder of scores may hold those of earlier lists.
"""

from v3.base.cli import run, stage_parser

from pathlib import Path

from v3.base.files import read_metrics, write_json
from v3.evaluation.code_sizes import over_sizes
from v3.evaluation.params import load_study
from v3.plots.code_counts import Panel, over_code_counts

# Of each figure its title on the picture, and whether it lies between 0 and 1.
TITLES = {
    "macro_purity": ("macro purity", True),
    "zero_shot": ("zero-shot", True),
    "active_codes": ("codes in use", False),
    "swap_content_kept": ("content kept in a swap", True),
    "swap_style_taken": ("style taken in a swap", True),
    "leakage": ("content left in the style (low is good)", True),
}
CHANCE = "chance_macro_purity"


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--study",
        type=Path,
        default=Path("studies/codes"),
        help="its folder, named as in the section `studies` of params.yaml",
    )
    args = parser.parse_args()
    dataset, folder = args.dataset, args.study
    study = load_study(folder.name)
    scores = {
        atoms: {
            seed: read_metrics(folder / "scores" / dataset / f"{atoms}-{seed}.json")
            for seed in study.seeds_of(dataset)
        }
        for atoms in study.atoms_of(dataset)
    }
    source = next(iter(next(iter(scores.values())).values()))["source"]
    published = study.published_at(dataset)
    figures = over_sizes(scores, published)
    write_json(folder / "metrics" / f"{dataset}.json", {"source": source, "by_atoms": figures})
    chance = {int(atoms): found["median"][CHANCE] for atoms, found in figures.items()}
    beside = {"macro_purity": {"published method": published} if published else {}}
    beside["macro_purity"]["by chance"] = chance
    panels = [
        Panel(
            title,
            {int(atoms): found[name] for atoms, found in figures.items()},
            {int(atoms): found["median"][name] for atoms, found in figures.items()},
            others=beside.get(name, {}),
            share=share,
        )
        for name, (title, share) in TITLES.items()
        if all(name in found for found in figures.values())
    ]
    title = f"{dataset}: codebooks of several sizes, a dot a training seed"
    over_code_counts(folder / "plots" / f"{dataset}.png", panels, title, source)


if __name__ == "__main__":
    run(main)
