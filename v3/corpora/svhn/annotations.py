"""Boxes and digits of SVHN's images, read out of the archives and checked, in one HDF5 file.

    name    (N,)    UTF-8    the image in its archive, such as train/12.png
    row     (N,)    int32    its row in the archive's digitStruct, from 1
    start   (N+1,)  int64    image i owns the boxes start[i] to start[i + 1]
    box     (B, 4)  float64  left, top, width, height in pixels; the image's corner is 0, 0
    digit   (B,)    int8     0 to 9 (the label 10 means 0)

Attributes: schema, source, sha256 of the values above, and by its name the sha256 of each archive:
boxes of one archive would cut nonsense out of another. Boxes may reach outside their image, as 220
of the real ones do, but not lie outside it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.corpora.svhn.digit_struct import MEND, Row, read_digit_struct
from v3.corpora.svhn.params import ARCHIVES
from v3.corpora.svhn.raw import (
    MOST_BYTES,
    MOST_MEMBERS,
    changed,
    most_of,
    read_digests,
    read_source,
)
from v3.download.archives import archive_members
from v3.download.pictures import png_size
from v3.fragments.format import damaged, open_for_reading

SCHEMA = "v3-svhn-boxes/1"
COLUMNS = ("row", "start", "box", "digit")
Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True)
class Number:
    """One image's house number."""

    name: str
    row: int
    boxes: NDArray[np.float64]  # (n, 4)
    digits: NDArray[np.int8]  # (n,)


def annotate(raw: str | Path, path: str | Path, leave_out: Collection[str]) -> None:
    """Write the boxes of all images in the folder `raw` but those named in `leave_out`.

    `V3Error` names archive, file and row of what makes no sense.
    """
    numbers: list[Number] = []
    for archive in ARCHIVES:
        numbers += read_numbers(Path(raw) / f"{archive}.tar.gz", archive, leave_out)
    for name in leave_out:
        if not name.startswith(tuple(f"{archive}/" for archive in ARCHIVES)):
            raise V3Error(
                f"svhn.annotations.leave_out must name images such as train/12.png, has '{name}'"
            )
    if not numbers:
        raise V3Error(
            f"svhn.annotations.leave_out names every image of the archives in {raw}: "
            "take some out of it."
        )
    with atomic_file(path) as beside, h5py.File(beside, "w", libver="latest") as file:
        names = [number.name for number in numbers]
        file.create_dataset("name", data=names, dtype=h5py.string_dtype("utf-8"))
        counts = [len(number.digits) for number in numbers]
        columns: list[NDArray[Any]] = [
            np.array([number.row for number in numbers], np.int32),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([number.boxes for number in numbers]),
            np.concatenate([number.digits for number in numbers]),
        ]
        for key, column in zip(COLUMNS, columns, strict=True):
            file[key] = column
        file.attrs["schema"] = SCHEMA
        file.attrs["sha256"] = _digest(names, columns)
        digests = read_digests(raw)
        odd = [f"{name} {digests[name][:8]}" for name in changed(raw, digests)]
        note = f"; changed since they came: sha256 {', '.join(odd)}" if odd else ""
        file.attrs["source"] = read_source(raw) + note
        for name, digest in digests.items():
            file.attrs[name] = digest


def read_annotations(path: str | Path) -> tuple[list[Number], str]:
    """All images of a file of boxes, and their source in words."""
    names, (rows, starts, boxes, digits), attributes = _read(Path(path))
    cuts = starts[1:-1]
    columns = zip(names, rows, np.split(boxes, cuts), np.split(digits, cuts), strict=True)
    numbers = [Number(str(name), int(row), box, digit) for name, row, box, digit in columns]
    return numbers, str(attributes["source"])


def check_archives(path: str | Path, raw: str | Path) -> None:
    """`V3Error` if an archive in the folder `raw` is not the one whose boxes the file has."""
    attributes = _read(Path(path))[2]
    for name, digest in read_digests(raw).items():
        if attributes.get(name) != digest:
            raise V3Error(
                f"{path} has the boxes of another {Path(raw) / name}.tar.gz than is there now: "
                "run `dvc repro`, which reads the boxes of this one."
            )


def _read(path: Path) -> tuple[list[str], list[NDArray[Any]], dict[str, Any]]:
    """Names, the columns, and the attributes, as they were written."""
    with open_for_reading(path) as file:
        try:
            attributes = dict(file.attrs)
            if attributes.get("schema") != SCHEMA:
                raise V3Error(f"{path} is no file of boxes: delete it and run `dvc repro`.")
            names = list(file["name"].asstr()[:])
            columns = [file[key][:] for key in COLUMNS]
            changed_since = attributes["sha256"] != _digest(names, columns)
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            raise damaged(path, error) from None
    if changed_since:
        raise V3Error(f"{path} is not as it was written: delete it and run `dvc repro`.")
    return names, columns, attributes


def _digest(names: Sequence[str], columns: Sequence[NDArray[Any]]) -> str:
    """sha256 of all that the file says of the images: HDF5 itself notices no changed byte."""
    digest = hashlib.sha256("\n".join(names).encode())
    for column in columns:
        digest.update(f"{column.dtype} {column.shape}".encode() + column.tobytes())
    return digest.hexdigest()


def read_numbers(path: Path, archive: str, leave_out: Collection[str] = ()) -> list[Number]:
    """The numbers of one archive in the order of its digitStruct."""
    sizes: dict[str, Size] = {}
    rows: list[Row] | None = None
    struct_name = f"{archive}/digitStruct.mat"
    called = f"{path}: {struct_name}"
    members = archive_members(
        path,
        most_bytes=MOST_BYTES,
        most_members=MOST_MEMBERS,
        most_of=most_of,
        wanted=lambda name: name.endswith(".png") or name == struct_name,
    )
    for name, content in members:
        if name.endswith(".png"):
            sizes[name] = png_size(content)
        if name == struct_name:
            rows = _rows(content, called)
        del content  # a gigabyte in extra, and the next one comes before this name is used again
    if rows is None:
        raise V3Error(f"{called} is missing: {MEND}.")
    known = sizes.keys() | {f"{archive}/{row.name}" for row in rows}
    for name in leave_out:
        if name.startswith(f"{archive}/") and name not in known:
            raise V3Error(
                f"svhn.annotations.leave_out names '{name}', which no archive has: mend the name, "
                "or take it out."
            )
    numbers: list[Number] = []
    seen: set[str] = set()
    for index, row in enumerate(rows, 1):
        name = f"{archive}/{row.name}"
        if name in leave_out:
            continue
        where = f"{called}, row {index} ({row.name})"
        if name in seen:
            raise _unusable(where, "names an image that an earlier row has", name)
        seen.add(name)
        numbers.append(_number(row, index, name, sizes.get(name), where))
    return numbers


def _rows(content: bytes, called: str) -> list[Row]:
    return list(read_digit_struct(io.BytesIO(content), called))


def _number(row: Row, index: int, name: str, size: Size | None, where: str) -> Number:
    if size is None:
        raise _unusable(where, "names an image that the archive does not hold", name)
    if size == (0, 0):
        raise _unusable(where, "names a file that is no PNG", name)
    if row.fault:
        raise _unusable(where, f"has boxes that cannot be read ({row.fault})", name)
    if not len(row.boxes):
        raise _unusable(where, "has no box", name)
    for left, top, width, height, label in row.boxes:
        box = f"left {left:g}, top {top:g}, width {width:g}, height {height:g}"
        if label not in range(1, 11):  # NaN and fractions included
            raise _unusable(where, f"has the label {label:g}, not 1 to 10 (which means 0)", name)
        if not np.isfinite((left, top, width, height)).all():
            raise _unusable(where, f"has a box that is not finite ({box})", name)
        if not (width > 0 and height > 0):
            raise _unusable(where, f"has a box without area ({box})", name)
        if left >= size[0] or top >= size[1] or left + width <= 0 or top + height <= 0:
            raise _unusable(
                where, f"has a box outside its image of {size[0]} x {size[1]} pixels ({box})", name
            )
        wide = min(left + width, size[0]) - max(left, 0)
        tall = min(top + height, size[1]) - max(top, 0)
        if wide < 1 or tall < 1:
            raise _unusable(where, f"has a box with less than a pixel of its image ({box})", name)
    return Number(name, index, row.boxes[:, :4], (row.boxes[:, 4] % 10).astype(np.int8))


def _unusable(where: str, what: str, name: str) -> V3Error:
    return V3Error(
        f"{where} {what}: mend the archive, or leave the image out by adding "
        f"'{name}' to svhn.annotations.leave_out."
    )
