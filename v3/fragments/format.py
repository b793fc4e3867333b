"""The fragment file: the one HDF5 format that every corpus ends in and every later stage reads.

    fragments  (F, C, H, W)  uint8, float16 or float32   all fragments, in sample order
    content    (F,)          int32    index into attribute content_names; -1 unknown
    sample     (F,)          int64    row of the sample it belongs to: 0 ... S-1, non-decreasing
    style      (S,)          int32    index into attribute style_names; -1 unknown
    sample_id  (S,)          UTF-8    a name for people
    group      (S,)          int32    optional: index into attribute group_names; -1 unknown

Attributes: schema, dataset, source, content_names, style_names, offset, scale; group_names with
group. A network reads (value - offset) * scale. Every sample has one fragment or more; values are
finite. Groups are a coarser division of the samples that a split may go by (which archive an image
is from, which hair a character has).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from v3.base.errors import OF_THE_MACHINE, V3Error

SCHEMA = "v3-fragments/1"
LARGEST_INPUT = 1e9  # of the network: float32 counts in steps of 64 there, and squares are finite
LEAST_SPAN = 1e-3  # of the network's input over a whole file: it should be some 2
DTYPES = ("uint8", "float16", "float32")
Shape = tuple[int, int, int]  # (C, H, W)


@dataclass(frozen=True)
class Source:
    """What a fragment file says of its fragments; `offset` and `scale` are in their units."""

    dataset: str
    source: str
    offset: float
    scale: float


@dataclass(frozen=True)
class FragmentInfo:
    """The same, and the names of the labels."""

    dataset: str
    source: str
    content_names: tuple[str, ...]
    style_names: tuple[str, ...]
    offset: float
    scale: float
    group_names: tuple[str, ...] = ()


def open_for_reading(path: Path) -> h5py.File:
    if not path.is_file():
        raise V3Error(f"{path} is missing: run `dvc repro` to make it.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, error) from None


def read_source(path: Path, file: h5py.File) -> Source:
    offset, scale = _number(path, file, "offset"), _number(path, file, "scale")
    check_units(path, offset, scale)
    return Source(_text(path, file, "dataset"), _text(path, file, "source"), offset, scale)


def read_info(path: Path, file: h5py.File, source: Source) -> FragmentInfo:
    info = FragmentInfo(
        dataset=source.dataset,
        source=source.source,
        content_names=_names(path, file, "content_names"),
        style_names=_names(path, file, "style_names"),
        offset=source.offset,
        scale=source.scale,
        group_names=_names(path, file, "group_names") if "group_names" in file.attrs else (),
    )
    check_info(path, info)
    return info


def _number(path: Path, file: h5py.File, key: str) -> float:
    value = _attribute(path, file, key)
    if not isinstance(value, int | float | np.integer | np.floating):
        raise invalid(path, f"attribute '{key}' is no number")
    return float(value)


def _text(path: Path, file: h5py.File, key: str) -> str:
    value = _attribute(path, file, key)
    if not isinstance(value, str):
        raise invalid(path, f"attribute '{key}' is no UTF-8 text")
    return value


def _names(path: Path, file: h5py.File, key: str) -> tuple[str, ...]:
    value = _attribute(path, file, key)
    listed = [] if _is_empty(value) else np.atleast_1d(np.asarray(value)).tolist()
    if not all(isinstance(name, str) for name in listed):
        raise invalid(path, f"attribute '{key}' is no list of UTF-8 names")
    return tuple(listed)


def _attribute(path: Path, file: h5py.File, key: str) -> object:
    if key not in file.attrs:
        raise invalid(path, f"it has no attribute '{key}'")
    value: object = file.attrs[key]
    return value


def _is_empty(value: object) -> bool:
    return isinstance(value, h5py.Empty) or np.size(value) == 0  # type: ignore[arg-type]


def check_info(path: Path, info: FragmentInfo) -> None:
    for key in ("content_names", "style_names", "group_names"):
        names = getattr(info, key)
        if len(set(names)) != len(names):
            raise invalid(path, f"{key} holds a name twice")
        if any("\0" in name for name in names):
            raise invalid(path, f"{key} holds a name with a NUL in it, which HDF5 cannot keep")
    check_units(path, info.offset, info.scale)


def check_units(path: Path, offset: float, scale: float) -> None:
    if not (np.isfinite(offset) and np.isfinite(scale) and scale != 0):
        raise invalid(path, f"offset {offset} and scale {scale} must be finite, scale not 0")


def read_labels(
    path: Path, file: h5py.File, name: str, dtype: DTypeLike, count: int
) -> NDArray[Any]:
    data = file[name]
    if data.shape != (count,) or data.dtype != dtype:
        raise invalid(
            path,
            f"{name} has shape {data.shape} of {data.dtype}, not ({count},) of {np.dtype(dtype)}",
        )
    values: NDArray[Any] = data[()]
    return values


def check_labels(where: str, name: str, labels: NDArray[Any], count: int) -> None:
    if labels.size == 0:
        return
    if labels.dtype.kind not in "iu":
        raise V3Error(f"{where}: {name} must be whole numbers, is {labels.dtype}.")
    bad = (labels < -1) | (labels >= count)
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(-1))[0])
        raise V3Error(
            f"{where}: {name} {labels.reshape(-1)[row]} in row {row} is not among the "
            f"{count} names of {name}_names (nor -1, unknown)."
        )


def invalid(path: Path, reason: str) -> V3Error:
    return V3Error(
        f"{path} is no valid fragment file: {reason}; "
        "mend what wrote it or, if `dvc repro` made it, delete it and run that again."
    )


def damaged(path: Path, error: BaseException) -> V3Error:
    """What to say of a file that HDF5 cannot read: locked, out of reach for now, or damaged."""
    said = str(error)
    if "consistency flags" in said:
        return V3Error(
            f"{path} is marked as being written, by a process that still runs or was ended before "
            f"it closed the file: end that; if none runs, `h5clear -s {path}` (package hdf5-tools) "
            "takes the mark off, or, if `dvc repro` made the file, delete it and run that again."
        )
    if "plugin" in said or "required filter" in said:  # where HDF5 looks for ways of packing
        return V3Error(
            f"{path} is packed in a way that this HDF5 does not know ({_reason(error)}): write it "
            "with gzip or unpacked (`h5repack -f GZIP=4` where that way is known)."
        )
    if "unable to lock" in said or "already open for" in said:
        return V3Error(
            f"{path} is locked ({_reason(error)}): wait for the process that writes it or end "
            "that, or set HDF5_USE_FILE_LOCKING=FALSE where it lies on a file system without "
            "locks, and run the same command again."
        )
    if isinstance(error, PermissionError):
        return V3Error(f"{path} may not be read: give yourself the right to.")
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        return V3Error(
            f"{path} cannot be read now, whatever it holds ({_reason(error)}): see to that and run "
            "the same command again."
        )
    return V3Error(
        f"{path} is damaged or cut short ({_reason(error)}): if `dvc repro` made it, delete it and "
        "run that again, else put a whole copy in its place."
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error).split("(")[-1].rstrip(")") or type(error).__name__
