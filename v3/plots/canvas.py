"""What all pictures share: the sheet, its title and source, colours, and the way to the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray
from PIL import Image

from v3.base.files import atomic_file
from v3.plots.names import folded

# Pictures are in git, and every full run adds them to its history. A quarter fewer dots than at
# 110 an inch takes a sixth off a file and leaves text crisp; a palette takes half of what full
# colour does, and with half as many colours again a sixth less.
DPI = 96
PALETTE = 128
TITLE, SOURCE = 8.5, 15.0  # characters of the title, of the source, an inch has room for
TITLE_LINES, SOURCE_LINES = 3, 4  # of the sheet at most
TITLE_LINE, SOURCE_LINE = 0.2, 0.13  # inches of each
GREY = "#666666"
FEW, SOME = 10, 20  # colours that can be told apart: ten, then pairs of light and dark
Array = NDArray[Any]
P = ParamSpec("P")


def picture(draw: Callable[P, None]) -> Callable[P, None]:
    """Make `draw` the same on every machine: no matplotlibrc of the user's has a say in it.

    Text is drawn as it is: names are data, in which a dollar sign begins no mathematics.
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        with matplotlib.style.context(["default", {"text.parse_math": False}]):
            draw(*args, **kwargs)

    return drawn


def sheet(
    width: float, height: float, title: str, source: str, rows: int = 1, columns: int = 1
) -> tuple[Figure, Array]:
    """A figure of inches with title above and source below, and its axes (rows, columns).

    Title and source go on in another line, which makes the figure higher, where they are wider
    than the figure.
    """
    heading = folded(title, int(TITLE * width), TITLE_LINES)
    about = folded(f"source: {source}", int(SOURCE * width), SOURCE_LINES)
    height += TITLE_LINE * heading.count("\n") + SOURCE_LINE * about.count("\n")
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    figure.suptitle(heading, fontsize=12, fontweight="bold")
    figure.supxlabel(about, fontsize=8, color=GREY)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, axes


def save(figure: Figure, path: str | Path) -> None:
    """Write a small PNG, whole or not at all; the same figure gives the same bytes."""
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI, format="png")
    save_pixels(Image.open(drawn).convert("RGB"), path)


def save_pixels(full: Image.Image, path: str | Path) -> None:
    """Write a picture in full colour as a small PNG, whole or not at all."""
    with atomic_file(path) as beside:
        few_colours(full).save(beside, format="PNG", optimize=True)


def few_colours(full: Image.Image) -> Image.Image:
    """A picture in a palette of its own, in which rare colours keep their hue and white is white.

    Coverage of the colours that there are, then their means: the median cut would give its
    palette to what is frequent. Without dithering: specks blur a picture and fill its file.
    """
    reduced = full.quantize(PALETTE, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    palette = np.array(reduced.getpalette()).reshape(-1, 3)
    paper = int(np.abs(palette - 255).sum(1).argmin())
    if np.abs(palette[paper] - 255).max() <= 3:  # the mean of paper and of what is nearly paper
        palette[paper] = 255
        reduced.putpalette(palette.ravel().tolist())
    return reduced


def tidy(axes: Axes, title: str = "", x: str = "", y: str = "", grid: bool = True) -> None:
    """Labels, a light grid, and no frame on the sides that carry no axis."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color="#e4e4e4", linewidth=0.8)


def legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], **how: Any) -> None:
    """A legend with the names as they are: matplotlib's own leaves out those with a leading "_"."""
    made = axes.legend(handles, [str(row) for row in range(len(handles))], **how)
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_text(name)


def logarithmic(axes: Axes) -> None:
    """A logarithmic y axis without mathematics in its numbers."""
    axes.set_yscale("log", nonpositive="mask")
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(plain if high < 10 * low else NullFormatter())


def colours(count: int) -> Array:
    """`count` colours (count, 4), as different as so many can be."""
    maps = matplotlib.colormaps
    if count <= SOME:
        return np.asarray(maps["tab10" if count <= FEW else "tab20"](np.arange(count)))
    return np.asarray(maps["turbo"](np.linspace(0.02, 0.98, count)))
