"""MNIST by writers: all digits of a writer are a sample, the writer is its style.

From one file, mnist_writers.npz: images (N, 28, 28) uint8, label (N,) and writer (N,), in the order
of MNIST (LeCun et al., 1998), writers from QMNIST (Yadav and Bottou, 2019, arXiv 1905.10498). Six
sevenths of it are MNIST's training files and the rest its test files, which no writer shares; that
is the group of a sample.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

SIZE = 32  # pixels: of 28, with a margin of 2, for networks that halve four times
GROUPS = ("train", "test")
DIGITS = tuple(str(digit) for digit in range(10))


def write_fragments(raw: str | Path, path: str | Path) -> None:
    """Write the fragment file (1, 32, 32), uint8, of the npz file `raw`.

    Samples are in the order of group and writer, a writer's digits in that of the file. `V3Error`
    names the file if it is missing, damaged or something else.
    """
    raw = Path(raw)
    images, label, writer = _read(raw)
    group = (np.arange(len(label)) >= len(label) * 6 // 7).astype(np.int64)
    samples = np.unique(np.stack([group, writer]), axis=1).T.tolist()
    names = sorted({one for _, one in samples})
    info = FragmentInfo(
        dataset="mnist_writers",
        source=f"MNIST with the writers of QMNIST: {len(label)} digits of {len(names)} writers",
        content_names=DIGITS,
        style_names=tuple(f"writer {one}" for one in names),
        offset=0.0,
        scale=1 / 255,
        group_names=GROUPS,
    )
    margin = [(0, 0), *(((SIZE - size) // 2, (SIZE - size + 1) // 2) for size in images.shape[1:])]
    order = np.lexsort((np.arange(len(label)), writer, group))
    rows = np.split(order, np.flatnonzero(np.diff(writer[order]) | np.diff(group[order])) + 1)
    with FragmentWriter(path, info, (1, SIZE, SIZE), np.uint8) as file:
        for (part, one), own in zip(samples, rows, strict=True):
            digits = np.pad(images[own], margin)[:, None]
            name = f"{GROUPS[part]}-{one}"
            file.append(digits, label[own], names.index(one), name, part)


def _read(raw: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Images (N, H, W), labels (N,) and writers (N,)."""
    if not raw.is_file():
        raise V3Error(f"{raw} is missing: run `dvc repro` to bring it.")
    try:
        with np.load(raw) as file:
            found: dict[str, NDArray[Any]] = {
                key: file[key] for key in ("images", "label", "writer")
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise V3Error(
            f"{raw} is no file of MNIST with writers ({error}): put a whole copy into the mirror "
            "and run the same command again."
        ) from None
    images, label, writer = found["images"], found["label"], found["writer"]
    shaped = images.ndim == 3 and max(images.shape[1:]) <= SIZE and images.dtype == np.uint8
    if not shaped or not label.shape == writer.shape == images.shape[:1] or not len(label):
        raise V3Error(
            f"{raw} must hold images (N, 28, 28) uint8, label (N,) and writer (N,), has "
            f"{images.shape} {images.dtype}, {label.shape} and {writer.shape}: put the right file "
            "into the mirror and run the same command again."
        )
    return images, label.astype(np.int64), writer.astype(np.int64)
