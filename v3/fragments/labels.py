"""Fragments with their labels: for splits, evaluations and pictures, never for training."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from v3.fragments.format import (
    LARGEST_INPUT,
    LEAST_SPAN,
    FragmentInfo,
    check_labels,
    invalid,
    read_info,
    read_labels,
)
from v3.fragments.reader import SPAN, Fragments


class LabelledFragments(Fragments):
    """A fragment file opened with its labels; cheap checks run on opening.

    Beside what `Fragments` has: `content` (F,) int32, `style` and `group` (S,) int32, `sample_id`,
    and `info`, in which their names stand.
    """

    def _read_small(self) -> None:
        super()._read_small()
        path, file = self.path, self._file
        self.info: FragmentInfo = read_info(path, file, self.source)
        for name in ("content", "style", "sample_id"):
            self._dataset(name)
        self.content = read_labels(path, file, "content", np.int32, len(self))
        self.style = read_labels(path, file, "style", np.int32, self.samples)
        check_labels(str(path), "content", self.content, len(self.info.content_names))
        check_labels(str(path), "style", self.style, len(self.info.style_names))
        self.group = np.full(self.samples, -1, np.int32)
        if self.info.group_names:
            self._dataset("group")
            self.group = read_labels(path, file, "group", np.int32, self.samples)
            check_labels(str(path), "group", self.group, len(self.info.group_names))
        if h5py.check_string_dtype(file["sample_id"].dtype) is None:
            raise invalid(path, "sample_id holds no text")
        if (shape := file["sample_id"].shape) != (self.samples,):
            raise invalid(path, f"sample_id has shape {shape}, not ({self.samples},)")
        self.sample_id: list[str] = list(file["sample_id"].asstr()[()])

    def name_of(self, sample: int) -> str:
        """What to call the sample in that row."""
        return self.sample_id[sample]


def validate(path: str | Path) -> FragmentInfo:
    """Check all of a fragment file, to its last value; a fault is a `V3Error` that names it."""
    with LabelledFragments(path) as file:
        offset, scale = file.source.offset, file.source.scale
        least, most = np.inf, -np.inf
        for start in range(0, len(file), SPAN):
            values = file.read(np.arange(start, min(start + SPAN, len(file))))
            ends = np.stack([f(axis=(1, 2, 3)) for f in (values.min, values.max)]).astype(float)
            largest = np.abs((ends - offset) * scale).max(0)
            if largest.max() > LARGEST_INPUT:
                row = start + int(largest.argmax())
                name = file.name_of(int(file.sample[row]))
                raise invalid(
                    file.path,
                    f"fragment {row} (of {name}) is {largest.max():g} in the network's input, "
                    "(value - offset) * scale, which should be near 0",
                )
            least, most = min(least, ends[0].min()), max(most, ends[1].max())
        if 0 < (span := float(most - least) * abs(scale)) < LEAST_SPAN:
            raise invalid(
                file.path,
                f"its values go from {least:g} to {most:g}, which the attribute scale ({scale:g}) "
                f"makes a span of {span:g} in the network's input, where some 2 is right",
            )
        return file.info
