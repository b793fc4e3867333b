"""Which files are in a folder, and which samples they make up, by names alone."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from v3.base.errors import V3Error
from v3.own.params import Source
from v3.own.pattern import Pattern, parse_pattern

SHOWN = 3  # names that a sentence gives of many
COLUMNS = ("path", "sample", "content", "style")


@dataclass(frozen=True)
class Piece:
    """A file of a sample, as its path below the folder, and its content if that is known."""

    file: str
    content: str | None = None


@dataclass(frozen=True)
class Sample:
    """What belongs together, in the order of its names."""

    name: str
    style: str | None
    pieces: tuple[Piece, ...]


@dataclass
class Listing:
    """The samples of a folder, and what was left out and why, in words."""

    samples: list[Sample]
    left_out: list[str] = field(default_factory=list)


def list_samples(
    root: Path, params: Source, suffixes: Collection[str], what: str, alone: bool
) -> Listing:
    """The samples in `params.folder` (as found from `root`), of files with one of the `suffixes`
    (as ".png"), which are `what` ("pictures").

    By a table, by a pattern, or a subfolder a sample; with `alone` a file is a sample by itself.
    `V3Error` says what is wrong, and what was met in its place.
    """
    folder = root / params.folder
    files, others = walk(folder, suffixes)
    if not files:
        met = f"it holds {_some(others)}" if others else "it is empty"
        known = ", ".join(suffix for suffix in WELL_KNOWN if suffix in suffixes)
        raise V3Error(
            f"{folder} has no {what} ({known}, ...), {met}: give the folder that holds them."
        )
    left_out = (
        [f"{_count(len(others), 'file')} that are no {what}: {_some(others)}"] if others else []
    )
    if params.table:
        samples, left = by_table(root, params, files)
    elif params.pattern:
        samples, left = by_pattern(files, params, alone)
    elif alone:
        samples = [
            Sample(str(PurePosixPath(file).with_suffix("")), None, (Piece(file),)) for file in files
        ]
        left = []
    else:
        samples, left = by_folder(folder, files, what)
    return Listing(samples, left_out + left)


def walk(folder: Path, suffixes: Collection[str]) -> tuple[list[str], list[str]]:
    """Files below a folder by suffix, and all others; hidden ones are nobody's. Paths with `/`, in
    the order in which people count: page2 before page10."""
    if not folder.is_dir():
        kind = "is a file, and a folder is wanted" if folder.exists() else "does not exist"
        raise V3Error(f"{folder} {kind}: give the folder that holds your files.")
    files: list[str] = []
    others: list[str] = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in names:
            if name.startswith("."):
                continue
            file = Path(place, name).relative_to(folder).as_posix()
            (files if Path(name).suffix.lower() in suffixes else others).append(file)
    return sorted(files, key=natural), sorted(others, key=natural)


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts numbers within names as numbers."""
    return [
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def by_folder(folder: Path, files: Sequence[str], what: str) -> tuple[list[Sample], list[str]]:
    """A folder a sample: that which a file lies in."""
    found: dict[str, list[Piece]] = defaultdict(list)
    loose = []
    for file in files:
        parent = PurePosixPath(file).parent.as_posix()
        if parent == ".":
            loose.append(file)
        else:
            found[parent].append(Piece(file))
    if not found:
        raise V3Error(
            f"{folder} holds {_count(len(files), 'file')} and no subfolders, so nothing says what "
            f"belongs together: put the {what} of each sample into a subfolder, or say how names "
            "tell it, as in --pattern '{sample}_{content}_{style}"
            + PurePosixPath(files[0]).suffix
            + f"' (there is {files[0]}), or give a --table."
        )
    samples = [Sample(name, None, tuple(pieces)) for name, pieces in found.items()]
    note = f"{_count(len(loose), 'file')} in no subfolder: {_some(loose)}"
    return samples, [note] if loose else []


def by_pattern(files: Sequence[str], params: Source, alone: bool) -> tuple[list[Sample], list[str]]:
    """Samples as the names tell."""
    pattern = parse_pattern(params.pattern)
    read = {file: pattern.read(file) for file in files}
    unfit = [file for file, found in read.items() if found is None]
    if len(unfit) == len(files):
        raise V3Error(
            f"the pattern {params.pattern!r} fits none of {_count(len(files), 'file')}, which are "
            f"called {_some(unfit)}: write it as they are called, with {{sample}}, {{content}}, "
            "{style} where these stand."
        )
    if unfit and not params.pass_over:
        raise V3Error(
            f"the pattern {params.pattern!r} does not fit {len(unfit)} of "
            f"{_count(len(files), 'file')}: {_some(unfit)}; rename them (what separates two fields "
            "must not stand within one), or go on without them with --pass-over."
        )
    rows = [(file, found) for file, found in read.items() if found is not None]
    formed = params.per_sample > 0
    samples = _formed(
        [_row(file, found, pattern, alone, formed) for file, found in rows], params, pattern
    )
    return samples, [f"{len(unfit)} that do not fit the pattern: {_some(unfit)}"] if unfit else []


Row = tuple[str, str | None, str | None, str | None]  # file, sample, content, style


def _row(file: str, found: Mapping[str, str], pattern: Pattern, alone: bool, formed: bool) -> Row:
    """What is known of a file; where its name tells no sample, the subfolder that it lies in does,
    unless samples are formed by style."""
    sample, parent = found.get("sample"), PurePosixPath(file).parent.as_posix()
    if alone:
        sample = PurePosixPath(file).with_suffix("").as_posix()
    elif "/" not in pattern.text and parent != "." and not formed:
        sample = parent if sample is None else f"{parent}/{sample}"
    return file, sample, found.get("content"), found.get("style")


def _formed(rows: Iterable[Row], params: Source, pattern: Pattern | None) -> list[Sample]:
    """Rows by their samples, or, where none is named, so many of one style as `per_sample` says."""
    named: dict[tuple[str, str | None], list[Piece]] = defaultdict(list)
    loose: dict[str, list[Piece]] = defaultdict(list)
    for file, sample, content, style in rows:
        if sample is not None:
            named[sample, style].append(Piece(file, content))
        elif style is not None:
            loose[style].append(Piece(file, content))
        else:
            where = f"the pattern {pattern.text!r}" if pattern else f"{params.table}, file {file},"
            raise V3Error(
                f"{where} tells neither the sample nor the style, so nothing says what belongs "
                "together: name {sample} or {style}, or put each sample into a subfolder."
            )
    several = Counter(name for name, _ in named)
    samples = [
        Sample(f"{name} ({style})" if several[name] > 1 else name, style, tuple(pieces))
        for (name, style), pieces in named.items()
    ]
    for style, pieces in loose.items():
        samples += _drawn(style, pieces, params.per_sample or PER_SAMPLE)
    return samples


PER_SAMPLE = 10  # files that form a sample where only their style is known


def _drawn(style: str, pieces: Sequence[Piece], size: int) -> list[Sample]:
    """Samples of `size` pieces of one style, drawn, or one would have all takes of one content."""
    order = np.random.default_rng(0).permutation(len(pieces))
    count = max(1, len(pieces) // size)
    return [
        Sample(f"{style} {number + 1}", style, tuple(pieces[row] for row in np.sort(rows)))
        for number, rows in enumerate(np.array_split(order, count))
    ]


def by_table(root: Path, params: Source, files: Sequence[str]) -> tuple[list[Sample], list[str]]:
    """Samples as a CSV file tells: columns path, sample, content, style, the last two if known."""
    rows = read_table(root / params.table, ("path", "sample"), COLUMNS, params.per_sample > 0)
    there = set(files)
    found: list[tuple[str, dict[str, str]]] = []
    lost: list[tuple[str, dict[str, str]]] = []
    for row in rows:
        file = PurePosixPath(row["path"]).as_posix()
        (found if file in there else lost).append((file, row))
    if lost and (not params.pass_over or not found):
        raise V3Error(
            f"{root / params.table} names {len(lost)} of {len(rows)} files that "
            f"{root / params.folder} does not have, as {_some([file for file, _ in lost])}: give "
            "paths as they are below that folder"
            + (", or go on without them with --pass-over." if found else ".")
        )
    twice = [file for file, count in Counter(file for file, _ in found).items() if count > 1]
    if twice:
        raise V3Error(f"{root / params.table} names {twice[0]} twice: leave one of the rows out.")
    made = _formed(
        [
            (file, row.get("sample") or None, row.get("content") or None, row.get("style") or None)
            for file, row in found
        ],
        params,
        None,
    )
    rest = len(there) - len(found)
    left = [f"{_count(rest, 'file')} that the table does not name"] if rest else []
    return made, left + (
        [f"{len(lost)} that are not there: {_some([f for f, _ in lost])}"] if lost else []
    )


def read_table(
    path: Path, needed: Sequence[str], known: Sequence[str], sample_free: bool = False
) -> list[dict[str, str]]:
    """Rows of a CSV file with a header; comma, semicolon or tab stand between values."""
    if not path.is_file():
        raise V3Error(f"{path} is missing: give the path of a CSV file with the columns "
                      f"{', '.join(known)}.")  # fmt: skip
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise V3Error(f"{path} is no UTF-8 text: save it as CSV in UTF-8.") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
    lacking = [
        name for name in needed if name not in columns and not (sample_free and name == "sample")
    ]
    if "style" in columns and "sample" in lacking:
        lacking.remove("sample")
    if lacking:
        raise V3Error(
            f"{path} lacks the column {lacking[0]}: its first line must name "
            f"{', '.join(known)}, and says {head.strip()!r}."
        )
    reader.fieldnames = columns
    rows = []
    for row in reader:
        values = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if any(values.values()):
            empty = [name for name in needed if name in columns and not values.get(name)]
            if empty and not sample_free:
                raise V3Error(f"{path}, line {reader.line_num}, has no {empty[0]}: fill it in.")
            rows.append(values)
    if not rows:
        raise V3Error(f"{path} has no row below its header: list your files there.")
    return rows


def require_enough(samples: Sequence[tuple[str, int]], what: str) -> None:
    """`V3Error` if samples (name, number of fragments) are too few to learn and measure from."""
    if len(samples) < FEWEST:
        names = ", ".join(name for name, _ in samples)
        raise V3Error(
            f"there {'is' if len(samples) == 1 else 'are'} {_count(len(samples), 'sample')} "
            f"({names}), and {FEWEST} are the least: one trains, one validates, one is "
            "tested, and style can only be told between samples: bring more, or divide these."
        )
    if all(count < 2 for _, count in samples):
        raise V3Error(
            f"every sample is one fragment (as {samples[0][0]}), and content can only be told "
            f"within samples: put the {what} of one style together, in subfolders or with "
            f"--per-sample 10, or cut {CUTTING.get(what, 'wide ones with --cells')}."
        )


WELL_KNOWN = (".png", ".jpg", ".tif", ".wav", ".flac", ".ogg", ".mp3")
CUTTING = {"recordings": "long ones with --cut onsets or --cut length"}
FEWEST = 3  # samples: one for each of training, validation and test


def _refuse(error: OSError) -> None:
    raise error


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
