"""Read the contents of unseen styles after adapting to a few samples of each, without labels.

The model adapts on unseen_<k> with the parameters that it was trained with, its codebook frozen, so
the codes keep their meaning: what label each stands for is fixed once, on the validation split, by
the model before it adapts. Accuracy is measured on unseen_test, and beside it (in_distribution) on
the test split. Entry 0 is the model as it was: zero-shot.
"""

from v3.base.cli import StagePaths, run

from v3.adaptation import adapt
from v3.base.errors import V3Error
from v3.base.files import write_json
from v3.base.params_file import load_machine, load_section
from v3.base.schema import read
from v3.evaluation.left_out import LEFT_OUT, no_content, no_unseen, unseen_left_out
from v3.evaluation.ood import majority_map
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.evaluation.params import FewShotParams
from v3.model.stored import ABOUT, mend
from v3.plots.curves import few_shot_curve
from v3.plots.notice import notice
from v3.splits import require_samples
from v3.training.params import TrainParams

PARTS = ("validation", "test", "unseen_test")  # whose contents are compared with
STYLES = 12  # unseen styles at most that have a line each


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "few_shot", FewShotParams)
    machine = load_machine()
    with open_model_and_data(paths) as opened:
        source = opened.info.source
        why = no_unseen(opened.split) or no_content(opened.file, opened.split, *PARTS)
        if why is not None:
            leave_out(paths, why, source)
            return
        try:
            train = read(
                TrainParams, opened.model.training_params, f"{paths.model / ABOUT}.training"
            )
        except V3Error as error:
            raise V3Error(f"{error}: {mend(paths.model)}.") from None
        validation = opened.embed("validation")
        mapping = majority_map(validation.codes, validation.content_label, *opened.sizes)
        figures = {0: opened.unseen_figures(mapping)}
        for count in adaptation_sizes(opened.split):
            samples = opened.split[f"unseen_{count}"]
            require_samples(paths.split, opened.split, f"unseen_{count}")
            adapted = adapt(opened.model, paths.fragments, samples, params, train, machine)
            figures[count] = opened.with_model(adapted).unseen_figures(mapping)

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


def leave_out(paths: StagePaths, why: str, source: str) -> None:
    """Null figures and a picture that says why."""
    figures = unseen_left_out(why)
    write_json(paths.metrics("few_shot"), {"source": source, "samples_0": figures, LEFT_OUT: why})
    title = f"{paths.dataset}: contents of unseen styles"
    notice(paths.plots("few_shot") / "few_shot.png", title, why, source)
    print(f"{paths.dataset}: few-shot is left out: {why}.")


def adaptation_sizes(split: dict[str, list[int]]) -> list[int]:
    """The k of the parts unseen_<k>, rising."""
    ends = [name.removeprefix("unseen_") for name in split if name.startswith("unseen_")]
    return sorted(int(end) for end in ends if end.isdigit())


if __name__ == "__main__":
    run(main)
