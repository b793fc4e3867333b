"""Read the contents of styles that training never saw, without adapting to them.

What label each code stands for is fixed on the validation split; accuracy is measured on
unseen_test, and beside it (in_distribution) on the test split, whose styles training saw.
"""

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.ood import majority_map, unseen_figures
from v3.evaluation.opened import evaluated, stage_paths


def main() -> None:
    paths = stage_paths(__doc__)
    with evaluated(paths) as it:
        it.require_unseen()
        parts = ("validation", "test", "unseen_test")
        validation, test, unseen = (it.embed(part) for part in parts)
        info, sizes = it.info, it.sizes

    figures = unseen_figures(
        majority_map(validation.codes, validation.content, *sizes),
        (unseen.codes, unseen.content, unseen.style),
        (test.codes, test.content),
        info.style_names,
    )
    write_json(paths.metrics("zero_shot"), {"source": info.source, **figures})


if __name__ == "__main__":
    run(main)
