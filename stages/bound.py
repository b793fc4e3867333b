"""The supervised upper bound: what the model's encoder reads when the labels teach it.

The network of spec.json learns the contents of the train split with the batches and the random
changes of training, for as many steps as the section `bound` says; the weights that read the
validation split best are kept. Its classes are then measured as a model's codes are, on the same
parts of the split. Where the train split has no label, the figures are null.
"""

from v3.base.cli import StagePaths, run, stage_parser

from v3.base.errors import V3Error
from v3.base.files import read_json, write_json
from v3.base.params_file import load_machine, load_section
from v3.evaluation.left_out import left_out, no_content, no_unseen
from v3.evaluation.params import BoundParams
from v3.evaluation.supervised import FIGURES, bound_figures, fit_classifier
from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.splits import SEEN, read_split, require_samples
from v3.training.params import TrainParams


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    params = load_section(args.dataset, "bound", BoundParams)
    train = load_section(args.dataset, "train", TrainParams)
    try:
        spec = Spec.from_dict(read_json(paths.spec), str(paths.spec))
    except V3Error as error:
        raise V3Error(f"{error}: run `dvc repro`, which makes the file anew.") from None
    with LabelledFragments(paths.fragments) as file:
        split = read_split(paths.split, file.samples)
        require_samples(paths.split, split, *SEEN)
        fitted = fit_classifier(
            file,
            split["train"],
            split["validation"],
            spec,
            train,
            params,
            load_machine(),
            f"{args.dataset}.train",
        )
        if fitted is None:
            figures = dict.fromkeys((*FIGURES, "validation_accuracy", "best_step"))
            print(f"{args.dataset}: 'train' or 'validation' has no label, so the bound is null.")
        else:
            parts = [
                (fitted.classes(file, split[part]), file.content[file.rows_of(split[part])])
                if split.get(part)
                else None
                for part in ("test", "unseen_test")
            ]
            figures = bound_figures(*parts, len(file.info.content_names))
            figures["validation_accuracy"] = fitted.validation_accuracy
            figures["best_step"] = fitted.best_step
        source = file.info.source
        wanting = left_out(no_content(file, split, "train", "validation", "test"), no_unseen(split))
    write_json(paths.metrics("bound"), {"source": source, **wanting, **figures})


if __name__ == "__main__":
    run(main)
