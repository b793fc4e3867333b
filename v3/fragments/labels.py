"""Fragments with their labels: for splits, evaluations and pictures, never for training."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from v3.fragments.format import FragmentInfo, check_labels, invalid, read_info, read_labels
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
            if not isinstance(file.get("group"), h5py.Dataset):
                raise invalid(path, "it has group_names and no dataset 'group'")
            self.group = read_labels(path, file, "group", np.int32, self.samples)
            check_labels(str(path), "group", self.group, len(self.info.group_names))
        if h5py.check_string_dtype(file["sample_id"].dtype) is None:
            raise invalid(path, "sample_id holds no text")
        self.sample_id: list[str] = list(file["sample_id"].asstr()[()])
        if len(self.sample_id) != self.samples:
            raise invalid(path, f"{len(self.sample_id)} sample_id for {self.samples} samples")

    def name_of(self, sample: int) -> str:
        """What to call the sample in that row."""
        return self.sample_id[sample]


def validate(path: str | Path) -> FragmentInfo:
    """Check all of a fragment file, to its last value; a fault is a `V3Error` that names it."""
    with LabelledFragments(path) as file:
        for start in range(0, len(file), SPAN):
            file.read(np.arange(start, min(start + SPAN, len(file))))
        return file.info
