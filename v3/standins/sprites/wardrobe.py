"""The stand-in's layers: bodies, trousers, shirts and shoes for one figure, and what is on each.

A layer is a separate cell that knows nothing of the others, as in the real sheets: clothes follow
the limbs of the figure, and leave out what an arm or the head in front of them would hide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from v3.corpora.sprites.sheet import CELL
from v3.standins.sprites.figure import HIP, HIPS, MIDDLE, SHOULDER, SHOULDERS, Figure, Place
from v3.standins.sprites.paint import (
    Cell,
    Mask,
    Tones,
    ellipse,
    empty,
    nothing,
    paint,
    part_of,
    polygon,
    shifted,
    stroke,
)

WIDEST_LIMB, WIDEST_HEAD = 6.2, 10.4  # pixels, of all bodies: clothes leave room for any


@dataclass(frozen=True)
class Body:
    """Build and colours of a body; sizes in pixels."""

    skin: Tones
    eyes: Tones
    limb: float  # width of arms and legs
    head: float  # half the width of the head
    ears: float  # length of the ears, 0: round ones


@dataclass(frozen=True)
class Bottom:
    """What is worn on the legs."""

    cloth: Tones
    legs: float  # share of each leg that is covered
    width: float
    skirt: float = 0.0  # pixels that a skirt hangs below the hip
    belt: Tones | None = None
    stripes: int = 0  # every so many rows, 0: none


@dataclass(frozen=True)
class Top:
    """What is worn on trunk and arms."""

    cloth: Tones
    sleeves: float  # share of each arm that is covered
    hem: float  # pixels that it hangs below the hip
    trim: Tones | None = None
    pattern: str = "plain"  # plain, stripes, buttons, plates or sash


def draw_body(figure: Figure, body: Body) -> Cell:
    """Skin, face and eyes."""
    cell = empty()
    back = 0 if figure.sideways else None
    for index, limb in enumerate(figure.legs):
        skin = body.skin.darker() if index == back else body.skin
        paint(cell, stroke(limb, body.limb + 0.6) | _foot(figure, index, 2.4), skin)
    if figure.sideways:
        paint(cell, _arm(figure, 0, 1.0, body.limb), body.skin.darker())
    paint(cell, trunk(figure, 0.0), body.skin)
    _draw_head(cell, figure, body)
    for index in (1,) if figure.sideways else (0, 1):
        hand = ellipse(figure.arms[index][2], body.limb / 2 + 0.5, body.limb / 2 + 0.5)
        paint(cell, _arm(figure, index, 1.0, body.limb) | hand, body.skin)
    return cell


def draw_bottom(figure: Figure, bottom: Bottom) -> Cell:
    """Trousers, or a skirt."""
    cell = empty()
    free = ~_arms_in_front(figure)
    hips = _band(figure, HIP - 3.5, HIP + 1.5, 0.6)
    texture = _rows(bottom.stripes)
    for index, limb in enumerate(figure.legs):
        dark = figure.sideways and index == 0
        cloth = bottom.cloth.darker() if dark else bottom.cloth
        paint(cell, stroke(part_of(limb, bottom.legs), bottom.width) & free, cloth, texture)
    if bottom.skirt:
        knees = [part_of(limb, 0.5)[-1][0] for limb in figure.legs]
        low, high = min(*knees, MIDDLE - 4) - 2, max(*knees, MIDDLE + 4) + 2
        foot = HIP + bottom.skirt
        hips |= polygon([(MIDDLE - 4, HIP - 3), (MIDDLE + 4, HIP - 3), (high, foot), (low, foot)])
    paint(cell, hips & free, bottom.cloth, texture)
    if bottom.belt:
        paint(cell, _band(figure, HIP - 4, HIP - 1.5, 0.6) & free, bottom.belt)
    return cell


def draw_top(figure: Figure, top: Top) -> Cell:
    """A shirt, a vest, a jacket or armour."""
    cell = empty()
    head = ellipse(figure.head, WIDEST_HEAD - 0.5, 10)
    width = WIDEST_LIMB + 1.2
    body = trunk(figure, top.hem)
    texture = _rows(3) if top.pattern == "stripes" else None
    order = (0, 1) if not figure.sideways else (0,)
    behind = body | head | _arm(figure, 1, 1.0, WIDEST_LIMB) if figure.sideways else head
    if top.sleeves:
        for index in order:
            cloth = top.cloth.darker() if figure.sideways else top.cloth
            paint(cell, _arm(figure, index, top.sleeves, width) & ~behind, cloth, texture)
    paint(cell, body & ~head, top.cloth, texture)
    _decorate(cell, figure, top, body & ~head)
    if figure.sideways:
        paint(cell, _arm(figure, 1, top.sleeves or 0.12, width) & ~head, top.cloth, texture)
    return cell


def draw_shoes(figure: Figure, leather: Tones) -> Cell:
    """Shoes."""
    cell = empty()
    for index in (0, 1):
        dark = figure.sideways and index == 0
        paint(cell, _foot(figure, index, 3.1), leather.darker() if dark else leather)
    return cell


def trunk(figure: Figure, hem: float) -> Mask:
    """From the neck to `hem` pixels below the hip."""
    low = HIP + hem
    if figure.sideways:
        lean = figure.lean
        places: list[Place] = [
            (MIDDLE + lean - 4.5, SHOULDER - 2),
            (MIDDLE + lean + 5.5, SHOULDER - 2),
            (MIDDLE + 5, low),
            (MIDDLE - 5, low),
        ]
        return polygon(places) | ellipse((MIDDLE + lean, SHOULDER + 2.5), 6, 5)
    top, half = SHOULDER - 2.5, SHOULDERS + 0.5
    lean = figure.lean
    return polygon(
        [
            (MIDDLE + lean - half + 3, top),
            (MIDDLE + lean + half - 3, top),
            (MIDDLE + lean + half, top + 3),
            (MIDDLE + HIPS + 3, low),
            (MIDDLE - HIPS - 3, low),
            (MIDDLE + lean - half, top + 3),
        ]
    )


def _draw_head(cell: Cell, figure: Figure, body: Body) -> None:
    x, y = figure.head
    ears = nothing()
    for side in (1,) if figure.sideways else (-1, 1):
        place = x + (2.5 if figure.sideways else side * body.head)
        ears |= ellipse((place, y + 2.5), 2, 2.5)
        ears |= stroke([(place, y + 2), (place + side * body.ears, y - body.ears)], 2.2)
    skull = ellipse((x, y - 0.5), body.head, 10) | ellipse((x, y + 4), body.head - 2.5, 6)
    if not figure.sideways:
        paint(cell, ears, body.skin)
    paint(cell, skull, body.skin)
    if figure.sideways:
        paint(cell, ears, body.skin)
    if figure.view == "back":
        return
    for side in (-1,) if figure.sideways else (-1, 1):
        place = round(x - 5.5) if figure.sideways else round(x + side * 4 - 0.5)
        row = round(y) + 2
        cell[row : row + 3, place, :3] = body.eyes.base
        cell[row : row + 3, place + (1 if side < 0 else -1), :3] = (238, 238, 244)
        cell[row - 1, place - 1 : place + 2, :3] = body.skin.line


def _decorate(cell: Cell, figure: Figure, top: Top, body: Mask) -> None:
    trim = top.trim or top.cloth
    x = MIDDLE + figure.lean - (3 if figure.sideways else 0)
    if top.pattern == "buttons" and figure.view != "back":
        paint(cell, body & stroke([(x, SHOULDER), (x, HIP + top.hem)], 3.2), trim)
    if top.pattern == "plates":
        for row in (SHOULDER - 1, SHOULDER + 5):
            paint(cell, body & _band(figure, row, row + 4, 1.0), trim)
    if top.pattern == "sash":
        paint(cell, body & stroke([(x - 8, HIP + 1), (x + 8, SHOULDER - 2)], 3.4), trim)


def _arm(figure: Figure, index: int, share: float, width: float) -> Mask:
    return stroke(part_of(figure.arms[index], share), width)


def _arms_in_front(figure: Figure) -> Mask:
    """What arms hide of the clothes on the legs."""
    arms = (1,) if figure.sideways else (0, 1)
    masks = [_arm(figure, i, 1.0, WIDEST_LIMB) for i in arms]
    hands = [ellipse(figure.arms[i][2], 3.2, 3.2) for i in arms]
    return np.logical_or.reduce([*masks, *hands])


def _foot(figure: Figure, index: int, size: float) -> Mask:
    x, y = figure.legs[index][2]
    if figure.sideways:
        return ellipse((x - 1.4, y + 0.6), size + 1.2, size * 0.8)
    outwards = -0.8 if index == 0 else 0.8
    return ellipse((x + outwards, y + 0.8), size, size * 0.95)


def _band(figure: Figure, top: float, low: float, wider: float) -> Mask:
    """Rows from `top` to `low` of the trunk, a little wider than it."""
    rows = np.arange(CELL)[:, None]
    body = trunk(figure, 4.0)
    if wider >= 0.5:
        body = body | shifted(body, 1, 0) | shifted(body, -1, 0)
    return body & (rows >= top) & (rows <= low)


def _rows(every: int) -> np.ndarray | None:
    """A texture (64, 64) of light and dark rows, two pixels each."""
    if not every:
        return None
    dark = np.arange(CELL)[:, None] % (2 * every) < every
    return np.where(dark, -1, 1).astype(np.int8) * np.ones((1, CELL), np.int8)
