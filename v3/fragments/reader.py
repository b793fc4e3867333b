"""Fragments without their labels: all that training may open.

The format stands at the top of `v3/fragments/format.py`; the labels are read by
`v3/fragments/labels.py`, which nothing in training imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.fragments.format import (
    DTYPES,
    SCHEMA,
    Shape,
    Source,
    damaged,
    invalid,
    open_for_reading,
    read_labels,
    read_source,
)

SPAN = 1024  # fragments: no single read is longer


class Fragments:
    """A fragment file opened for its fragments alone; cheap checks run on opening.

    `sample` (F,) int64; sample s owns the fragments `starts[s]` to `starts[s + 1]` (S + 1,) int64.
    A context manager; `len` is F.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = open_for_reading(self.path)
        try:
            self._read_small()
        except (OSError, RuntimeError, LookupError, ValueError, TypeError) as error:  # h5py's
            self._file.close()
            raise damaged(self.path, error) from None
        except BaseException:
            self._file.close()
            raise

    def _read_small(self) -> None:
        path, file = self.path, self._file
        schema = file.attrs.get("schema")
        if not isinstance(schema, str) or schema != SCHEMA:
            raise invalid(path, f"its schema is {schema!r}, not {SCHEMA!r}")
        self.source: Source = read_source(path, file)
        data = self._data = self._dataset("fragments")
        if data.ndim != 4 or min(data.shape) < 1:
            raise invalid(path, f"fragments have shape {data.shape}, not (F, C, H, W) with F >= 1")
        if data.dtype not in DTYPES:  # nor of another byte order, which PyTorch lacks
            raise invalid(path, f"fragments are {data.dtype}, not {', '.join(DTYPES)}")
        self.shape: Shape = data.shape[1:]
        self.dtype: np.dtype[Any] = data.dtype
        self._dataset("sample")
        self.sample = read_labels(path, file, "sample", np.int64, len(data))
        self.samples = int(self.sample[-1]) + 1
        steps = np.diff(self.sample, prepend=-1)
        wrong = (steps < 0) | (steps > 1)
        wrong[0] |= steps[0] != 1
        if wrong.any():
            raise invalid(
                path,
                "sample must count from 0 without falling or leaving one out, which it does at "
                f"fragment {int(np.argmax(wrong))}",
            )
        self.starts = np.searchsorted(self.sample, np.arange(self.samples + 1)).astype(np.int64)

    def _dataset(self, name: str) -> h5py.Dataset:
        """A dataset, all of which is in this file: nobody's digest tells of what lies elsewhere."""
        link, found = self._file.get(name, getlink=True), self._file.get(name)
        if not isinstance(found, h5py.Dataset):
            raise invalid(self.path, f"it has no dataset '{name}'")
        if isinstance(link, h5py.ExternalLink) or found.is_virtual or found.external:
            raise invalid(self.path, f"its dataset '{name}' lies in another file")
        if found.chunks:
            pieces = -(-np.array(found.shape) // np.array(found.chunks))
            if found.id.get_num_chunks() < pieces.prod():  # HDF5 would fill in zeros
                raise invalid(self.path, f"parts of its dataset '{name}' were never written")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.sample)

    def name_of(self, sample: int) -> str:
        """What to call the sample in that row."""
        return f"sample {sample}"

    def close(self) -> None:
        """Close the file; what was read stays."""
        self._file.close()

    def rows_of(self, samples: NDArray[Any] | Sequence[int]) -> NDArray[np.int64]:
        """Rows of all fragments of `samples`, in the order given."""
        samples = self._rows(samples, self.samples, "sample")
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
        """Fragments (m, C, H, W) of `rows` (m,) in the order given, in the stored type.

        `V3Error` names the fragment and its sample if a value is not finite.
        """
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
        if self.dtype.kind == "f":
            finite = np.empty(len(out), bool)
            for a in range(0, len(out), SPAN):  # for all at once it is another quarter of memory
                finite[a : a + SPAN] = np.isfinite(out[a : a + SPAN]).all(axis=(1, 2, 3))
            if not finite.all():
                row = int(rows[np.argmin(finite)])
                name = self.name_of(int(self.sample[row]))
                raise invalid(
                    self.path, f"fragment {row} (of {name}) holds values that are not finite"
                )
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
