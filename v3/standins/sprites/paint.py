"""Pixel art for the stand-in: shapes as masks, and masks painted with outline, light and shade."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from v3.corpora.sprites.sheet import CELL
from v3.standins.sprites.figure import Limb, Place

Mask = NDArray[np.bool_]  # (64, 64)
Cell = NDArray[np.uint8]  # (64, 64, 4)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Tones:
    """Four shades of one colour, from the outline to where light falls."""

    line: Colour
    shade: Colour
    base: Colour
    light: Colour

    @classmethod
    def of(cls, hue: float, saturation: float, value: float) -> Tones:
        """Shades of a colour of HSV, each component in [0, 1]; shadows turn towards violet."""
        steps = ((0.32, 0.04), (0.68, 0.02), (1.0, 0.0), (1.22, -0.015))
        shades = [
            colorsys.hsv_to_rgb(
                (hue + turn) % 1.0,
                min(1.0, saturation * (1.1 if factor < 1 else 0.9)),
                min(1.0, value * factor),
            )
            for factor, turn in steps
        ]
        return cls(*((round(r * 255), round(g * 255), round(b * 255)) for r, g, b in shades))

    def darker(self) -> Tones:
        """The same colour on the far side of the figure."""
        return Tones(self.line, *(_dim(tone) for tone in (self.shade, self.base, self.light)))


def _dim(colour: Colour) -> Colour:
    return (colour[0] * 6 // 10, colour[1] * 6 // 10, colour[2] * 6 // 10)


def empty() -> Cell:
    """A cell in which all is transparent."""
    return np.zeros((CELL, CELL, 4), np.uint8)


def nothing() -> Mask:
    """No pixel."""
    return np.zeros((CELL, CELL), bool)


def ellipse(centre: Place, x: float, y: float) -> Mask:
    """All pixels within the half axes `x` and `y`."""
    rows, columns = np.mgrid[:CELL, :CELL]
    inside: Mask = ((columns - centre[0]) / x) ** 2 + ((rows - centre[1]) / y) ** 2 <= 1
    return inside


def polygon(places: Sequence[Place]) -> Mask:
    """The filled polygon through `places`."""
    image = Image.new("1", (CELL, CELL))
    ImageDraw.Draw(image).polygon([(round(x), round(y)) for x, y in places], fill=1)
    return np.array(image)


def stroke(places: Sequence[Place], width: float) -> Mask:
    """A thick line through `places` with round ends and joints."""
    rows, columns = np.mgrid[:CELL, :CELL].astype(float)
    mask = nothing()
    for (ax, ay), (bx, by) in pairwise(places):
        dx, dy = bx - ax, by - ay
        share = ((columns - ax) * dx + (rows - ay) * dy) / max(dx * dx + dy * dy, 1e-9)
        share = np.clip(share, 0, 1)
        apart = (columns - ax - share * dx) ** 2 + (rows - ay - share * dy) ** 2
        mask |= apart <= (width / 2) ** 2
    return mask


def part_of(limb: Limb, upto: float) -> list[Place]:
    """The places of a limb from its start to the share `upto` of its length."""
    start, joint, end = limb
    if upto <= 0.5:
        return [start, _between(start, joint, upto * 2)]
    return [start, joint, _between(joint, end, upto * 2 - 1)]


def _between(a: Place, b: Place, share: float) -> Place:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def shifted(mask: Mask, right: int, down: int) -> Mask:
    """The mask moved by whole pixels; what leaves the cell is gone."""
    moved = nothing()
    high, wide = CELL - abs(down), CELL - abs(right)
    y, x = max(down, 0), max(right, 0)
    moved[y : y + high, x : x + wide] = mask[y - down :, x - right :][:high, :wide]
    return moved


def paint(cell: Cell, mask: Mask, tones: Tones, texture: NDArray[np.int8] | None = None) -> None:
    """Paint `mask` on `cell`: a dark rim, light from the top left, shade at the bottom right.

    `texture` (64, 64) makes a pixel lighter (1) or darker (-1) than that, in place of a flat one.
    """
    inner = mask & shifted(mask, 1, 0) & shifted(mask, -1, 0)
    inner &= shifted(mask, 0, 1) & shifted(mask, 0, -1)
    level = np.ones((CELL, CELL), np.int8)
    level[~shifted(inner, -1, -2)] = 0
    level[~shifted(inner, 2, 2)] = 2
    if texture is not None:
        level = np.clip(level + texture, 0, 2)
    palette = np.array([tones.shade, tones.base, tones.light, tones.line], np.uint8)
    cell[mask, :3] = palette[np.where(inner, level, 3)][mask]
    cell[mask, 3] = 255
