"""Sheets of many pictures, each under its name.

Drawn with Pillow, for there is one for each code: what lays out a figure would take longer than all
else that is done for a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from v3.plots.canvas import (
    DPI,
    GREY,
    SOURCE,
    SOURCE_LINES,
    TITLE,
    TITLE_LINES,
    Array,
    save_pixels,
)
from v3.plots.grids import TALLEST, as_image, limits
from v3.plots.names import folded, font_file

NARROWEST, WIDEST = 96, 384  # pixels of a picture across, which is enlarged or shrunk to that
GAP = 10  # pixels between pictures
MARGIN = 12  # pixels around the whole
NAME_LINES = 2  # of a picture's name, at most
SPACING = 1.25  # height of a line by the size of its letters
POINT = DPI / 72  # pixels


@cache
def _font(points: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    # the basic layout is in every Pillow; the other needs a library that a machine may lack
    return ImageFont.truetype(font_file(bold), points * POINT, layout_engine=ImageFont.Layout.BASIC)


def contact_sheet(
    path: str | Path,
    images: Array,
    names: Sequence[str],
    title: str,
    source: str,
    columns: int = 4,
) -> None:
    """Images (N, C, H, W), or pages, each under its name, in so many columns."""
    low, high = limits(images)
    drawn = [_scaled(Image.fromarray(as_image(image, low, high))) for image in images]
    columns = min(columns, len(drawn))
    rows = -(-len(drawn) // columns)
    wide, tall = drawn[0].size
    texts = [folded(name, _letters(SOURCE, wide - 8), NAME_LINES) for name in names]
    name_room = _height(max((text.count("\n") for text in texts), default=0) + 1, 8)
    width = columns * (wide + GAP) - GAP + 2 * MARGIN
    heading = folded(title, _letters(TITLE, width - 2 * MARGIN), TITLE_LINES)
    about = folded(f"source: {source}", _letters(SOURCE, width - 2 * MARGIN), SOURCE_LINES)
    top = MARGIN + _height(heading.count("\n") + 1, 12) + GAP
    bottom = top + rows * (name_room + tall + GAP)
    height = bottom + _height(about.count("\n") + 1, 8) + MARGIN

    paper = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(paper)
    _centred(pen, width / 2, MARGIN, heading, 12, "black", bold=True)
    for place, (picture, text) in enumerate(zip(drawn, texts, strict=True)):
        left = MARGIN + place % columns * (wide + GAP)
        above = top + place // columns * (name_room + tall + GAP)
        # a name of one line stands right above its picture
        room = name_room - _height(text.count("\n") + 1, 8)
        _centred(pen, left + wide / 2, above + room, text, 8, "black")
        paper.paste(picture, (left, above + name_room))
    _centred(pen, width / 2, bottom, about, 8, GREY)
    save_pixels(paper, path)


def _scaled(picture: Image.Image) -> Image.Image:
    """Every pixel a rectangle of whole pixels, or of a very wide picture fewer pixels."""
    width, height = picture.size
    across = 1 + (height > TALLEST * width)  # pixels of a tall spectrogram are wide
    zoom = max(1, -(-NARROWEST // (width * across)))
    size = (width * across * zoom, height * zoom)
    if size[0] > WIDEST:
        size = (WIDEST, max(1, round(height * WIDEST / size[0])))
        return picture.resize(size, Image.Resampling.BOX)
    return picture.resize(size, Image.Resampling.NEAREST)


def _letters(an_inch: float, pixels: float) -> int:
    """How many letters have room, of which an inch holds so many."""
    return int(an_inch * pixels / DPI)


def _height(lines: int, points: float) -> int:
    """Pixels of so many lines."""
    return round(lines * points * POINT * SPACING) + 2


def _centred(
    pen: ImageDraw.ImageDraw,
    middle: float,
    top: float,
    text: str,
    points: float,
    colour: str,
    bold: bool = False,
) -> None:
    """Lines below each other."""
    for line in text.split("\n"):
        pen.text((round(middle), round(top)), line, colour, _font(points, bold), anchor="ma")
        top += points * POINT * SPACING
