"""Read the contents of styles that training never saw, without adapting to them.

What label each code stands for is fixed on the validation split; accuracy is measured on
unseen_test, and beside it (in_distribution) on the test split, whose styles training saw.
"""

from v3.base.cli import run

from v3.base.files import write_json
from v3.evaluation.left_out import no_content, no_unseen, unseen_left_out
from v3.evaluation.ood import majority_map
from v3.evaluation.opened import open_model_and_data, stage_paths

PARTS = ("validation", "test", "unseen_test")


def main() -> None:
    paths = stage_paths(__doc__)
    with open_model_and_data(paths) as opened:
        why = no_unseen(opened.split) or no_content(opened.file, opened.split, *PARTS)
        if why is None:
            validation = opened.embed("validation")
            mapping = majority_map(validation.codes, validation.content_label, *opened.sizes)
            figures = opened.unseen_figures(mapping)
        else:
            figures = unseen_left_out(why)
            print(f"{paths.dataset}: zero-shot is left out: {why}.")
        write_json(paths.metrics("zero_shot"), {"source": opened.info.source, **figures})


if __name__ == "__main__":
    run(main)
