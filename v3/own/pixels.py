"""Picture files of any mode and format that Pillow reads whole -> pixels, cut and resized."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from v3.download.pictures import SIGNATURE, UNREADABLE, UnreadableError, read_png
from v3.own.params import FROM_WIDTH

Pixels = NDArray[np.uint8]  # (H, W, 3): red, green, blue
MOST_PIXELS = 2**26  # of a picture: some ten times a large photograph's
STRETCH = (
    1.25  # height by width may change by this factor; a picture of another shape gets a border
)
ORIENTATION = 0x0112  # the tag of EXIF


def suffixes() -> frozenset[str]:
    """Suffixes, as ".png", of the formats that Pillow reads here."""
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in known if name in Image.OPEN and name != "HDF5")


def read_picture(path: Path, paper: str = "white") -> Pixels:
    """The pixels (H, W, 3) of a file, turned as its EXIF says; what is transparent is `paper`.

    More than 8 bits are brought to 8. `UnreadableError` says why a file cannot be used.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags, and of sizes that are looked at below
            with Image.open(path) as image:
                return _read(path, image, paper)
    except UnreadableError:
        raise
    except UNREADABLE as error:
        if not path.exists():
            raise
        raise UnreadableError(" ".join(str(error).split()) or type(error).__name__) from None


def _read(path: Path, image: Image.Image, paper: str) -> Pixels:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UnreadableError(f"it has {width} x {height} pixels, more than {MOST_PIXELS}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "ICO", "ICNS"):  # these hold one in several sizes
        raise UnreadableError(f"it holds {frames} pictures, and one is wanted")
    content = path.read_bytes()
    if content.startswith(SIGNATURE):  # Pillow would draw black where rows are missing
        turn = image.getexif().get(ORIENTATION, 1)
        image = Image.fromarray(read_png(content))
        image.getexif()[ORIENTATION] = turn
    image.load()
    image = ImageOps.exif_transpose(image)
    colours = image if image.mode in ("I", "F") or ";" in image.mode else _colours(image)
    if colours.mode == "RGBA":
        ground = Image.new("RGBA", colours.size, paper)
        colours = Image.alpha_composite(ground, colours).convert("RGB")
    if colours.mode != "RGB":
        grey = _in_8_bits(np.asarray(colours))
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(colours)


def _colours(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where something may be transparent."""
    if image.mode == "LAB":
        spaces = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        turned = ImageCms.applyTransform(image, ImageCms.buildTransform(*spaces, "LAB", "RGB"))
        assert turned is not None, "not in place"
        return turned
    see_through = image.mode.endswith(("A", "a")) or "transparency" in image.info
    return image.convert("RGBA" if see_through else "RGB")


def _in_8_bits(values: NDArray[np.generic]) -> Pixels:
    """Grey (H, W) of more than 8 bits: 0 to 1, to 255 or to 65535, by its largest value."""
    levels = np.asarray(values, np.float64)
    if not np.isfinite(levels).all() or levels.min() < 0 or levels.max() > 65535:
        raise UnreadableError(
            f"its values go from {levels.min():g} to {levels.max():g}, and 0 to 65535 is what is "
            "read: save it in 8 or 16 bits"
        )
    deep = values.dtype.itemsize == 2 or levels.max() > 255
    share = levels / (65535 if deep else 255 if values.dtype.kind in "iu" else max(1, levels.max()))
    if values.dtype.kind == "f" and 1 < levels.max() <= 255:
        share = levels / 255
    return np.rint(share * 255).astype(np.uint8)


def cells_of(pixels: Pixels, cells: int) -> list[Pixels]:
    """A picture (H, W, 3) in so many cells side by side; 0: as many as the width holds heights."""
    height, width = pixels.shape[:2]
    count = max(1, round(width / height)) if cells == FROM_WIDTH else cells
    if count > width:
        raise UnreadableError(f"it is {width} pixels wide, too few for {count} cells")
    edges = np.rint(np.linspace(0, width, count + 1)).astype(int)
    return [pixels[:, left:right] for left, right in pairwise(edges.tolist())]


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Pixels (h, w, 3) brought to size (H, W), bicubically; (3, H, W).

    A picture of quite another shape keeps its own, in the middle of a border that has the colour
    of its edge (the median).
    """
    height, width = pixels.shape[:2]
    scale = size[0] / height, size[1] / width
    if max(scale) / min(scale) > STRETCH:
        scale = (min(scale), min(scale))
    inner = max(1, round(height * scale[0])), max(1, round(width * scale[1]))
    if inner != (height, width):
        small = Image.fromarray(pixels).resize((inner[1], inner[0]), Image.Resampling.BICUBIC)
        pixels = np.asarray(small)
    if inner != size:
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        sheet = np.empty((*size, 3), np.uint8)
        sheet[:] = np.median(edge, axis=0).astype(np.uint8)
        top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
        sheet[top : top + inner[0], left : left + inner[1]] = pixels
        pixels = sheet
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
