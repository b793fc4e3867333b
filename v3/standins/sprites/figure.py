"""The stand-in's skeleton: where head, shoulders, hands and feet are in every cell of a sheet.

Places are pixels (x, y) of a 64 x 64 cell, y downwards. The right view is the left one mirrored,
so only front, back and left are posed. Angles are degrees from straight down: outwards where the
figure is seen from the front or the back, forwards (to the left) where it is seen from its side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Place = tuple[float, float]
Limb = tuple[Place, Place, Place]  # shoulder, elbow, hand; or hip, knee, foot
Angles = tuple[float, float]  # of the upper and the lower part of a limb

MIDDLE = 31.5  # the column that a figure is symmetrical about
SHOULDER, HIP = 37.5, 48.0  # rows
SHOULDERS, HIPS = 8.2, 4.2  # columns from the middle, seen from the front
SIDE_SHOULDERS, SIDE_HIPS = (
    (-2.6, 3.4),
    (-1.4, 1.6),
)  # from the side, turned a little towards us: far, near
ARM, LEG = 7.4, 6.2  # pixels of each half
HEAD = 25.2  # row of the head's centre

FRAMES = {"spellcard": 7, "walk": 9, "slash": 6}  # cells of a row
FIRST_ROW = {"spellcard": 0, "walk": 8, "slash": 12}  # back; then left, front, right
VIEWS = ("back", "left", "front")  # rows of a movement; the fourth is the left one mirrored

RAISE = (0.0, 0.3, 0.6, 0.9, 1.0, 0.6, 0.2)  # how far up a spell's arms are, by frame
FRONT_SWING = (135.0, 125.0, 100.0, 75.0, 55.0, 30.0)  # of the slashing arm, by frame
SIDE_SWING = (-70.0, -30.0, 20.0, 65.0, 98.0, 80.0)


@dataclass(frozen=True)
class Figure:
    """A figure in one cell. Of its limbs the first is at the left, or the far one from the side."""

    view: str
    head: Place
    lean: float  # columns that the shoulders are off the middle
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]

    @property
    def sideways(self) -> bool:
        """Whether the figure shows its left side."""
        return self.view == "left"


@dataclass(frozen=True)
class _Pose:
    arms: tuple[Angles, Angles]
    legs: tuple[Angles, Angles]
    lift: tuple[float, float] = (0.0, 0.0)  # pixels by which the feet are off the ground
    lean: float = 0.0
    bob: float = 0.0  # pixels by which head and shoulders are lower


def figure(movement: str, view: str, frame: int) -> Figure:
    """The figure of one cell: `movement` of `FRAMES`, `view` of `VIEWS`, `frame` from 0."""
    side = view == "left"
    pose = {"walk": _walk, "spellcard": _spellcard, "slash": _slash}[movement](side, frame)
    if view == "back":  # seen from behind, the arm of the other side moves
        pose = _Pose(pose.arms[::-1], pose.legs[::-1], pose.lift[::-1], -pose.lean, pose.bob)
    outwards = (1, 1) if side else (1, -1)  # sign of an angle that takes a limb to the left
    shoulder = SIDE_SHOULDERS if side else (-SHOULDERS, SHOULDERS)
    hip = SIDE_HIPS if side else (-HIPS, HIPS)
    arms = tuple(
        _limb((MIDDLE + pose.lean + shoulder[i], SHOULDER + pose.bob), ARM, pose.arms[i], turn)
        for i, turn in enumerate(outwards)
    )
    legs = tuple(
        _limb((MIDDLE + hip[i], HIP), LEG - pose.lift[i] / 2, pose.legs[i], turn)
        for i, turn in enumerate(outwards)
    )
    head = (MIDDLE + pose.lean * 1.3 - (0.2 if side else 0.0), HEAD + pose.bob)
    return Figure(view, head, pose.lean, (arms[0], arms[1]), (legs[0], legs[1]))


def _walk(side: bool, frame: int) -> _Pose:
    swing = math.sin(2 * math.pi * (frame - 1) / 8) if frame else 0.0  # the first cell stands
    bob = 0.7 * abs(swing)
    if not side:
        return _Pose(
            arms=((17 + 4 * swing, -6 - 8 * swing), (17 - 4 * swing, -6 + 8 * swing)),
            legs=((5, 2), (5, 2)),
            lift=(max(0.0, 3.4 * swing), max(0.0, -3.4 * swing)),
            bob=bob,
        )
    near, far = 34 * swing, -34 * swing
    return _Pose(
        arms=((-0.8 * far, 10 - 0.7 * far), (-0.8 * near, 10 - 0.7 * near)),
        legs=((far, min(far, 0) * 1.5), (near, min(near, 0) * 1.5)),
        bob=bob,
    )


def _spellcard(side: bool, frame: int) -> _Pose:
    up = RAISE[frame]
    if not side:
        arm = (17 + 70 * up, -4 + 135 * up)
        return _Pose(arms=(arm, arm), legs=((8 + 4 * up, 4),) * 2, bob=0.5 * up)
    return _Pose(
        arms=((12 + 58 * up, 15 + 110 * up), (-8 - 70 * up, -4 - 128 * up)),
        legs=((-12 * up, -16 * up), (14 * up, 6 * up)),
        bob=0.5 * up,
    )


def _slash(side: bool, frame: int) -> _Pose:
    if not side:
        swing = FRONT_SWING[frame]
        return _Pose(
            arms=((20, -2), (swing, swing + 12)), legs=((19, 14), (11, 2)), lean=2.2, bob=0.6
        )
    swing = SIDE_SWING[frame]
    return _Pose(
        arms=((swing, swing + 10), (-26, -12)), legs=((30, 12), (-24, -28)), lean=-3.0, bob=0.8
    )


def _limb(start: Place, length: float, angles: Angles, turn: int) -> Limb:
    """Two parts of `length` from `start`; a positive angle with `turn` 1 goes to the left."""
    places = [start]
    for angle in angles:
        x, y = places[-1]
        slope = math.radians(angle)
        places.append((x - turn * length * math.sin(slope), y + length * math.cos(slope)))
    return places[0], places[1], places[2]
