"""`v3 new`: look at own data, say what is there, and write what DVC and the recipe need to know."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.base.params_file import read_machine, read_params_file
from v3.base.schema import Section, read
from v3.command.names import check_name
from v3.command.section import (
    Facts,
    append_section,
    list_dataset,
    pipeline_of,
    section_of,
)
from v3.own.samples import Sample, require_enough
from v3.params import parse_params
from v3.splits import SplitParams, make_split

PARAMS = "params.yaml"
SHARED_PIPELINES = ("dvc.yaml", "evaluation/dvc.yaml")  # have stages for every dataset
UNKNOWN_CODES = 20  # K where nobody knows it: what the recipe has for ten contents
SHOWN = 5  # names that a line gives of many
FOLDERS = ("v3/base", "v3/download", "v3/fragments", "v3/own")  # what the import stage runs


@dataclass(frozen=True)
class Choices:
    """What was asked for; None and "" where nothing was said."""

    name: str
    codes: int | None = None
    unseen: Sequence[str] = ()
    dry_run: bool = False
    listed: bool = False


@dataclass
class Found:
    """What a folder or file holds, whatever its kind."""

    key: str  # images, audio or fragments: the part of the section that says it
    source: dict[str, Any]  # that part
    about: str  # one line: what a sample is
    kind: str  # images or spectrograms
    samples: list[tuple[str, str | None, int]]  # name, style, fragments
    contents: Sequence[str]
    deps: list[str]  # what DVC has to watch
    said: list[str] = field(default_factory=list)
    layers: tuple[str, ...] = ()
    channels: int = 3  # of a fragment


def project_folder(start: Path) -> Path:
    """The folder of the project that `start` is in; `V3Error` if it is in none."""
    for folder in (start, *start.parents):
        if (folder / PARAMS).is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise V3Error(
        f"{start} is in no project of V3, for no folder from here up has params.yaml and dvc.yaml: "
        "go into the folder that `git clone` made, and run the same command there."
    )


def from_root(root: Path, path: Path, name: str) -> str:
    """A path as it is found from the project's folder; `V3Error` if it is no place for own data."""
    full = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are
    if not full.exists():
        raise V3Error(f"{path} does not exist: give the path of what holds your data.")
    inside = full.is_relative_to(root)
    if root.is_relative_to(full):
        raise V3Error(
            f"{path} holds this project itself: put your data into a folder of its own, beside it."
        )
    made = root / "data" / name
    if full != made / "fragments.h5" and (full.is_relative_to(made) or made.is_relative_to(full)):
        raise V3Error(
            f"{path} is where the results of {name} go: put your data into another folder."
        )
    if any(char in str(full) for char in "\n\r\t") or "://" in str(full):
        raise V3Error(f"{path!s} has a character that DVC cannot read in a path: rename it.")
    return full.as_posix() if path.is_absolute() and not inside else Path(
        os.path.relpath(full, root)
    ).as_posix()  # fmt: skip


def read_source(kind: type[Section], values: dict[str, Any], key: str) -> Any:
    """The parameters of an import, checked as they will be in params.yaml."""
    return read(kind, values, key)


def open_project(name: str) -> tuple[Path, dict[str, Any], int]:
    """The project's folder, the plain values of params.yaml, and how many processes may work."""
    root = project_folder(Path.cwd())
    raw = dict(read_params_file(root / PARAMS))
    parse_params(raw)
    check_name(name, raw, root)
    return root, raw, read_machine(raw).workers


def finish(root: Path, raw: dict[str, Any], choices: Choices, found: Found) -> None:
    """Say what was found, and write section and pipeline, or print them."""
    facts = facts_of(raw, choices, found)
    name = choices.name
    section = section_of(name, found.key, found.source, facts)
    by_hand = found.key == "fragments" and found.source["file"] == f"data/{name}/fragments.h5"
    shared = None if choices.listed else shared_stages(root)
    deps = [] if by_hand else found.deps
    pipeline = pipeline_of(name, found.key, deps, FOLDERS, shared) if deps or shared else None
    for line in describe(choices, found, facts):
        print(line)
    if choices.dry_run:
        print(f"\nNothing was written. This would go to the end of {PARAMS}:\n\n{section}", end="")
        return
    _write(root, name, section, pipeline)
    print(f"\nWritten: the section {name} at the end of {PARAMS}", end="")
    print("." if pipeline is None else f", and corpora/{name}/dvc.yaml, its pipeline.")
    if choices.listed:
        list_dataset(root / PARAMS, name)
        print(f"Listed: one line, `- {name}`, in `datasets`; the rest of the file is as it was.")
    command = "dvc repro" if choices.listed else f"dvc repro corpora/{name}/dvc.yaml"
    print(f"\nNext:  {command}")
    if choices.codes is None and not found.contents:
        print(
            f"After it, `make sweep DATASET={name}` looks for the number of codes without a label "
            "(docs/codes.md)."
        )


def shared_stages(root: Path) -> dict[str, Any]:
    """The stages by name that the project's pipelines have for every dataset, and others."""
    stages: dict[str, Any] = {}
    for place in SHARED_PIPELINES:
        stages |= read_params_file(root / place)["stages"]
    return stages


def _write(root: Path, name: str, section: str, pipeline: str | None) -> None:
    """Both files or none."""
    file = root / "corpora" / name / "dvc.yaml"
    if pipeline is not None:
        with atomic_file(file) as beside:
            beside.write_text(pipeline, encoding="utf-8")
    try:
        append_section(root / PARAMS, section)
    except BaseException:
        if pipeline is not None:
            file.unlink()
            file.parent.rmdir()
        raise


def facts_of(raw: dict[str, Any], choices: Choices, found: Found) -> Facts:
    """What the recipe has to know; `V3Error` where the choices do not go with the data."""
    require_enough([(name, count) for name, _, count in found.samples if count > 1], "files")
    used = [(style, count) for _, style, count in found.samples if count > 1]
    total = sum(count for _, count in used)
    split = split_of(raw, [style for style, _ in used], choices.unseen)
    training = len(split["train"])
    learnt = sum(used[row][1] for row in split["train"])
    codes = choices.codes or len(found.contents) or min(UNKNOWN_CODES, max(2, learnt // 4))
    if choices.codes is not None and choices.codes < 2:
        raise V3Error(
            f"--codes must be 2 or more, is {choices.codes}: give as many as there are contents."
        )
    if codes > learnt:
        raise V3Error(
            f"--codes {codes} is more than the {learnt} fragments that train (of {total}): take "
            f"--codes {max(2, learnt // 10)} or so, or bring more data."
        )
    if training < 2:
        raise V3Error(
            f"only {training} sample would train, and style is told between samples: bring more."
        )
    return Facts(
        about=f"own data: {found.about}",
        kind=found.kind,
        codes=codes,
        fragments=int(median(count for _, count in used)),
        training=training,
        groups=tuple(choices.unseen),
        layers=found.layers,
        channels=found.channels,
    )


def split_of(
    raw: dict[str, Any], styles: Sequence[str | None], unseen: Sequence[str]
) -> dict[str, list[int]]:
    """How the samples will be divided, which `dvc repro` would otherwise refuse later."""
    names = sorted({style for style in styles if style is not None})
    given = raw["defaults"]["split"] | {
        "validation": 0.1,
        "test": 0.1,
        "unseen_styles": list(unseen),
    }
    params = read(SplitParams, given, "split")
    if unseen and not names:
        raise V3Error(
            "--unseen names styles, and no style is known: let names tell it, as in --pattern "
            "'{sample}_{content}_{style}.png', or leave --unseen out."
        )
    for name in unseen:
        most = max(params.few_shot, default=0)
        if name in names and (there := styles.count(name)) <= most:
            raise V3Error(
                f"--unseen {name}: that style has {there} samples, and an unseen one needs more "
                f"than the {most} that few-shot adapts to (defaults.split.few_shot): take another "
                "style, or leave --unseen out."
            )
    rows = {name: row for row, name in enumerate(names)}
    return make_split(
        [rows[style] if style is not None else -1 for style in styles],  # type: ignore[arg-type]
        names,
        seed=params.seed,
        validation=0.1,
        test=0.1,
        unseen_styles=unseen,
        few_shot=params.few_shot,
    )


def describe(choices: Choices, found: Found, facts: Facts) -> list[str]:
    """What there is, in lines."""
    counts = [count for _, _, count in found.samples]
    used = [count for count in counts if count > 1]
    single = len(counts) - len(used)
    styles = Counter(style for _, style, _ in found.samples if style is not None)
    least, most = min(used), max(used)
    each = (
        f"{least}"
        if least == most
        else f"{least} to {most}, half of them {median(used):g} or more,"
    )
    lines = [
        f"{choices.name}: {found.about}",
        f"  {len(used):,} samples of {each} fragments, {sum(used):,} in all",
        *(f"  {line}" for line in found.said),
    ]
    if single:
        lines.append(f"  left out: {single} samples of fewer than two fragments: nothing varies")
    lines.append(f"  contents: {_names(found.contents)}; styles: {_names(sorted(styles))}")
    if choices.codes is not None:
        lines.append(f"  codes: {facts.codes}")
    elif found.contents:
        lines.append(f"  codes: {facts.codes}, as many as contents (--codes takes another number)")
    else:
        lines.append(
            f"  codes: {facts.codes}, for nobody says how many contents there are (--codes)"
        )
    if not facts.groups and styles:
        lines.append(
            "  all styles train; --unseen NAME,NAME keeps some out, to measure codes on new styles"
        )
    return lines


def sample_rows(
    samples: Sequence[Sample], counts: Sequence[int]
) -> list[tuple[str, str | None, int]]:
    """Name, style and number of fragments of each sample."""
    return [(one.name, one.style, count) for one, count in zip(samples, counts, strict=True)]


def _names(names: Sequence[str]) -> str:
    if not names:
        return "not known"
    listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{len(names)} ({listed})"
