"""What is wrong with a fragment file: every fault with its dataset and row, not the first alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.fragments.format import DTYPES, SCHEMA, damaged, open_for_reading
from v3.fragments.labels import validate

SHOWN = 5  # rows of one fault that are named
CHUNK = 1024  # fragments read at a time
COLUMNS = {"sample": "int64", "content": "int32", "style": "int32", "group": "int32"}
TEXT = ("schema", "dataset", "source")


def faults(path: Path) -> list[str]:
    """One line a fault, as `content, row 7: ...`; none if every stage can read the file.

    Rows count from 0; those of fragments, content and sample are fragments, those of style, group
    and sample_id samples. `V3Error` if the file is missing or cannot be read at all.
    """
    file = open_for_reading(path)
    try:
        with file:
            found = [*_attributes(file), *_columns(file)]
            if not found:
                found = list(_values(file))
    except (OSError, RuntimeError, KeyError) as error:  # h5py's
        raise damaged(path, error) from None
    if not found:
        try:
            validate(path)  # whatever else the stages ask for
        except V3Error as error:
            found = [str(error)]
    return found


def notes(path: Path) -> list[str]:
    """What is right and worth knowing, in lines, of a file without faults."""
    with open_for_reading(path) as file:
        counts = np.bincount(file["sample"][()])
        shape = " x ".join(map(str, file["fragments"].shape[1:]))
        said = [
            f"{len(counts):,} samples of {counts.min()} to {counts.max()} fragments, "
            f"{int(counts.sum()):,} in all, {shape} {file['fragments'].dtype}"
        ]
        for name in ("content", "style"):
            known = int((file[name][()] >= 0).sum())
            names = len(np.atleast_1d(file.attrs[f"{name}_names"])) if known else 0
            said.append(f"{name}: {known:,} of {len(file[name]):,} known, {names} names")
        if alone := int((counts == 1).sum()):
            said.append(f"{alone} samples are one fragment: nothing varies within them")
    return said


def _attributes(file: h5py.File) -> Iterator[str]:
    for name in TEXT:
        if not isinstance(file.attrs.get(name), str):
            yield f"attribute {name}: {'is no UTF-8 text' if name in file.attrs else 'is missing'}"
    if isinstance(said := file.attrs.get("schema"), str) and said != SCHEMA:
        yield f"attribute schema: is {said!r}, must be {SCHEMA!r}"
    for name in ("offset", "scale"):
        value = file.attrs.get(name)
        if not isinstance(value, int | float | np.integer | np.floating):
            yield f"attribute {name}: {'is no number' if name in file.attrs else 'is missing'}"
        elif not np.isfinite(value) or (name == "scale" and value == 0):
            yield f"attribute {name}: is {value}, must be finite, and scale not 0"
    for name in ("content_names", "style_names"):
        if name not in file.attrs:
            yield f"attribute {name}: is missing (an empty list where no label is known)"


def _columns(file: h5py.File) -> Iterator[str]:
    """Datasets that are missing, or of another type or length."""
    data = file.get("fragments")
    if not isinstance(data, h5py.Dataset):
        yield "fragments: is missing"
        return
    if data.ndim != 4 or min(data.shape) < 1:
        yield f"fragments: has shape {data.shape}, must have (F, C, H, W) with F >= 1"
    if data.dtype not in DTYPES:
        yield f"fragments: is {data.dtype}, must be {', '.join(DTYPES)}"
    sample = file.get("sample")
    samples = None
    if isinstance(sample, h5py.Dataset) and sample.ndim == 1 and len(sample):
        samples = int(sample[-1]) + 1
    lengths = {"sample": len(data), "content": len(data), "style": samples, "group": samples}
    for name, dtype in COLUMNS.items():
        column = file.get(name)
        if not isinstance(column, h5py.Dataset):
            if name != "group" or "group_names" in file.attrs:
                yield f"{name}: is missing"
            continue
        if column.dtype != dtype:
            yield f"{name}: is {column.dtype}, must be {dtype}"
        if (wanted := lengths[name]) is not None and column.shape != (wanted,):
            yield f"{name}: has shape {column.shape}, must have ({wanted},)"
    names = file.get("sample_id")
    if not isinstance(names, h5py.Dataset) or h5py.check_string_dtype(names.dtype) is None:
        yield "sample_id: is missing, or no UTF-8 text"
    elif samples is not None and names.shape != (samples,):
        yield f"sample_id: has shape {names.shape}, must have ({samples},)"


def _values(file: h5py.File) -> Iterator[str]:
    """Rows whose values cannot be."""
    sample = file["sample"][()]
    steps = np.diff(sample, prepend=-1)
    wrong = (steps < 0) | (steps > 1)
    wrong[0] |= steps[0] != 1
    yield from _rows(
        "sample", wrong, sample, "must count 0, 1, 2, ... without a gap, never falling"
    )
    for name in ("content", "style", "group"):
        if name in file and f"{name}_names" in file.attrs:
            values = file[name][()]
            count = np.size(file.attrs[f"{name}_names"])
            bad = (values < -1) | (values >= count)
            yield from _rows(name, bad, values, f"is not among the {count} of {name}_names, nor -1")
    data = file["fragments"]
    if data.dtype.kind != "f":
        return
    for start in range(0, len(data), CHUNK):
        bad = ~np.isfinite(data[start : start + CHUNK])
        for row in np.flatnonzero(bad.any(axis=(1, 2, 3)))[:SHOWN].tolist():
            channel, high, wide = np.argwhere(bad[row])[0].tolist()
            yield (
                f"fragments, row {start + row}: {int(bad[row].sum())} values are not finite, the "
                f"first in channel {channel}, row {high}, column {wide}"
            )


def _rows(name: str, bad: NDArray[np.bool_], values: NDArray[Any], why: str) -> Iterator[str]:
    rows = np.flatnonzero(bad)
    for row in rows[:SHOWN].tolist():
        yield f"{name}, row {row}: {values[row]} {why}"
    if len(rows) > SHOWN:
        yield f"{name}: and {len(rows) - SHOWN:,} more rows"
