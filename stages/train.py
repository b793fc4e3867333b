"""Train one dataset's model: fragments, split and spec -> the model folder and its curves."""

from v3.base.cli import StagePaths, run, stage_parser

import argparse
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from dvclive import Live
from pydantic import Field

from v3.base import processes
from v3.base.closure import ROOT, closure
from v3.base.errors import V3Error
from v3.base.files import read_json, write_json
from v3.base.params_file import load_machine, load_section, study_section
from v3.base.schema import Seed, read
from v3.fragments.reader import Fragments
from v3.model.spec import Spec
from v3.splits import read_split, require_samples
from v3.training.checkpoint import Checkpoints
from v3.training.loop import train
from v3.training.params import TrainParams
from v3.training.state import Row, training_figures

BYTES = 4  # of a float32
COPIES = 3  # of a batch at the least: as it is read, as the network's input, as it comes back
Atoms = Annotated[int, Field(ge=2)]  # as of a spec
Part = Annotated[float, Field(gt=0, le=1)]


def main() -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--seed", type=int, help="in place of <dataset>.train.seed")
    parser.add_argument("--study", help="train as studies.<name> says: its train and spec")
    parser.add_argument("--atoms", type=int, help="K, in place of the chosen spec's")
    parser.add_argument("--part", type=float, help="of <dataset>.train.steps, to train for less")
    args = parser.parse_args()
    with processes.joined():
        train_dataset(args)


def train_dataset(args: argparse.Namespace) -> None:
    paths = StagePaths(args.dataset, args.run)
    params = load_section(args.dataset, "train", TrainParams, study=args.study)
    changes: dict[str, int] = {}
    if args.seed is not None:
        changes["seed"] = read(Seed, args.seed, "--seed")
    if args.part is not None:
        changes["steps"] = max(1, round(read(Part, args.part, "--part") * params.steps))
    if changes:  # read anew, for the steps must agree with the warm-up
        params = read(TrainParams, params.model_dump() | changes, f"{args.dataset}.train")
    raw_spec = read_json(paths.spec)
    if args.study is not None:
        raw_spec |= study_section(args.study, "spec")
    try:
        spec = Spec.from_dict(raw_spec, str(paths.spec))
    except V3Error as error:
        raise V3Error(f"{error}: run `dvc repro`, which makes the file anew.") from None
    if args.atoms is not None:
        spec = spec.model_copy(update={"atoms": read(Atoms, args.atoms, "--atoms")})
    with Fragments(paths.fragments) as file:
        split = read_split(paths.split, file.samples)
        source = file.source.source
        atoms_by = f"the network in {paths.spec}", f"`atoms` in {args.dataset}.specs"
        if args.atoms is not None:
            atoms_by = "the network that is wanted", "`--atoms`"
        check_sizes(paths, file, split, spec, params, atoms_by)

    settings = {"train": params.model_dump(), "spec": spec.to_dict()}
    code = [ROOT / file for file in sorted(closure("stages/train.py"))]
    checkpoints = Checkpoints(args.dataset, settings, [paths.fragments, paths.split, *code])
    with curves(paths.plots("train") / "live") as log:
        model, state = train(
            paths.fragments,
            split["train"],
            split["validation"],
            spec,
            params,
            load_machine(),
            checkpoints,
            log,
            section=f"{args.dataset}.train",
        )
    if not processes.first():
        return
    figures = training_figures(state)
    model.save(paths.model, figures)
    write_json(paths.metrics("train"), {"source": source, **figures})
    checkpoints.remove()


@contextmanager
def curves(folder: Path) -> Iterator[Callable[[Row], None] | None]:
    """What writes the rows of the history below a folder, in the first process alone."""
    if not processes.first():
        yield None
        return
    with Live(str(folder), dvcyaml=False, save_dvc_exp=False) as live:

        def log(row: Row) -> None:
            live.step = int(row["step"])
            for name, value in row.items():
                # of the clock nothing is kept: two runs must be able to agree on dvc.lock
                if name != "step" and not name.startswith("throughput/"):
                    live.log_metric(name, value, timestamp=False)

        yield log


def check_sizes(
    paths: StagePaths,
    file: Fragments,
    split: dict[str, list[int]],
    spec: Spec,
    params: TrainParams,
    atoms_by: tuple[str, str],
) -> None:
    """`V3Error` if there is nothing to train on, or too little for so many atoms, or if the batches
    alone fill this machine, whose system would end the training without a word.

    `atoms_by`: what has so many atoms, and where that can be mended.
    """
    require_samples(paths.split, split, "train", "validation")
    section, there = f"{paths.dataset}.train", len(file.rows_of(split["train"]))
    if spec.atoms > there:
        raise V3Error(
            f"{atoms_by[0]} has {spec.atoms} atoms, more than the {there} fragments that train: "
            f"lower {atoms_by[1]} or make more data."
        )
    fragments = params.batch_samples * params.fragments_per_sample
    needed = COPIES * BYTES * fragments * math.prod(file.shape)
    if needed > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        raise V3Error(
            f"{section}.fragments_per_sample (is {params.fragments_per_sample}) and "
            f"{section}.batch_samples (is {params.batch_samples}) make batches of "
            f"{needed / 2**30:.3g} GB, more memory than this machine has: lower one of them."
        )


if __name__ == "__main__":
    run(main)
