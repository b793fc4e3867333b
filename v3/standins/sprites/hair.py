"""The stand-in's heads of hair: ten outlines, each with strands of its own.

Shapes are drawn about the centre of the head, (0, 0) here, x to the right and y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from v3.corpora.sprites.sheet import CELL
from v3.standins.sprites.figure import Figure, Place
from v3.standins.sprites.paint import (
    Cell,
    Mask,
    Tones,
    ellipse,
    empty,
    nothing,
    paint,
    polygon,
    stroke,
)

X, Y = 10.2, 10.4  # half axes of the head, in pixels


@dataclass(frozen=True)
class Hair:
    """A head of hair: the name of its outline, its colour, and light and dark strands (64, 64)."""

    cut: str
    tones: Tones
    strands: NDArray[np.int8]


def strands(rng: np.random.Generator, run: int, slant: float) -> NDArray[np.int8]:
    """Streaks of about `run` pixels, light (1), plain (0) and dark (-1), leaning by `slant`."""
    noise = rng.standard_normal((2 * CELL, 2 * CELL))
    streaks = np.zeros_like(noise)
    for k in range(run):
        streaks += np.roll(noise, (k, round(k * slant)), (0, 1))
    return np.digitize(streaks[:CELL, :CELL] / math.sqrt(run), (-0.6, 0.6)).astype(np.int8) - 1


def draw_hair(figure: Figure, hair: Hair) -> Cell:
    """One head of hair on a figure's head; its strands move with the head."""
    cell = empty()
    mask = CUTS[hair.cut](Head(figure))
    x, y = (round(place) for place in figure.head)
    paint(cell, mask, hair.tones, np.roll(hair.strands, (y, x), (0, 1)))
    return cell


class Head:
    """Where on the cell a shape about the centre of the head lies."""

    def __init__(self, figure: Figure) -> None:
        self.x, self.y = figure.head
        self.view = figure.view
        self.rows, self.columns = np.mgrid[:CELL, :CELL] - np.array([[[self.y]], [[self.x]]])

    def ellipse(self, x: float, y: float, wide: float, high: float) -> Mask:
        return ellipse((self.x + x, self.y + y), wide, high)

    def polygon(self, *places: Place) -> Mask:
        return polygon([(self.x + x, self.y + y) for x, y in places])

    def stroke(self, width: float, *places: Place) -> Mask:
        return stroke([(self.x + x, self.y + y) for x, y in places], width)

    def face(self, brow: float, wide: float) -> Mask:
        """What the hair leaves free: below `brow`, `wide` pixels to each side of the middle."""
        if self.view == "back":
            return nothing()
        if self.view == "left":
            return (self.rows > brow) & (self.columns < wide - 5)
        return (self.rows > brow) & (np.abs(self.columns) < wide)

    def cap(self, grown: float, brow: float, wide: float, neck: float = 5.0) -> Mask:
        """The skull, grown by so many pixels, without the face and what is below `neck`."""
        skull = self.ellipse(0, -0.5, X + grown, Y + grown)
        return skull & ~self.face(brow, wide) & (self.rows < neck)


def _spikes(head: Head, count: int, length: float, lean: float) -> Mask:
    mask = head.cap(0.4, -3, 7.5, 3)
    for k in range(count):
        angle = math.radians(-175 + 170 * k / (count - 1))
        x, y = math.cos(angle), math.sin(angle)
        reach = length * (1.0 if k % 2 else 0.72)
        tip = (x * (X + reach) + lean, y * (Y + reach))
        mask |= head.polygon((x * X - y * 3, y * Y + x * 3), tip, (x * X + y * 3, y * Y - x * 3))
    for x in (-6, -2, 3, 7):  # locks over the brow
        lock = head.polygon((x - 2.5, -5), (x + 2.5, -5), (x + lean / 2, 0.5))
        mask |= lock if head.view != "left" else lock & (head.columns > -7)
    return mask


def _bob(head: Head) -> Mask:
    mask = head.cap(1.2, -3.5, 6.2, 9)
    sides = (4.5,) if head.view == "left" else (-8.6, 8.6)
    for x in sides:
        mask |= head.ellipse(x, 4, 3.4 if len(sides) > 1 else 6, 7)
    return mask & ~head.face(-3.5, 5.8)


def _afro(head: Head) -> Mask:
    mask = head.cap(3.5, -2.5, 7, 6)
    for k in range(11):
        angle = math.pi * (1.08 - 1.16 * k / 10)
        mask |= head.ellipse(11 * math.cos(angle), -2 - 11 * math.sin(angle), 4.6, 4.6)
    return mask & ~head.face(-2.5, 6.8)


def _mohawk(head: Head) -> Mask:
    if head.view != "left":
        low = -2 if head.view == "front" else 8
        return head.polygon((-3, low), (-3.5, -14), (0, -18), (3.5, -14), (3, low))
    crest = head.ellipse(1, -3, X + 3.5, Y + 4.5) & ~head.ellipse(0, 1, X - 1.2, Y - 0.5)
    return crest & (head.columns > -8) & (head.rows < 6 - 0.6 * (head.columns < 0) * 10)


def _long(head: Head) -> Mask:
    mask = head.cap(1.0, -3, 6.5, 8)
    if head.view == "left":
        mask |= head.polygon((0, -6), (11, -4), (12, 22), (4, 24), (1, 8))
    elif head.view == "back":
        mask |= head.polygon((-10, -4), (10, -4), (10.5, 22), (-10.5, 22))
    else:
        for side in (-1, 1):
            mask |= head.polygon(
                (side * 6.8, -4), (side * 10.6, -3), (side * 11, 20), (side * 6.5, 18)
            )
    return mask & ~head.face(-3, 6.3)


def _ponytail(head: Head) -> Mask:
    mask = head.cap(0.6, -4, 8, 2)
    if head.view == "left":
        return mask | head.stroke(5.5, (8, -6), (15, -5), (16, 8), (13, 16))
    if head.view == "back":
        return mask | head.stroke(6, (0, -8), (2, 6), (0, 18))
    return mask | head.ellipse(8, -9, 4.5, 3.5)


def _bun(head: Head) -> Mask:
    mask = head.cap(0.5, -4.5, 8.2, 3)
    return mask | head.ellipse(5 if head.view == "left" else 0, -12.5, 5.5, 5)


def _fringe(head: Head) -> Mask:
    mask = head.cap(1.4, -4, 8, 4)
    if head.view == "left":
        return mask | head.polygon((-10, -6), (2, -9), (4, 3), (-6, 1), (-9.5, 3.5))
    if head.view == "back":
        return mask
    return mask | head.polygon((-8, -8), (9, -9), (11, 6), (5, 0), (-2, -1.5), (-8, -3))


def _curls(head: Head) -> Mask:
    mask = head.cap(1.0, -3, 7, 4)
    for k in range(15):
        angle = math.pi * (1.15 - 1.3 * k / 14)
        reach = 1.0 + 0.12 * (k % 2)
        mask |= head.ellipse(
            9.2 * reach * math.cos(angle), -1 - 9.8 * reach * math.sin(angle), 3, 3
        )
    for x in (-6, -1.5, 3, 7):
        curl = head.ellipse(x, -4.2, 2.8, 2.4)
        mask |= curl if head.view == "front" else curl & (head.columns > -8)
    return mask


def _tails(head: Head) -> Mask:
    mask = head.cap(0.7, -3.5, 7.5, 3)
    if head.view == "left":
        return mask | head.stroke(5, (5, -2), (10, 3), (9.5, 14))
    for side in (-1, 1):
        mask |= head.stroke(5, (side * 9, -2), (side * 14, 3), (side * 13.5, 15))
    return mask


CUTS: dict[str, Callable[[Head], Mask]] = {
    "spikes": lambda head: _spikes(head, 9, 6.0, 2.0),
    "bob": _bob,
    "afro": _afro,
    "mohawk": _mohawk,
    "long": _long,
    "ponytail": _ponytail,
    "bun": _bun,
    "fringe": _fringe,
    "curls": _curls,
    "tails": _tails,
    "tufts": lambda head: _spikes(head, 7, 4.0, -2.5),
}
