"""Pictures made of fragments: rows and columns of images with names at the border."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from v3.plots.canvas import GREY, Array, save, sheet, short

GAP, WIDE_GAP = 0.08, 0.35  # between cells, and between real ones and decoded, in cell widths
CELL = 0.62  # inches wide
TALLEST_SHEET = 21.0  # inches: cells of more rows are smaller
LEVELS = 64  # shades of a spectrogram: more of them cannot be seen, and fill the file
TALLEST = 2.2  # height of a cell by its width: a spectrogram of 512 x 32 is squeezed to that
PAPER = 255
Image = NDArray[np.uint8]


def as_image(fragment: Array, low: float, high: float) -> Image:
    """Fragment (C, H, W) in file units -> picture (H, W, 3); `low` is darkest, `high` brightest.

    Three channels are colours. One channel is a spectrogram: magma, lowest bin at the bottom;
    neighbouring bins are averaged where it is more than four times as high as wide.
    """
    if len(fragment) != 3:
        fragment = _averaged(np.asarray(fragment, np.float64))
    shares = np.clip((np.asarray(fragment, np.float64) - low) / max(high - low, 1e-12), 0, 1)
    if len(shares) == 3:
        return np.rint(shares.transpose(1, 2, 0) * 255).astype(np.uint8)
    shades = np.rint(shares.mean(0)[::-1] * (LEVELS - 1)) / (LEVELS - 1)
    painted = matplotlib.colormaps["magma"](shades, bytes=True)
    return np.asarray(painted[..., :3], np.uint8)


def _averaged(fragment: Array) -> Array:
    """(C, H, W) -> (C, H', W): means of neighbouring rows, so many that H' is some 4 W."""
    c, height, width = fragment.shape
    size = max(1, height // (4 * width))
    return fragment[:, : height // size * size].reshape(c, -1, size, width).mean(2)


def limits(fragments: Array) -> tuple[float, float]:
    """Darkest and brightest value for pictures of fragments: 0 and 255, or outliers apart."""
    if fragments.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(np.asarray(fragments, np.float32), [1, 99.9])
    return float(low), float(high)


def swap_grid(
    path: str | Path,
    contents: Array,
    styles: Array,
    swapped: Array,
    names: tuple[Sequence[str], Sequence[str]],
    title: str,
    source: str,
) -> None:
    """Real contents (R, C, H, W) at the left, real styles (Q, C, H, W) on top, and between them
    `swapped` (R, Q, C, H, W): row r's content with column q's style. names: of rows, of columns.
    """
    low, high = limits(contents)
    cells: list[list[Image | None]] = [[None, *(as_image(f, low, high) for f in styles)]]
    for content, row in zip(contents, swapped, strict=True):
        cells.append([as_image(f, low, high) for f in (content, *row)])
    axes = ("content from the fragment at the left", "style from the fragment on top")
    image_grid(path, cells, ["", *names[0]], ["", *names[1]], title, source, (1, 1), axes)


def code_grid(
    path: str | Path,
    decoded: Array,
    styles: Array,
    names: tuple[Sequence[str], Sequence[str]],
    title: str,
    source: str,
) -> None:
    """Every code decoded with several styles (K, Q, C, H, W) below the real fragments that the
    styles are from (Q, C, H, W). names: of codes, of styles."""
    low, high = limits(styles)
    cells: list[list[Image | None]] = [[as_image(f, low, high) for f in styles]]
    cells += [[as_image(f, low, high) for f in row] for row in decoded]
    axes = ("code (label it stands for)", "style from the real fragment on top")
    image_grid(path, cells, ["", *names[0]], names[1], title, source, (1, 0), axes)


def reconstructions(
    path: str | Path, originals: Array, decoded: Array, title: str, source: str
) -> None:
    """Rows of samples (S, n, C, H, W), each with its reconstruction right below."""
    low, high = limits(originals)
    cells: list[list[Image | None]] = []
    for sample, row in zip(originals, decoded, strict=True):
        cells += [[as_image(f, low, high) for f in fragments] for fragments in (sample, row)]
    names = ["original", "decoded"] * len(originals)
    columns = [str(k + 1) for k in range(originals.shape[1])]
    axes = ("", "fragment of the sample")
    image_grid(path, cells, names, columns, title, source, (0, 0), axes, pairs=True)


def fragment_grid(
    path: str | Path,
    fragments: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    source: str,
    axes: tuple[str, str] = ("style", "content"),
) -> None:
    """Fragments (R, Q, C, H, W) in rows and columns with names, such as styles by contents."""
    low, high = limits(fragments)
    cells: list[list[Image | None]] = [[as_image(f, low, high) for f in row] for row in fragments]
    image_grid(path, cells, rows, columns, title, source, (0, 0), axes)


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
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    ratio = min(TALLEST, images.shape[2] / images.shape[3])
    width = min(4.0, max(1.0, images.shape[3] / 100))
    size = (columns * width + 0.4, rows * (width * ratio + 0.3) + 0.9)
    figure, axes = sheet(*size, title, source, rows, columns)
    for panel in axes.flat:
        panel.axis("off")
    for panel, image, name in zip(axes.flat, images, names, strict=False):
        drawn = as_image(image, low, high)
        panel.imshow(drawn, aspect=ratio * drawn.shape[1] / drawn.shape[0])
        panel.set_title(name, fontsize=8, pad=3)
    save(figure, path)


def image_grid(
    path: str | Path,
    cells: Sequence[Sequence[Image | None]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    source: str,
    border: tuple[int, int],
    axes: tuple[str, str],
    pairs: bool = False,
) -> None:
    """Pictures (H, W, 3) in rows and columns, None for an empty place, all of one shape.

    The first `border` rows and columns stand apart: they are real. `pairs`: rows go two by two.
    axes: what the rows are and what the columns are.
    """
    height, width = next(cell.shape[:2] for row in cells for cell in row if cell is not None)
    ratio = min(TALLEST, height / width)
    down = _starts(len(cells), border[0], 1 / ratio, pairs)  # in cell heights
    across = _starts(len(cells[0]), border[1], 1.0)  # in cell widths
    inches = min(CELL, (TALLEST_SHEET - 1.5) / (down[-1] * ratio))
    size = (across[-1] * inches + 1.6, down[-1] * inches * ratio + 1.5)
    rows, columns = [short(name) for name in rows], [short(name) for name in columns]
    figure, panels = sheet(max(5.0, size[0]), size[1], title, source)
    panel = panels[0, 0]
    for top, row in zip(down, cells, strict=False):
        for left, cell in zip(across, row, strict=False):
            if cell is not None:
                place = (left, left + 1, (top + 1) * ratio, top * ratio)
                # Pixels stay squares: what a model blurs is not the picture's blur.
                panel.imshow(cell, extent=place, interpolation="nearest")
    panel.set(xlim=(0, across[-1]), ylim=(down[-1] * ratio, 0), aspect="equal")
    panel.set_xticks(across[:-1] + 0.5, columns, fontsize=8, rotation=_rotation(columns))
    panel.set_yticks((down[:-1] + 0.5) * ratio, rows, fontsize=8)
    panel.xaxis.tick_top()
    panel.xaxis.set_label_position("top")
    panel.set_xlabel(axes[1], color=GREY, fontsize=9)
    panel.set_ylabel(axes[0], color=GREY, fontsize=9)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    save(figure, path)


def _starts(count: int, border: int, unit: float, pairs: bool = False) -> NDArray[np.float64]:
    """Where each of `count` cells starts, and where the last ends, in its own size.

    Gaps are in cell widths; `unit` is a cell width in units of the cell's size this way.
    """
    gaps = np.full(count, GAP * unit)
    if border:
        gaps[border] = WIDE_GAP * unit
    if pairs:
        gaps[2::2] = WIDE_GAP * unit
    gaps[0] = 0
    starts = np.arange(count) + np.cumsum(gaps)
    return np.append(starts, starts[-1] + 1)


def _rotation(names: Sequence[str]) -> float:
    return 90.0 if max(map(len, names)) > 7 else 0.0
