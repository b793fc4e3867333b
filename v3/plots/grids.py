"""Pictures made of fragments: rows and columns of images with names at the border."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from v3.plots.canvas import DPI, GREY, Array, picture, save, sheet
from v3.plots.names import in_lines

GAP, WIDE_GAP = 5, 22  # pixels between cells, and between originals and decoded
LARGEST = (1150, 1500)  # pixels that a grid enlarges to at most, across and down
ZOOM = 2  # pixels of the file for one of a fragment: with 3 a file is half as large again;
CELL = 48  # more where a fragment has so few that its height would be less than this
NARROWEST = 5.0  # inches of a sheet, for its title
ROOM = 4.0  # inches above and below a grid at first: more than title, names and source ever take
BLOCK = 20  # codes below each other
LEVELS = 32  # shades of a spectrogram, 2.5 dB of 80 each: twice as many fill the file by half
TALLEST = 2.2  # height of a cell by its width: pixels of a taller spectrogram are wide
PAPER = 255
BYTES = (0.0, 255.0)  # darkest and brightest of pictures in bytes
Image = NDArray[np.uint8]
Cells = Sequence[Sequence[Image | None]]


@dataclass(frozen=True)
class Block:
    """Pictures (H, W, 3) of one shape in rows and columns, None for an empty place, and names,
    None for a row or column that has none."""

    cells: Cells
    rows: Sequence[str | None]
    columns: Sequence[str | None]


def as_image(fragment: Array, low: float, high: float) -> Image:
    """Fragment (C, H, W) in file units -> picture (H, W, 3); `low` is darkest, `high` brightest.

    Three channels are colours, one channel of bytes (`BYTES`) is grey. Any other is a spectrogram:
    magma, lowest bin at the bottom; neighbouring bins are averaged where it is more than four times
    as high as wide.
    """
    if len(fragment) == 1 and (low, high) == BYTES:
        fragment = np.repeat(fragment, 3, axis=0)
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
        return BYTES
    low, high = np.percentile(np.asarray(fragments, np.float32), [1, 99.9])
    return float(low), float(high)


@picture
def swap_grid(
    path: str | Path,
    contents: Array,
    styles: Array,
    swapped: Array,
    names: tuple[Sequence[str], Sequence[str]],
    title: str,
    source: str,
) -> None:
    """Originals for content (R, C, H, W) at the left and for style (Q, C, H, W) on top, and between
    them `swapped` (R, Q, C, H, W): row r's content with column q's style. names: of rows and of
    columns.
    """
    low, high = limits(contents)
    cells: list[list[Image | None]] = [[None, *(as_image(f, low, high) for f in styles)]]
    for content, row in zip(contents, swapped, strict=True):
        cells.append([as_image(f, low, high) for f in (content, *row)])
    axes = ("content from the fragment at the left", "style from the fragment on top")
    block = Block(cells, [None, *names[0]], [None, *names[1]])
    image_grid(path, [block], title, source, (1, 1), axes)


@picture
def code_grid(
    path: str | Path,
    decoded: Array,
    styles: Array,
    names: tuple[Sequence[str], Sequence[str]],
    title: str,
    source: str,
) -> None:
    """Every code decoded with several styles (K, Q, C, H, W) below the fragments that the styles
    are from (Q, C, H, W), many codes in blocks. names: of codes, of styles."""
    low, high = limits(styles)
    originals = [as_image(f, low, high) for f in styles]
    cells = [[as_image(f, low, high) for f in row] for row in decoded]
    blocks = -(-len(cells) // BLOCK)
    size = -(-len(cells) // blocks)
    folded = [slice(start, start + size) for start in range(0, len(cells), size)]
    axes = ("code (label it stands for)", "style from the fragment on top")
    image_grid(
        path,
        [Block([originals, *cells[part]], [None, *names[0][part]], names[1]) for part in folded],
        title,
        source,
        (1, 0),
        axes,
    )


@picture
def reconstructions(
    path: str | Path, originals: Array, decoded: Array, title: str, source: str
) -> None:
    """Rows of samples (S, n, C, H, W), each with its reconstruction right below."""
    low, high = limits(originals)
    cells: list[list[Image]] = []
    for sample, row in zip(originals, decoded, strict=True):
        cells += [[as_image(f, low, high) for f in fragments] for fragments in (sample, row)]
    names = ["original", "decoded"] * len(originals)
    columns = [str(k + 1) for k in range(originals.shape[1])]
    axes = ("", "fragment of the sample")
    image_grid(path, [Block(cells, names, columns)], title, source, (0, 0), axes, pairs=True)


@picture
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
    cells = [[as_image(f, low, high) for f in row] for row in fragments]
    image_grid(path, [Block(cells, rows, columns)], title, source, (0, 0), axes)


@picture
def image_grid(
    path: str | Path,
    blocks: Sequence[Block],
    title: str,
    source: str,
    border: tuple[int, int],
    axes: tuple[str, str],
    pairs: bool = False,
) -> None:
    """Blocks of pictures side by side, every pixel a square of whole pixels of the file.

    The first `border` rows and columns of a block stand apart: they are originals. `pairs`: rows go
    two by two. axes: what the rows are and what the columns are.
    """
    zoom = _zoom(blocks)
    grids = [_composed(block.cells, border, pairs, zoom) for block in blocks]
    height, width = max(len(pixels) for pixels, _, _ in grids), grids[0][0].shape[1]
    size = (max(NARROWEST, len(blocks) * width / DPI + 0.8), height / DPI + ROOM)
    figure, panels = sheet(*size, title, source, 1, len(blocks))
    for panel, block, (_, down, across) in zip(panels.flat, blocks, grids, strict=True):
        columns, rows = _drawn(block.columns), _drawn(block.rows)
        panel.set(xlim=(0, width), ylim=(height, 0))
        panel.set_xticks(across, columns, fontsize=8, rotation=_rotation(columns))
        panel.set_yticks(down, rows, fontsize=8)
        panel.xaxis.tick_top()
        panel.xaxis.set_label_position("top")
        panel.set_xlabel(axes[1], color=GREY, fontsize=9)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        panel.patch.set_visible(False)  # it would hide the pixels below
    panels[0, 0].set_ylabel(axes[0], color=GREY, fontsize=9)
    places = _places(figure, list(panels.flat), width, height)
    for (left, top), (pixels, _, _) in zip(places, grids, strict=True):
        figure.figimage(pixels, left, top - len(pixels), origin="upper")
    save(figure, path)


def _zoom(blocks: Sequence[Block]) -> int:
    """Whole pixels of the file for one of a fragment, as many as the largest sheet has room for."""
    cells = blocks[0].cells
    height, width = _shape(cells)
    room = LARGEST[0] // (len(blocks) * len(cells[0]) * width), LARGEST[1] // (len(cells) * height)
    return max(1, min(max(ZOOM, -(-CELL // height)), *room))


def _shape(cells: Cells) -> tuple[int, int]:
    """Height and width of the pictures, tall ones twice as wide as they are."""
    height, width = next(cell.shape[:2] for row in cells for cell in row if cell is not None)
    return height, width * (1 + (height > TALLEST * width))


def _composed(
    cells: Cells, border: tuple[int, int], pairs: bool, zoom: int
) -> tuple[Image, Array, Array]:
    """Pixels of a grid on white paper, and the centres of its rows and of its columns there."""
    height, width = (zoom * pixels for pixels in _shape(cells))
    down = _starts(len(cells), height, border[0], pairs)
    across = _starts(len(cells[0]), width, border[1])
    paper = np.full((down[-1], across[-1], 3), PAPER, np.uint8)
    for top, row in zip(down, cells, strict=False):
        for left, cell in zip(across, row, strict=False):
            if cell is not None:
                tall, wide = height // len(cell), width // cell.shape[1]
                large = cell.repeat(tall, axis=0).repeat(wide, axis=1)
                paper[top : top + height, left : left + width] = large
    return paper, down[:-1] + height / 2, across[:-1] + width / 2


def _starts(count: int, size: int, border: int, pairs: bool = False) -> NDArray[np.int64]:
    """Where each of `count` cells of `size` pixels starts, and where the last ends."""
    gaps = np.full(count, GAP)
    if border:
        gaps[border:][:1] = WIDE_GAP
    if pairs:
        gaps[2::2] = WIDE_GAP
    gaps[0] = 0
    starts = np.arange(count) * size + np.cumsum(gaps)
    return np.append(starts, starts[-1] + size)


def _places(figure: Figure, panels: list[Axes], width: int, height: int) -> list[tuple[int, int]]:
    """Make each panel `width` by `height` pixels, the figure as large as that and the names around
    it need, and say where the left upper corners are, in pixels from the left lower one."""
    for _ in range(2):  # the first pass finds out how much room the names take
        figure.draw_without_rendering()
        total = figure.get_size_inches() * DPI
        boxes = [panel.get_window_extent() for panel in panels]
        names = total[0] - sum(box.width for box in boxes), total[1] - boxes[0].height
        least = max(NARROWEST * DPI, names[0] + width * len(panels)), names[1] + height
        # A hair more than whole pixels, for what is a hair less is rounded down.
        figure.set_size_inches(*((math.ceil(pixels) + 0.01) / DPI for pixels in least))
    figure.draw_without_rendering()
    total = figure.get_size_inches() * DPI
    figure.set_layout_engine("none")
    places = []
    for panel in panels:
        box = panel.get_window_extent()
        left, top = round((box.x0 + box.x1 - width) / 2), round(box.y1)
        share = np.array([left, top - height, width, height]) / np.tile(total, 2)
        panel.set_position(tuple(share))
        places.append((left, top))
    return places


def _drawn(names: Sequence[str | None]) -> list[str]:
    return ["" if name is None else in_lines(name) for name in names]


def _rotation(names: Sequence[str]) -> float:
    return 90.0 if max(map(len, names)) > 7 else 0.0
