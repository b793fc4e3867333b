"""Read the contents of styles that training never saw, without adapting to them.

What label each code stands for is fixed on the validation split; accuracy is measured on
unseen_test, and beside it (in_distribution) on the test split, whose styles training saw.
"""

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.errors import V3Error
from v3.evaluation.ood import majority_map, unseen_figures
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.splits import read_split


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        if not split.get("unseen_test"):
            raise V3Error(f"{args.dataset}.split.unseen_styles is empty: no style is unseen.")
        parts = ("validation", "test", "unseen_test")
        validation, test, unseen = (embed(model, file, split[part]) for part in parts)
        info = file.info

    sizes = model.spec.atoms, len(info.content_names)
    figures = unseen_figures(
        majority_map(validation.codes, validation.content, *sizes),
        (unseen.codes, unseen.content, unseen.style),
        (test.codes, test.content),
        info.style_names,
    )
    write_json(paths.metrics("zero_shot"), {"source": info.source, **figures})


if __name__ == "__main__":
    run(main)
