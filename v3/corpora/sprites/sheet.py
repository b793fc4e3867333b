"""The format of Sprites' raw sheets, and reading and writing of one sheet and of their index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from v3.base.errors import V3Error
from v3.base.files import atomic_file, file_digest, read_json, write_json
from v3.base.schema import Natural, Section, read
from v3.download.pictures import UnreadableError, png_size, read_png

CELL = 64  # pixels of a cell, both ways
COLUMNS, ROWS = 13, 21  # cells of a sheet
INDEX = "index.json"
Sheet = NDArray[np.uint8]  # (1344, 832, 4): RGBA


class _Listed(Section):
    """A sheet as the index has it."""

    sha256: str
    bytes: Natural
    as_published: bool


class _Index(Section):
    source: str
    sheets: dict[str, _Listed]


def read_sheet(path: Path) -> Sheet:
    """A sheet as RGBA; `V3Error` names one that is damaged or no sheet."""
    png = path.read_bytes()
    size = png_size(png)
    if size not in ((0, 0), (COLUMNS * CELL, ROWS * CELL)):
        raise V3Error(
            f"{path} is {size[0]} x {size[1]} pixels, not {COLUMNS * CELL} x {ROWS * CELL} "
            f"({COLUMNS} x {ROWS} cells of {CELL}): it is no sheet of this corpus."
        )
    try:
        sheet = read_png(png)
    except UnreadableError as error:
        raise V3Error(
            f"{path} is no readable PNG ({error}): mend it where it was fetched from, or take "
            f"{path.stem} out of sprites.parts.{path.parent.name}."
        ) from None
    if sheet[..., 3].all():
        raise V3Error(
            f"{path} is opaque: a layer must be transparent around the figure, or it hides what "
            "lies below; put an RGBA or palette PNG with transparency there."
        )
    return sheet


def save_sheet(path: Path, sheet: Sheet) -> None:
    """Write a palette PNG whose palette holds the transparency, as most of the real ones do."""
    packed, index = np.unique(np.ascontiguousarray(sheet).view(np.uint32), return_inverse=True)
    colours = packed.view(np.uint8).reshape(-1, 4)  # 256 at most, or the PNG has no palette
    image = Image.fromarray(index.reshape(sheet.shape[:2]).astype(np.uint8))
    image.putpalette(colours[:, :3].tobytes())
    with atomic_file(path) as beside:
        image.save(beside, format="PNG", transparency=bytes(colours[:, 3].tolist()))


def write_index(folder: Path, source: str, published: Mapping[str, bool]) -> None:
    """Write what the sheets in `folder` are: by name, and whether each is the published file."""
    sheets = {
        name: {
            "sha256": file_digest(folder / name),
            "bytes": (folder / name).stat().st_size,
            "as_published": as_published,
        }
        for name, as_published in published.items()
    }
    write_json(folder / INDEX, {"source": source, "sheets": sheets})


def read_index(folder: Path) -> dict[str, Any]:
    """`source`, and `sheets` by name; `V3Error` names a file that is none."""
    try:
        return read(_Index, read_json(folder / INDEX), INDEX).model_dump()
    except V3Error as error:
        raise V3Error(
            f"{folder / INDEX} is no index of sheets ({error}): "
            f"delete {folder} and run `dvc repro`."
        ) from None
