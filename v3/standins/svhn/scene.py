"""House numbers as a camera sees them, drawn: one image of the stand-in for SVHN.

A number is set in one typeface, on a textured wall or a plate, with clutter around it, and then
photographed (`camera.py`). Sizes, lengths and frequencies of digits are those of the real
training set (Netzer et al., 2011); contrast, colours and clutter were set by eye, beside real ones.
"""

from __future__ import annotations

from v3.standins.svhn.fonts import font_of  # before anything of Pillow

# isort: split
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import maximum_filter, minimum_filter

from v3.standins.svhn.camera import Array, boxes_around, light, photograph_of, tilt

LENGTHS = (0.154, 0.543, 0.260, 0.042, 0.001)  # share of numbers of 1, 2, ... digits
BENFORD = np.log10(1 + 1 / np.arange(1, 10))  # of the first digit; the others are even
FACES = (  # files that come with matplotlib, under free licences
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono"),
    *("DejaVuSansMono-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *("DejaVuSerif-BoldItalic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
    *("STIXGeneralBolIta", "cmb10", "cmr10", "cmss10", "cmtt10", "cmti10"),
)
HAND = Path(__file__).parents[2] / "corpora" / "assets" / "Humor-Sans.ttf"
GLYPH, AROUND = 112, 40  # pixels: height of a digit in the bank, and empty space around it
WEIGHTS = (-5, 0, 0, 5, 9)  # pixels that a stroke gains across in the bank
MEDIAN_HEIGHT, SPREAD = 28.0, 0.45  # pixels of a digit, and deviation of its logarithm
WORKING = (40.0, 110.0)  # pixels: a digit's height while it is drawn


@dataclass(frozen=True)
class House:
    """One image: PNG bytes, its digits and their boxes (n, 4): left, top, width, height."""

    png: bytes
    digits: tuple[int, ...]
    boxes: NDArray[np.int64]


def draw_house(rng: Generator) -> House:
    """Draw one house number with all that `rng` decides."""
    digits = _number(rng)
    height = float(np.clip(MEDIAN_HEIGHT * np.exp(rng.normal(0, SPREAD)), 12, 200))
    drawn = float(np.clip(height * 1.25, *WORKING))
    picture, corners = tilt(rng, *_flat(rng, digits, drawn))
    photograph, scale = photograph_of(rng, light(rng, picture), drawn, height)
    boxes = boxes_around(rng, corners, scale, photograph.size)
    out = io.BytesIO()
    photograph.save(out, "PNG", compress_level=1)
    return House(out.getvalue(), digits, boxes)


def _number(rng: Generator) -> tuple[int, ...]:
    length = 1 + rng.choice(len(LENGTHS), p=LENGTHS)
    return (1 + int(rng.choice(9, p=BENFORD)), *map(int, rng.integers(10, size=length - 1)))


@lru_cache(maxsize=1)
def _bank() -> dict[tuple[int, int, int], Image.Image]:
    """Coverage by face, digit and weight; a digit is as high as GLYPH, with AROUND at all sides."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    bank = {}
    for f, path in enumerate([*(folder / f"{name}.ttf" for name in FACES), HAND]):
        font = font_of(path, 200)
        for digit in range(10):
            left, top, right, bottom = font.getbbox(str(digit))
            ink = Image.new("L", (int(right - left), int(bottom - top)))
            ImageDraw.Draw(ink).text((-left, -top), str(digit), 255, font)
            ink = ink.resize(
                (round(ink.width * GLYPH / ink.height), GLYPH), Image.Resampling.LANCZOS
            )
            canvas = Image.new("L", (ink.width + 2 * AROUND, GLYPH + 2 * AROUND))
            canvas.paste(ink, (AROUND, AROUND))
            for weight in set(WEIGHTS):
                bank[f, digit, weight] = _heavier(canvas, weight)
    return bank


def _heavier(glyph: Image.Image, pixels: int) -> Image.Image:
    if not pixels:
        return glyph
    # Pillow's filters of the same name give the same and take up to thirty times as long
    extreme = maximum_filter if pixels > 0 else minimum_filter
    return Image.fromarray(extreme(np.asarray(glyph), abs(pixels), mode="nearest"))


def _flat(
    rng: Generator, digits: tuple[int, ...], height: float
) -> tuple[Array, list[NDArray[np.float64]]]:
    """Wall, plate, clutter and digits, seen from the front: a picture (H, W, 3) in levels of 255,
    and the corners (4, 2) around each digit."""
    face = int(rng.integers(len(FACES) + 1))
    weight = int(rng.choice(WEIGHTS))
    stretch = float(np.clip(np.exp(rng.normal(-0.52, 0.22)), 0.35, 1.1))
    shear = float(rng.normal(0, 0.05))
    gap = height * float(np.clip(rng.normal(0.08, 0.06), -0.01, 0.4))
    slope = float(rng.normal(0, 0.15)) if rng.random() < 0.08 else 0.0  # steps up or down
    unit = height / GLYPH
    glyphs = [_bank()[face, digit, weight] for digit in digits]
    widths = [(glyph.width - 2 * AROUND) * unit * stretch for glyph in glyphs]
    number = sum(widths) + gap * (len(digits) - 1)
    margin_x, margin_y = height * rng.uniform(0.5, 1.6, 2), height * rng.uniform(0.3, 0.9, 2)
    size = int(number + margin_x.sum()), int(height + margin_y.sum() + abs(slope) * number)
    ink = np.zeros((size[1], size[0]), np.float32)
    corners = []
    x = float(margin_x[0])
    for glyph, width in zip(glyphs, widths, strict=True):
        rise = slope * (x - margin_x[0]) + max(0.0, -slope) * number
        y = float(margin_y[0]) + rise + height * float(rng.normal(0, 0.012))
        # output (u, v) -> glyph: the inverse of stretch, shear about the middle, and shift
        across, down = 1 / (unit * stretch), 1 / unit
        lean = shear * across
        place = (
            *(across, lean, AROUND - across * x - lean * (y + height / 2)),
            *(0.0, down, AROUND - down * y),
        )
        drawn = glyph.transform(size, Image.Transform.AFFINE, place, Image.Resampling.BILINEAR)
        ink = np.maximum(ink, np.asarray(drawn, np.float32) / 255)
        left, right = x - abs(shear) * height / 2, x + width + abs(shear) * height / 2
        corners.append(np.array([[left, y], [right, y], [right, y + height], [left, y + height]]))
        x += width + gap
    ground, colour = _colours(rng)
    picture = _surface(rng, size, ground, height)
    _plate(rng, picture, np.concatenate(corners), height)
    _clutter(rng, picture, height)
    _apply_ink(rng, picture, ink, colour, height)
    if rng.random() < 0.3:
        _clutter(rng, picture, height)
    return picture, corners


def _colours(rng: Generator) -> tuple[Array, Array]:
    """Levels (3,) of ground and ink; which is the lighter, and by how much, is drawn."""
    contrast = float(np.clip(np.exp(rng.normal(np.log(108), 0.42)), 48, 215))
    middle = rng.uniform(66, 190)
    sign = 1.0 if rng.random() < 0.45 else -1.0
    light = np.clip([middle - sign * contrast / 2, middle + sign * contrast / 2], 8, 247)
    vivid = rng.random() < 0.25
    ground = _tint(rng, float(light[0]), rng.uniform(0.25, 0.75) if vivid else rng.uniform(0, 0.22))
    ink = _tint(rng, float(light[1]), rng.uniform(0.2, 0.8) if rng.random() < 0.15 else 0.08)
    return ground, ink


def _tint(rng: Generator, light: float, saturation: float) -> Array:
    """A colour (3,) of that mean level; blue, brown and red are likelier than green and violet."""
    hue = rng.choice([0.01, 0.07, 0.1, 0.12, 0.35, 0.6, 0.61, 0.63]) + rng.normal(0, 0.02)
    swing = np.cos(2 * np.pi * (hue - np.array([0, 1 / 3, 2 / 3])))
    return np.asarray(light + swing * saturation * min(light, 255 - light), np.float32)


def _noise(rng: Generator, size: tuple[int, int], cells: tuple[int, int]) -> Array:
    """Smooth noise (H, W) of deviation about 1 with so many cells (x, y)."""
    grid = rng.standard_normal((max(2, cells[1]), max(2, cells[0])), np.float32)
    return np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC))


def _surface(rng: Generator, size: tuple[int, int], ground: Array, height: float) -> Array:
    """A wall (H, W, 3): stucco, wood, siding or brick around the colour `ground`."""
    width, tall = size
    rough = _noise(rng, size, (3, 2)) * rng.uniform(1, 12)
    rough += _noise(rng, size, (width // 4, tall // 4)) * rng.uniform(0, 8)
    kind = rng.choice(["stucco", "wood", "siding", "brick"], p=[0.55, 0.15, 0.15, 0.15])
    y, x = np.mgrid[:tall, :width].astype(np.float32)
    if kind == "wood":
        rough += _noise(rng, size, (3, tall // 2)) * rng.uniform(2, 12)
    period = height * rng.uniform(0.35, 1.2)
    row = y / period + rng.random()
    if kind == "siding":
        rough -= rng.uniform(10, 40) * np.exp(-((row % 1) / 0.08))
    if kind == "brick":
        column = x / (period * 2.2) + 0.5 * (np.floor(row) % 2) + rng.random()
        joint = np.maximum(np.exp(-(row % 1) / 0.12), np.exp(-(column % 1) / 0.06))
        rough += rng.uniform(-35, 35) * joint
    return np.asarray(ground + rough[..., None], np.float32)


def _plate(rng: Generator, picture: Array, corners: NDArray[np.float64], height: float) -> None:
    """In most scenes: a plate behind the number, and another wall around it; in place."""
    if rng.random() < 0.4:
        return
    pad = height * rng.uniform(0.08, 0.5, 4)
    (left, top), (right, bottom) = corners.min(0) - pad[:2], corners.max(0) + pad[2:]
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    # distance inside the plate's edge, positive within
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    outside = np.clip(0.5 - inside, 0, 1)[..., None]
    other = _tint(rng, rng.uniform(25, 225), rng.uniform(0, 0.35))
    wall = _surface(rng, (picture.shape[1], picture.shape[0]), other, height)
    picture += outside * (wall - picture)
    if rng.random() < 0.45:
        frame = np.exp(-(((inside - height * 0.06) / (height * rng.uniform(0.02, 0.05))) ** 2))
        picture += frame[..., None] * (_tint(rng, rng.uniform(10, 245), 0.2) - picture)


def _clutter(rng: Generator, picture: Array, height: float) -> None:
    """Screws, twigs, cables, stains: up to four dark or light marks; in place."""
    tall, width = picture.shape[:2]
    marks = Image.new("L", (width, tall))
    pen = ImageDraw.Draw(marks)
    for _ in range(rng.integers(4)):
        x, y = rng.uniform(0, width), rng.uniform(0, tall)
        if rng.random() < 0.5:
            r = height * rng.uniform(0.02, 0.14)
            pen.ellipse(
                [x - r, y - r * rng.uniform(0.4, 1), x + r, y + r], int(rng.integers(90, 255))
            )
        else:
            angle, length = rng.uniform(0, np.pi), height * rng.uniform(0.3, 3)
            ends = [x, y, x + length * np.cos(angle), y + length * np.sin(angle)]
            pen.line(
                ends, int(rng.integers(60, 230)), max(1, int(height * rng.uniform(0.015, 0.08)))
            )
    cover = np.asarray(marks, np.float32)[..., None] / 255
    picture += cover * (_tint(rng, rng.uniform(10, 240), rng.uniform(0, 0.4)) - picture)


def _apply_ink(rng: Generator, picture: Array, ink: Array, colour: Array, height: float) -> None:
    """Digits with what gives them body: a shadow, an outline, relief, wear; in place."""
    kind = rng.choice(["plain", "shadow", "outline", "relief"], p=[0.45, 0.3, 0.12, 0.13])
    shift = np.rint(height * rng.uniform(-0.07, 0.07, 2)).astype(int)
    cover = ink
    if kind == "shadow":
        shadow = np.roll(ink, tuple(shift), (0, 1))[..., None]
        picture *= 1 - shadow * rng.uniform(0.25, 0.7)
    if kind == "outline":
        thick = 2 * max(1, round(height * rng.uniform(0.015, 0.04))) + 1
        wide = maximum_filter(np.uint8(ink * 255), thick, mode="nearest")
        wide = wide.astype(np.float32)[..., None] / 255
        picture += wide * (_tint(rng, rng.uniform(10, 245), 0.15) - picture)
    if kind == "relief":
        edge = np.roll(ink, tuple(shift), (0, 1)) - np.roll(ink, tuple(-shift), (0, 1))
        picture += edge[..., None] * rng.uniform(20, 80)
        cover = ink * rng.uniform(0.3, 1.0)
    worn = 1 - 0.25 * np.clip(_noise(rng, ink.shape[::-1], (12, 6)), 0, 2) * rng.random()
    shade = colour + _noise(rng, ink.shape[::-1], (3, 3))[..., None] * rng.uniform(0, 14)
    picture += (cover * worn)[..., None] * (shade - picture)
