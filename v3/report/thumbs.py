"""Small pictures of fragments on one sheet each, which a page cuts its tiles from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from v3.base.files import atomic_file
from v3.plots.canvas import Array
from v3.plots.grids import TALLEST, as_image

LONGEST = 64  # pixels of a tile's longer side
QUALITY = 80  # of WebP, in which a sheet of a thousand tiles is some hundred kilobytes
IMAGES = "images"  # the kind of fragments that are pictures, not spectrograms


@dataclass(frozen=True)
class Sheet:
    """A picture of `count` tiles of `width` x `height` pixels in `columns`, row by row."""

    file: str
    width: int
    height: int
    columns: int
    count: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write_sheet(
    path: str | Path, fragments: Array, kind: str, span: tuple[float, float], columns: int = 0
) -> Sheet:
    """Write fragments (N, C, H, W) as the tiles of a WebP; 0 columns: a sheet as wide as high.

    kind: images or spectrograms. span: the values that are darkest and brightest. The same
    fragments give the same bytes.
    """
    path = Path(path)
    columns = columns or max(1, int(np.ceil(np.sqrt(len(fragments)))))
    width, height = tile_size(fragments.shape[2:], kind)
    rows = max(1, -(-len(fragments) // columns))
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for place, fragment in enumerate(fragments):
        tile = Image.fromarray(_drawn(fragment, kind, *span))
        if tile.size != (width, height):
            tile = tile.resize((width, height), Image.Resampling.BOX)
        sheet.paste(tile, (place % columns * width, place // columns * height))
    with atomic_file(path) as beside:
        sheet.save(beside, format="WEBP", quality=QUALITY, method=4)
    return Sheet(path.name, width, height, columns, len(fragments))


def tile_size(shape: tuple[int, ...], kind: str) -> tuple[int, int]:
    """Width and height in pixels of the tile of a fragment (H, W).

    Small pictures keep their pixels; spectrograms that are tall and narrow become wider.
    """
    height, width = shape
    if kind != IMAGES and height > TALLEST * width:
        height = round(TALLEST * width)
    shrink = min(1.0, LONGEST / max(height, width))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _drawn(fragment: Array, kind: str, low: float, high: float) -> Array:
    """Pixels (H, W, 3) of a fragment (C, H, W): one channel of a picture is grey."""
    if kind == IMAGES and len(fragment) != 3:
        fragment = np.repeat(fragment.astype(np.float32).mean(0, keepdims=True), 3, 0)
    return as_image(fragment, low, high)
