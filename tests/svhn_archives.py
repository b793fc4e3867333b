"""Small archives of SVHN's form, good and bad, for the tests."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from v3.corpora.svhn.digit_struct import Row, write_digit_struct
from v3.corpora.svhn.params import ARCHIVES
from v3.standins.svhn.archives import write_archive
from v3.standins.svhn.scene import House


def png(width: int = 60, height: int = 40) -> bytes:
    """A noisy PNG, so that half of it is missing something."""
    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


def house(
    digits: tuple[int, ...] = (1, 2), image: bytes = b"", box: Sequence[float] | None = None
) -> House:
    first = (5, 5, 10, 20) if box is None else box
    boxes = np.array([first, (20, 5, 10, 20)][: len(digits)])
    return House(image or png(), digits, boxes.reshape(-1, 4))


def archived(folder: Path, odd: House) -> Path:
    """Three archives; the second image of train is odd."""
    folder.mkdir(exist_ok=True)
    for name in ARCHIVES:
        houses = [house(), odd, house()] if name == "train" else [house()]
        write_archive(folder / f"{name}.tar.gz", name, iter(houses))
    (folder / "index.json").write_text(json.dumps({"source": "stand-in: a test"}))
    return folder


def packed(folder: Path, files: dict[str, bytes], rows: list[Row] | bytes | None) -> Path:
    """train.tar.gz of such files and such a digitStruct."""
    if isinstance(rows, list):
        write_digit_struct(folder / "digitStruct.mat", rows)
        rows = (folder / "digitStruct.mat").read_bytes()
    if rows is not None:
        files = files | {"digitStruct.mat": rows}
    path = folder / "train.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"train/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path
