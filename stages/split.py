"""Divide the samples of a dataset into train, validation, test and the sets of unseen styles."""

from v3.base.cli import StagePaths, run, stage_parser
from v3.fragments.labels import LabelledFragments
from v3.params import load_params
from v3.splits import make_split, split_by_group, write_split


def main() -> None:
    arguments = stage_parser(__doc__).parse_args()
    paths = StagePaths(arguments.dataset, arguments.run)
    params = load_params().dataset(paths.dataset).split
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
                validation=params.validation,
                test=params.test,
                unseen_styles=params.unseen_styles,
                few_shot=params.few_shot,
            )
    write_split(paths.split, splits, seed=params.seed)


if __name__ == "__main__":
    run(main)
