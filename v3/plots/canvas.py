"""What all pictures share: the sheet, its title and source, colours, and the way to the file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from v3.base.files import atomic_file

DPI = 110
# Pictures are in git, and full colour is two to three times the size.
PALETTE = 256  # colours of a picture that has few: charts, spectrograms
FEW_COLOURS = 512
SHADES = 32  # of each of red, green and blue where there are more: rare colours keep their hue
LONGEST = 16  # characters of a name at a border or in a legend
TITLE, SOURCE = 8.5, 15.0  # characters of the title, of the source, an inch has room for
GREY = "#666666"
FEW, SOME = 10, 20  # colours that can be told apart: ten, then pairs of light and dark
Array = NDArray[Any]


def sheet(
    width: float, height: float, title: str, source: str, rows: int = 1, columns: int = 1
) -> tuple[Figure, Array]:
    """A figure of inches with title above and source below, and its axes (rows, columns).

    Title and source go on in another line where they are wider than the figure.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    figure.suptitle("\n".join(wrap(title, int(TITLE * width))), fontsize=12, fontweight="bold")
    about = wrap(f"source: {source}", int(SOURCE * width))
    figure.supxlabel("\n".join(about), fontsize=8, color=GREY)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, axes


def save(figure: Figure, path: str | Path) -> None:
    """Write a small PNG, whole or not at all; the same figure gives the same bytes."""
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png")
    picture = Image.open(drawn).convert("RGB")
    # Without dithering: specks would blur the picture and fill the file.
    if picture.getcolors(FEW_COLOURS) is None:
        step = 255 / (SHADES - 1)  # black and white stay
        picture = picture.point([round(round(value / step) * step) for value in range(256)] * 3)
    else:
        method, dither = Image.Quantize.MEDIANCUT, Image.Dither.NONE
        picture = picture.quantize(PALETTE, method, kmeans=1, dither=dither)
    with atomic_file(path) as beside:
        picture.save(beside, format="PNG", optimize=True)


def short(name: str) -> str:
    """A name that fits at a border: of a long one its beginning and its end."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST // 2 - 1]}\u2026{name[-LONGEST // 2 :]}"


def in_lines(name: str) -> str:
    """A name in two lines at most, at a border with room for them; a longer one is cut short."""
    lines = wrap(name, LONGEST + 2)
    return "\n".join(lines) if len(lines) <= 2 else short(name)


def tidy(axes: Axes, title: str = "", x: str = "", y: str = "", grid: bool = True) -> None:
    """Labels, a light grid, and no frame on the sides that carry no axis."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color="#e4e4e4", linewidth=0.8)


def colours(count: int) -> Array:
    """`count` colours (count, 4), as different as so many can be."""
    maps = matplotlib.colormaps
    if count <= SOME:
        return np.asarray(maps["tab10" if count <= FEW else "tab20"](np.arange(count)))
    return np.asarray(maps["turbo"](np.linspace(0.02, 0.98, count)))
