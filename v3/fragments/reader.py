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

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.fragments.format import (
    DTYPES,
    SCHEMA,
    FragmentInfo,
    Shape,
    check_labels,
    damaged,
    invalid,
    open_for_reading,
    read_info,
    read_labels,
)
from v3.fragments.writer import FragmentWriter

SPAN = 1024  # fragments: no single read of the reader is longer

__all__ = ["SCHEMA", "FragmentFile", "FragmentInfo", "FragmentWriter", "validate"]


class FragmentFile:
    """A fragment file opened for reading, as a context manager; cheap checks run on opening.

    `content` (F,) int32, `sample` (F,) int64, `style` and `group` (S,) int32, `sample_id`; sample s
    owns the fragments `starts[s]` to `starts[s + 1]` (S + 1,) int64.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = open_for_reading(self.path)
        try:
            self._read_small()
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            self._file.close()
            raise damaged(self.path, error) from None
        except BaseException:
            self._file.close()
            raise

    def _read_small(self) -> None:
        path, file = self.path, self._file
        schema = file.attrs.get("schema")
        if schema != SCHEMA:
            raise invalid(path, f"its schema is {schema!r}, not {SCHEMA!r}")
        self.info = read_info(path, file)
        for name in ("fragments", "content", "sample", "style", "sample_id"):
            if not isinstance(file.get(name), h5py.Dataset):
                raise invalid(path, f"it has no dataset '{name}'")
        data = self._data = file["fragments"]
        if data.ndim != 4 or min(data.shape) < 1:
            raise invalid(path, f"fragments have shape {data.shape}, not (F, C, H, W) with F >= 1")
        if data.dtype.name not in DTYPES:
            raise invalid(path, f"fragments are {data.dtype}, not {', '.join(DTYPES)}")
        self.shape: Shape = data.shape[1:]
        self.dtype: np.dtype[Any] = data.dtype
        self.content = read_labels(path, file, "content", np.int32, len(data))
        self.sample = read_labels(path, file, "sample", np.int64, len(data))
        self.style = read_labels(path, file, "style", np.int32, len(file["style"]))
        check_labels(str(path), "content", self.content, len(self.info.content_names))
        check_labels(str(path), "style", self.style, len(self.info.style_names))
        self.group = np.full(len(self.style), -1, np.int32)
        if self.info.group_names:
            if not isinstance(file.get("group"), h5py.Dataset):
                raise invalid(path, "it has group_names and no dataset 'group'")
            self.group = read_labels(path, file, "group", np.int32, len(self.style))
            check_labels(str(path), "group", self.group, len(self.info.group_names))
        if h5py.check_string_dtype(file["sample_id"].dtype) is None:
            raise invalid(path, "sample_id holds no text")
        self.sample_id: list[str] = list(file["sample_id"].asstr()[()])
        if len(self.sample_id) != len(self.style):
            raise invalid(path, f"{len(self.sample_id)} sample_id for {len(self.style)} style")
        steps = np.diff(self.sample, prepend=-1, append=len(self.style))
        wrong = (steps < 0) | (steps > 1)
        wrong[[0, -1]] |= steps[[0, -1]] != 1
        if wrong.any():
            raise invalid(
                path,
                f"sample must count 0 to {len(self.style) - 1} without falling or leaving one "
                f"out, which it does at fragment {min(int(np.argmax(wrong)), len(data) - 1)}",
            )
        self.starts = np.searchsorted(self.sample, np.arange(len(self.style) + 1)).astype(np.int64)

    def __enter__(self) -> FragmentFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.content)

    def close(self) -> None:
        """Close the file; what was read stays."""
        self._file.close()

    def rows_of(self, samples: NDArray[Any] | Sequence[int]) -> NDArray[np.int64]:
        """Rows of all fragments of `samples`, in the order given."""
        samples = self._rows(samples, len(self.style), "sample")
        counts = self.starts[samples + 1] - self.starts[samples]
        ends = np.cumsum(counts)
        shift = np.repeat(self.starts[samples] - (ends - counts), counts)
        return np.arange(len(shift), dtype=np.int64) + shift

    def read_samples(
        self, samples: NDArray[Any] | Sequence[int]
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """All fragments (m, C, H, W) of `samples` in the order given, and their rows (m,)."""
        rows = self.rows_of(samples)
        return self.read(rows), rows

    def read(self, rows: NDArray[Any] | Sequence[int]) -> NDArray[Any]:
        """Fragments (m, C, H, W) of `rows` (m,) in the order given, in the stored type."""
        rows = self._rows(rows, len(self), "fragment")
        out = np.empty((len(rows), *self.shape), self.dtype)
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        in_order = bool((order == np.arange(len(order))).all())
        # One read takes in neighbours with small gaps: calls into HDF5 cost more than bytes.
        steps = np.diff(ordered)
        breaks = np.flatnonzero((steps > self._gap()) | (np.diff(ordered // SPAN) > 0)) + 1
        edges = [0, *breaks.tolist(), len(ordered)] if len(ordered) else []
        try:
            for a, b in pairwise(edges):
                low, high = int(ordered[a]), int(ordered[b - 1]) + 1
                if in_order and (steps[a : b - 1] == 1).all():
                    self._data.read_direct(out, np.s_[low:high], np.s_[a:b])
                else:
                    out[order[a:b]] = self._data[low:high][ordered[a:b] - low]
        except (OSError, RuntimeError) as error:
            raise damaged(self.path, error) from None
        return out

    def _gap(self) -> int:
        return self._data.chunks[0] if self._data.chunks else 16

    def _rows(self, rows: NDArray[Any] | Sequence[int], count: int, what: str) -> NDArray[np.int64]:
        checked = np.asarray(rows, dtype=np.int64).reshape(-1)
        if checked.size and (checked.min() < 0 or checked.max() >= count):
            bad = checked[(checked < 0) | (checked >= count)][0]
            raise V3Error(
                f"{self.path} has no {what} {bad} (it has {count}): "
                "the split is of another file, run `dvc repro`."
            )
        return checked


def validate(path: str | Path) -> FragmentInfo:
    """Check all of a fragment file, to its last value; a fault is a `V3Error` that names it."""
    with FragmentFile(path) as file:
        for start in range(0, len(file), SPAN):
            block = file.read(np.arange(start, min(start + SPAN, len(file))))
            finite = np.isfinite(block).reshape(len(block), -1).all(axis=1)
            if not finite.all():
                row = start + int(np.flatnonzero(~finite)[0])
                name = file.sample_id[file.sample[row]]
                raise invalid(
                    file.path, f"fragment {row} (of {name}) holds values that are not finite"
                )
        return file.info
