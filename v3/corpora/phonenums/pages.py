"""PhoneNums: lines of ten handwritten-like digits, each line in one colour.

A *page* is one line of the digits 0-9, every digit once, shuffled: 48 x 320 RGB pixels. Content
is the digit, style the colour. Recipe: Wu et al., ICLR 2025 (arXiv 2407.03824) and its published
code; noise is added, clipped and rounded in floating point before the cast to uint8 (casting
signed noise first wraps around and speckles the page with white).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.corpora.phonenums.params import PagesParams
from v3.fragments.format import FragmentInfo, damaged, open_for_reading
from v3.fragments.writer import FragmentWriter

FONT = Path(__file__).parents[1] / "assets" / "Humor-Sans.ttf"
FONT_PIXELS = 48
MARGIN = 16  # pixels around a glyph: it can be moved by less than that
HEIGHT, WIDTH, DIGITS = 48, 32, 10  # of a digit's cell in pixels; cells on a page
BACKGROUND = 245.0
KERNELS = (5, 9, 13)  # pixels, of the vertical blur
CHUNK = 50  # pages that a process draws at a time
PAGES_SCHEMA = "v3-phonenums-pages/1"
SOURCE = "synthesised pages (font Humor Sans)"


@dataclass(frozen=True)
class _Page:
    """What a page is drawn from; its random stream is of the seed, `unseen` and `index` alone."""

    unseen: bool
    index: int  # among the pages in the training colours, or among those in the unseen ones
    colour: str


Job = tuple[PagesParams, list[_Page]]  # pages that are drawn together


def ink(colour: str) -> np.ndarray:
    """Levels (3,) of a CSS colour: its components in [0, 1] times 240 plus 8."""
    return np.asarray(ImageColor.getrgb(colour)[:3]) / 255 * 240.0 + 8.0


def synthesise(path: str | Path, params: PagesParams, workers: int) -> None:
    """Write `params.pages` pages in the colours and `unseen_pages` in the unseen ones.

    The HDF5 file holds `pages` (P, 48, 320, 3) uint8, `digits` (P, 10) int32 and `colour` (P,)
    int32, rows of the attribute `colour_names`. Colours take turns, so each has its even share.
    A page is the same for any number of pages and of `workers`.
    """
    names = (*params.colours, *params.unseen_colours)
    pages = [
        _Page(unseen, index, colours[index % len(colours)])
        for unseen, count, colours in (
            (False, params.pages, params.colours),
            (True, params.unseen_pages, params.unseen_colours),
        )
        for index in range(count)
    ]
    jobs = [(params, pages[start : start + CHUNK]) for start in range(0, len(pages), CHUNK)]
    with atomic_file(path) as beside, h5py.File(beside, "w", libver="latest") as file:
        levels = file.create_dataset(
            "pages",
            (len(pages), HEIGHT, WIDTH * DIGITS, 3),
            np.uint8,
            chunks=(1, 48, 320, 3),
            fletcher32=True,  # a checksum: of a changed byte HDF5 says nothing otherwise
        )
        digits = np.empty((len(pages), DIGITS), np.int32)
        start = 0
        with Progress[None](total=len(pages), unit="page") as progress:
            for _, (drawn, order) in in_order(_draw_all, jobs, workers):
                levels[start : start + len(drawn)] = drawn
                digits[start : start + len(drawn)] = order
                start += len(drawn)
                progress.update(len(drawn))
        colours = np.array([names.index(page.colour) for page in pages], np.int32)
        for key, labels in (("digits", digits), ("colour", colours)):
            file.create_dataset(key, data=labels, fletcher32=True)
        file.attrs["colour_names"] = list(names)
        file.attrs["schema"] = PAGES_SCHEMA
        file.attrs["source"] = SOURCE


def write_fragments(pages_path: str | Path, path: str | Path) -> None:
    """Cut a page file into a fragment file: a page is a sample, a digit a fragment.

    `V3Error` names a page file that is missing, damaged or something else.
    """
    with open_for_reading(Path(pages_path)) as file:
        try:
            _cut(file, path)
        except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of the disk, not of what HDF5 read
            raise damaged(Path(pages_path), error) from None


def _cut(file: h5py.File, path: str | Path) -> None:
    if file.attrs.get("schema") != PAGES_SCHEMA:
        raise V3Error(f"{file.filename} is no page file: delete it and run `dvc repro`.")
    digits, colour = file["digits"][:], file["colour"][:]
    info = FragmentInfo(
        dataset="phonenums",
        source=str(file.attrs["source"]),
        content_names=tuple(str(digit) for digit in range(DIGITS)),
        style_names=tuple(str(name) for name in file.attrs["colour_names"]),
        offset=0.0,
        scale=1 / 255,
    )
    with FragmentWriter(path, info, (3, HEIGHT, WIDTH), np.uint8) as writer:
        for start in range(0, len(colour), 500):
            pages = file["pages"][start : start + 500]
            cells = pages.reshape(len(pages), HEIGHT, DIGITS, WIDTH, 3)
            writer.append_many(
                np.ascontiguousarray(cells.transpose(0, 2, 4, 1, 3)),
                digits[start : start + 500],
                colour[start : start + 500],
                [f"page-{start + i:06d}" for i in range(len(pages))],
            )


def _draw_all(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Pages (P, 48, 320, 3) uint8 and their digits (P, 10)."""
    params, pages = job
    drawn = [_draw(params, page) for page in pages]
    return np.stack([levels for levels, _ in drawn]), np.stack([digits for _, digits in drawn])


def _draw(params: PagesParams, page: _Page) -> tuple[np.ndarray, np.ndarray]:
    """A page (48, 320, 3) uint8 and its digits (10,)."""
    rng = np.random.default_rng((params.seed, page.unseen, page.index))
    digits = rng.permutation(DIGITS)
    shifts = rng.uniform(-params.translation, params.translation, (DIGITS, 2))
    weights = _blur_weights(rng.integers(len(KERNELS), size=DIGITS))

    def jitter() -> np.ndarray:
        of_page = rng.uniform(-params.jitter, params.jitter, 3)
        return of_page + rng.uniform(-params.jitter, params.jitter, (DIGITS, 3))

    ground = (BACKGROUND + jitter())[:, None, None]  # (10, 1, 1, 3), like the ink
    inks = (ink(page.colour) + jitter())[:, None, None]
    masks = [_glyph(d, s, w) for d, s, w in zip(digits, shifts, weights, strict=True)]
    colour = ground + np.stack(masks)[..., None] * (inks - ground)  # (10, 48, 32, 3)
    level = colour.astype(np.float32).transpose(1, 0, 2, 3).reshape(HEIGHT, -1, 3)
    deviation = np.float32(rng.uniform(0, params.noise))
    level += rng.standard_normal(level.shape, np.float32) * deviation
    return np.rint(np.clip(level, 0, 255)).astype(np.uint8), digits.astype(np.int32)


def _blur_weights(strips: np.ndarray) -> np.ndarray:
    """Share of each kernel in each pixel column: rows of kernels (10,) -> (10, K, 32).

    A strip is as wide as a digit; between the centres of two strips the blur is mixed linearly.
    """
    chosen = np.eye(len(KERNELS))[strips]  # (10, K)
    columns = (np.arange(WIDTH * DIGITS) + 0.5) / WIDTH - 0.5
    left = np.clip(np.floor(columns), 0, DIGITS - 1).astype(int)
    right = np.minimum(left + 1, DIGITS - 1)
    share = np.clip(columns - left, 0, 1)[:, None]
    mixed = chosen[left] * (1 - share) + chosen[right] * share  # (320, K)
    return mixed.reshape(DIGITS, WIDTH, -1).transpose(0, 2, 1).astype(np.float32)


def _glyph(digit: int, shift: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coverage (48, 32) of one digit, moved by `shift` (y, x) pixels, blurred by `weights`."""
    bank = _glyph_bank()[digit]  # (K, 48 + 2 margin, 32 + 2 margin)
    top, left = MARGIN - shift[0], MARGIN - shift[1]
    y, x = int(np.floor(top)), int(np.floor(left))
    fy, fx = np.float32(top - y), np.float32(left - x)
    window = bank[:, y : y + HEIGHT + 1, x : x + WIDTH + 1]
    rows = window[:, :-1] * (1 - fy) + window[:, 1:] * fy
    moved = rows[:, :, :-1] * (1 - fx) + rows[:, :, 1:] * fx
    return (moved * weights[:, None]).sum(0)


@lru_cache(maxsize=1)
def _glyph_bank() -> np.ndarray:
    """Coverage in [0, 1] of each digit under each blur, with a margin: (10, K, 80, 64)."""
    # BASIC: the other way, which Pillow takes where it finds the system's FriBidi, draws otherwise.
    font = ImageFont.truetype(str(FONT), FONT_PIXELS, layout_engine=ImageFont.Layout.BASIC)
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    glyphs = np.empty((DIGITS, len(KERNELS), height, width), np.float32)
    for digit in range(DIGITS):
        canvas = Image.new("L", (width, height))
        ImageDraw.Draw(canvas).text((width / 2, height / 2), str(digit), 255, font, anchor="mm")
        coverage = np.asarray(canvas, np.float32) / 255
        for k, size in enumerate(KERNELS):
            glyphs[digit, k] = _blur_vertically(coverage, size)
    return glyphs


def _blur_vertically(image: np.ndarray, size: int) -> np.ndarray:
    """Gaussian of `size` taps along the columns; its deviation is OpenCV's for that size."""
    deviation = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    taps = np.exp(-0.5 * ((np.arange(size) - size // 2) / deviation) ** 2)
    taps /= taps.sum()
    padded = np.pad(image, ((size // 2, size // 2), (0, 0)))
    return sum(tap * padded[i : i + len(image)] for i, tap in enumerate(taps))
