"""The fragment file: the one HDF5 format that every corpus ends in and every later stage reads.

    fragments  (F, C, H, W)  uint8, float16 or float32   all fragments, in sample order
    content    (F,)          int32    index into attribute content_names; -1 unknown
    sample     (F,)          int64    row of the sample it belongs to: 0 ... S-1, non-decreasing
    style      (S,)          int32    index into attribute style_names; -1 unknown
    sample_id  (S,)          UTF-8    a name for people

Attributes: schema, dataset, source, content_names, style_names, offset, scale. A network reads
(value - offset) * scale. Every sample has one fragment or more; values are finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from v3.errors import V3Error
from v3.files import atomic_file
from v3.fragment_format import (
    DTYPES,
    SCHEMA,
    FragmentInfo,
    check_info,
    check_labels,
    damaged,
    invalid,
    open_for_reading,
    read_info,
    read_labels,
)

CHUNK_BYTES = 128 * 1024  # of one HDF5 chunk: a handful of fragments, some samples of small ones
BUFFER_BYTES = 8 * 1024 * 1024  # the writer gathers this much before it writes
SPAN = 1024  # fragments: no single read of the reader is longer

Shape = tuple[int, int, int]

__all__ = ["SCHEMA", "FragmentFile", "FragmentInfo", "FragmentWriter", "validate"]


class FragmentWriter:
    """Writes a fragment file sample by sample; it appears whole when the `with` block ends well.

    `fragment_shape` is (C, H, W), `dtype` one of uint8, float16, float32. What is appended must
    have just these; a wrong shape, type, label or a value that is not finite is a `V3Error`.
    """

    def __init__(
        self, path: str | Path, info: FragmentInfo, fragment_shape: Shape, dtype: DTypeLike
    ) -> None:
        self.path = Path(path)
        self.info = info
        self.shape = tuple(int(size) for size in fragment_shape)
        self.dtype = np.dtype(dtype)
        check_info(self.path, info)
        if self.dtype.name not in DTYPES:
            raise V3Error(f"{path}: fragments must be {', '.join(DTYPES)}, not {self.dtype}.")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise V3Error(f"{path}: a fragment's shape must be (C, H, W), is {self.shape}.")
        self._stack = ExitStack()
        self._pending: list[NDArray[Any]] = []
        self._pending_bytes = 0
        self._content: list[NDArray[np.int32]] = []
        self._counts: list[NDArray[np.int64]] = []
        self._style: list[NDArray[np.int32]] = []
        self._ids: list[str] = []

    def __enter__(self) -> FragmentWriter:
        beside = self._stack.enter_context(atomic_file(self.path))
        # "latest" lets an attribute pass 64 KB: a style may be one of a hundred thousand images.
        self._file = self._stack.enter_context(h5py.File(beside, "w", libver="latest"))
        size = int(np.prod(self.shape)) * self.dtype.itemsize
        self._file.create_dataset(
            "fragments",
            (0, *self.shape),
            self.dtype,
            maxshape=(None, *self.shape),
            chunks=(max(1, CHUNK_BYTES // size), *self.shape),
        )
        return self

    def append(
        self, fragments: NDArray[Any], content: NDArray[Any], style: int, sample_id: str
    ) -> None:
        """Add one sample: fragments (f, C, H, W), content (f,), its style and its name."""
        fragments, content = np.asarray(fragments), np.asarray(content)
        self.append_many(fragments[None], content[None], np.asarray([style]), [sample_id])

    def append_many(
        self,
        fragments: NDArray[Any],
        content: NDArray[Any],
        style: NDArray[Any],
        sample_ids: Sequence[str],
    ) -> None:
        """Add samples of equal length: fragments (s, n, C, H, W), content (s, n), style (s,)."""
        fragments = np.asarray(fragments)
        content, style = np.asarray(content), np.asarray(style)
        self._check(fragments, content, style, sample_ids)
        if not len(sample_ids):
            return
        flat = fragments.reshape(-1, *self.shape)
        # A copy: the caller may use its array again before the buffer is written.
        self._pending.append(flat.copy())
        self._pending_bytes += flat.nbytes
        self._content.append(content.reshape(-1).astype(np.int32))
        self._style.append(style.astype(np.int32))
        self._counts.append(np.full(len(sample_ids), content.shape[1], np.int64))
        self._ids.extend(str(name) for name in sample_ids)
        if self._pending_bytes >= BUFFER_BYTES:
            self._flush()

    def _check(
        self,
        fragments: NDArray[Any],
        content: NDArray[Any],
        style: NDArray[Any],
        sample_ids: Sequence[str],
    ) -> None:
        first = sample_ids[0] if len(sample_ids) else "(none)"
        where = f"{self.path}, sample {len(self._ids)} ({first}) and following"
        if fragments.ndim != 5 or fragments.shape[2:] != self.shape:
            raise V3Error(
                f"{where}: fragments must have shape (s, n, {', '.join(map(str, self.shape))}), "
                f"have {fragments.shape}."
            )
        if fragments.dtype != self.dtype:
            raise V3Error(f"{where}: fragments must be {self.dtype}, are {fragments.dtype}.")
        s, n = fragments.shape[:2]
        if content.shape != (s, n) or style.shape != (s,) or len(sample_ids) != s:
            raise V3Error(
                f"{where}: {s} samples of {n} fragments need content ({s}, {n}), style ({s},) and "
                f"{s} names, not {content.shape}, {style.shape} and {len(sample_ids)}."
            )
        if s and n == 0:
            raise V3Error(f"{where}: a sample needs one fragment or more.")
        check_labels(where, "content", content, len(self.info.content_names))
        check_labels(where, "style", style, len(self.info.style_names))
        if self.dtype.kind == "f" and not np.isfinite(fragments).all():
            raise V3Error(f"{where}: fragments hold values that are not finite.")

    def _flush(self) -> None:
        if not self._pending:
            return
        block = np.concatenate(self._pending)
        data = self._file["fragments"]
        start = len(data)
        data.resize(start + len(block), axis=0)
        data[start:] = block
        self._pending, self._pending_bytes = [], 0

    def _finish(self) -> None:
        if not self._ids:
            raise V3Error(f"{self.path}: no sample was written into it.")
        self._flush()
        file, info = self._file, self.info
        counts = np.concatenate(self._counts)
        file["content"] = np.concatenate(self._content)
        file["sample"] = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        file["style"] = np.concatenate(self._style)
        file.create_dataset("sample_id", data=self._ids, dtype=h5py.string_dtype("utf-8"))
        file.attrs["schema"] = SCHEMA
        file.attrs["dataset"] = info.dataset
        file.attrs["source"] = info.source
        for key in ("content_names", "style_names"):
            names = np.array(getattr(info, key), dtype=object)
            file.attrs.create(key, names, dtype=h5py.string_dtype("utf-8"))
        file.attrs["offset"] = float(info.offset)
        file.attrs["scale"] = float(info.scale)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:  # closes the file, then renames it, or removes it if anything is raised
            if error is not None:
                raise error
            self._finish()


class FragmentFile:
    """A fragment file opened for reading, as a context manager; cheap checks run on opening.

    `content` (F,) int32, `sample` (F,) int64, `style` (S,) int32, `sample_id`; sample s owns the
    fragments `starts[s]` to `starts[s + 1]` (S + 1,) int64.
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
