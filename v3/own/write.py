"""Cut samples -> a fragment file that also says where each fragment is from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from v3.base.files import atomic_file
from v3.fragments.format import FragmentInfo, Shape
from v3.fragments.writer import FragmentWriter
from v3.own.samples import Sample, natural, require_enough

ORIGIN = "origin"  # dataset (F,) of UTF-8 text: file, and the part of it


@dataclass(frozen=True)
class Cut:
    """A fragment (C, H, W), what it is known to show, and where it is from."""

    fragment: NDArray[Any]
    content: str | None
    origin: str


def write(
    path: Path,
    dataset: str,
    source: str,
    shape: Shape,
    dtype: np.dtype[Any],
    units: tuple[float, float],
    samples: Iterable[Sample],
    cut: Iterable[tuple[Sample, list[Cut]]],
    contents: Iterable[str] = (),
) -> None:
    """Write what is `cut` from the samples, whole or not at all.

    units: offset and scale. `contents`: names beside those that the samples' pieces have. Samples
    of fewer than two fragments are left out, for nothing varies within them. `V3Error` if too few
    are left.
    """
    samples = list(samples)
    known = {piece.content for sample in samples for piece in sample.pieces} | set(contents)
    content_names = tuple(sorted((name for name in known if name is not None), key=natural))
    styles = {sample.style for sample in samples if sample.style is not None}
    style_names = tuple(sorted(styles, key=natural))
    info = FragmentInfo(dataset, source, content_names, style_names, *units)
    content_row = {name: row for row, name in enumerate(content_names)} | {None: -1}
    style_row = {name: row for row, name in enumerate(style_names)} | {None: -1}
    origins: list[str] = []
    counts: list[tuple[str, int]] = []
    with atomic_file(path) as beside:
        with FragmentWriter(beside, info, shape, dtype) as writer:
            for sample, cuts in cut:
                counts.append((sample.name, len(cuts)))
                if len(cuts) < 2:
                    continue
                writer.append(
                    np.stack([one.fragment for one in cuts]),
                    np.array([content_row[one.content] for one in cuts]),
                    style_row[sample.style],
                    sample.name,
                )
                origins += [one.origin for one in cuts]
            _require(counts)
        with h5py.File(beside, "a") as file:
            file.create_dataset(ORIGIN, data=origins, dtype=h5py.string_dtype("utf-8"))


def _require(counts: list[tuple[str, int]]) -> None:
    require_enough([one for one in counts if one[1]], "files")
    require_enough([one for one in counts if one[1] > 1], "files")
