"""Divide the samples of a dataset into train, validation, test and the sets of unseen styles.

The fragment file is read to its last value first: what is wrong with it should not cost a training.
"""

from v3.base.cli import StagePaths, run, stage_parser

import sys

from v3.base.params_file import load_section
from v3.fragments.labels import LabelledFragments, validate
from v3.splits import SplitParams, make_split, split_by_group, write_split


def main() -> None:
    arguments = stage_parser(__doc__).parse_args()
    paths = StagePaths(arguments.dataset, arguments.run)
    params = load_section(arguments.dataset, "split", SplitParams)
    named = validate(paths.fragments).dataset
    if named != arguments.dataset:  # a copy under another name is nobody's mistake, perhaps
        print(
            f"warning: {paths.fragments} says that it is of '{named}' and is used as "
            f"'{arguments.dataset}': if that is not what you mean, put the right file there, else "
            "write its attribute `dataset` anew.",
            file=sys.stderr,
        )
    with LabelledFragments(paths.fragments) as file:
        if params.groups:
            splits = split_by_group(
                file.group,
                file.info.group_names,
                file.style,
                seed=params.seed,
                shares=params.groups,
                few_shot=params.few_shot,
            )
        else:
            splits = make_split(
                file.style,
                file.info.style_names,
                seed=params.seed,
                validation=params.validation or 0.0,
                test=params.test or 0.0,
                unseen_styles=params.unseen_styles,
                few_shot=params.few_shot,
            )
        for part in ("validation", "test", "unseen_test"):
            rows = file.rows_of(splits.get(part, []))
            if len(rows) and (file.content[rows] < 0).all():
                print(
                    f"note: {paths.fragments}: no fragment of the part '{part}' has a known "
                    "content, so what compares with contents there is left out."
                )
    if not splits.get("unseen_test"):
        print(
            "note: no style is kept out of training, so figures of unseen styles are left out: "
            f"{arguments.dataset}.split.unseen_styles names some, or {arguments.dataset}."
            "split.groups gives a group a share of unseen."
        )
    write_split(paths.split, splits, seed=params.seed)


if __name__ == "__main__":
    run(main)
