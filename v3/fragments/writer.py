"""Writes a fragment file (its format stands at the top of `v3/fragments/format.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.fragments.format import DTYPES, SCHEMA, FragmentInfo, Shape, check_info, check_labels

CHUNK_BYTES = 128 * 1024  # of one HDF5 chunk: a handful of fragments, some samples of small ones
BUFFER_BYTES = 8 * 1024 * 1024  # the writer gathers this much before it writes


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
        # Numbers one after the other: millions of small arrays take more than the numbers.
        self._content, self._style, self._group = bytearray(), bytearray(), bytearray()  # int32
        self._counts = bytearray()  # int64
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
        self,
        fragments: NDArray[Any],
        content: NDArray[Any],
        style: int,
        sample_id: str,
        group: int = -1,
    ) -> None:
        """Add one sample: fragments (f, C, H, W), content (f,), style, name and group."""
        fragments, content = np.asarray(fragments), np.asarray(content)
        self.append_many(
            fragments[None], content[None], np.asarray([style]), [sample_id], np.asarray([group])
        )

    def append_many(
        self,
        fragments: NDArray[Any],
        content: NDArray[Any],
        style: NDArray[Any],
        sample_ids: Sequence[str],
        group: NDArray[Any] | None = None,
    ) -> None:
        """Add samples of equal length: fragments (s, n, C, H, W), content (s, n), style (s,).

        `group` (s,), rows of `group_names`, is unknown (-1) where it is not given.
        """
        fragments = np.asarray(fragments)
        content, style = np.asarray(content), np.asarray(style)
        group = np.full(len(style), -1) if group is None else np.asarray(group)
        self._check(fragments, content, style, sample_ids, group)
        if not len(sample_ids):
            return
        flat = fragments.reshape(-1, *self.shape)
        # A copy: the caller may use its array again before the buffer is written.
        self._pending.append(flat.copy())
        self._pending_bytes += flat.nbytes
        self._content += content.astype(np.int32).tobytes()
        self._style += style.astype(np.int32).tobytes()
        self._group += group.astype(np.int32).tobytes()
        self._counts += np.full(len(sample_ids), content.shape[1], np.int64).tobytes()
        self._ids.extend(str(name) for name in sample_ids)
        if self._pending_bytes >= BUFFER_BYTES:
            self._flush()

    def _check(
        self,
        fragments: NDArray[Any],
        content: NDArray[Any],
        style: NDArray[Any],
        sample_ids: Sequence[str],
        group: NDArray[Any],
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
        if content.shape != (s, n) or {style.shape, group.shape, (len(sample_ids),)} != {(s,)}:
            raise V3Error(
                f"{where}: {s} samples of {n} fragments need content ({s}, {n}), style ({s},), "
                f"group ({s},) and {s} names, not {content.shape}, {style.shape}, {group.shape} "
                f"and {len(sample_ids)}."
            )
        if any("\0" in str(name) for name in sample_ids):
            raise V3Error(f"{where}: a name must not hold a NUL, which HDF5 cannot keep.")
        if s and n == 0:
            raise V3Error(f"{where}: a sample needs one fragment or more.")
        check_labels(where, "content", content, len(self.info.content_names))
        check_labels(where, "style", style, len(self.info.style_names))
        check_labels(where, "group", group, len(self.info.group_names))
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
        counts = np.frombuffer(self._counts, np.int64)
        file["content"] = np.frombuffer(self._content, np.int32)
        file["sample"] = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        file["style"] = np.frombuffer(self._style, np.int32)
        file.create_dataset("sample_id", data=self._ids, dtype=h5py.string_dtype("utf-8"))
        file.attrs["schema"] = SCHEMA
        file.attrs["dataset"] = info.dataset
        file.attrs["source"] = info.source
        keys = ["content_names", "style_names"]
        if info.group_names:
            file["group"] = np.frombuffer(self._group, np.int32)
            keys.append("group_names")
        for key in keys:
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
