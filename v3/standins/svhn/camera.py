"""The camera of the stand-in for SVHN: tilt, light, blur, resolution, noise and compression.

Their strengths were set by eye, with drawn crops beside real ones.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.float32]
Corners = list[NDArray[np.float64]]  # (4, 2) x, y around each digit


def tilt(rng: Generator, picture: Array, corners: Corners) -> tuple[Array, Corners]:
    """Turn, shear and foreshorten the scene; returns it with the corners where they went."""
    tall, width = picture.shape[:2]
    centre = np.array([[1, 0, width / 2], [0, 1, tall / 2], [0, 0, 1]])
    turn = rng.normal(0, 0.05)
    c, s = np.cos(turn), np.sin(turn)
    slant = np.array([[1, rng.normal(0, 0.05), 0], [rng.normal(0, 0.05), 1, 0], [0, 0, 1]])
    look = np.array([[1, 0, 0], [0, 1, 0], [*(rng.normal(0, 0.12, 2) / width), 1]])
    there = (
        centre @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ slant @ look @ np.linalg.inv(centre)
    )
    back = np.linalg.inv(there)
    back /= back[2, 2]
    pad = max(4, int(0.35 * max(tall, width)))  # the wall goes on beyond the scene
    wide = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)), mode="symmetric")
    shifted = np.array([[1, 0, pad], [0, 1, pad], [0, 0, 1]]) @ back
    shifted /= shifted[2, 2]
    image = Image.fromarray(np.uint8(np.clip(wide, 0, 255)))
    seen = image.transform(
        (width, tall),
        Image.Transform.PERSPECTIVE,
        shifted.ravel()[:8].tolist(),
        Image.Resampling.BICUBIC,
    )
    moved = []
    for corner in corners:
        point = np.c_[corner, np.ones(4)] @ there.T
        moved.append(point[:, :2] / point[:, 2:])
    return np.asarray(seen, np.float32), moved


def light(rng: Generator, picture: Array) -> Array:
    """A fall of light across the image, sometimes the edge of a shadow, and a cast of colour."""
    tall, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    level = 1 + rng.uniform(0, 0.2) * along
    if rng.random() < 0.2:
        edge = (along - rng.uniform(-0.7, 0.7)) / rng.uniform(0.03, 0.3)
        level *= 1 - rng.uniform(0.2, 0.55) / (1 + np.exp(-np.clip(edge, -30, 30)))
    cast = 1 + rng.normal(0, 0.05) * np.array([1, 0, -1]) + rng.normal(0, 0.02, 3)
    exposure = np.exp(rng.normal(-0.06, 0.13))
    return np.asarray(picture * level[..., None] * cast * exposure, np.float32)


def photograph_of(
    rng: Generator, picture: Array, drawn: float, height: float
) -> tuple[Image.Image, float]:
    """Blur, haze, resolution, noise and compression; returns the image and its scale."""
    if rng.random() < 0.3:
        picture = picture + rng.uniform(0, 0.4) * (rng.uniform(60, 200) - picture)  # haze
    blurred = Image.fromarray(np.uint8(np.clip(picture, 0, 255)))
    blur = drawn * float(np.clip(np.exp(rng.normal(np.log(0.033), 0.55)), 0.008, 0.1))
    both = np.full(2, blur)
    if rng.random() < 0.15:
        both[rng.integers(2)] += drawn * rng.uniform(0.02, 0.08)  # the car moved
    blurred = blurred.filter(ImageFilter.GaussianBlur(tuple(map(float, both))))
    scale = height / drawn
    size = (max(8, round(blurred.width * scale)), max(8, round(blurred.height * scale)))
    small = np.asarray(
        blurred.resize(size, Image.Resampling.BICUBIC, reducing_gap=None), np.float32
    )
    grain = rng.standard_normal(small.shape, np.float32) * rng.uniform(0.3, 1)
    grain += rng.standard_normal(small.shape[:2], np.float32)[..., None]
    noisy = np.clip(small + grain * rng.uniform(0.3, 4), 0, 255)
    encoded = io.BytesIO()
    Image.fromarray(np.uint8(np.rint(noisy))).save(
        encoded, "JPEG", quality=int(rng.integers(30, 92))
    )
    return Image.open(encoded).convert("RGB"), scale


def boxes_around(
    rng: Generator, corners: Corners, scale: float, size: tuple[int, int]
) -> NDArray[np.int64]:
    """Boxes (n, 4) as people draw them: not quite the digit's, in whole pixels, a few outside."""
    boxes = []
    for corner in corners:
        (left, top), (right, bottom) = corner.min(0) * scale, corner.max(0) * scale
        tall = bottom - top
        slack = tall * rng.normal(0.03, 0.05, 4)
        left, top = max(left - slack[0], -3), max(top - slack[1], -3)
        right, bottom = min(right + slack[2], size[0] + 3), min(bottom + slack[3], size[1] + 3)
        start = np.rint([left, top])
        extent = np.maximum(np.rint([right, bottom]) - start, (3, 6))
        boxes.append([*start, *extent])
    return np.array(boxes, np.int64)
