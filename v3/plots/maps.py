"""Maps of embeddings and the matrix of codes and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from v3.plots.canvas import GREY, SOME, Array, colours, legend, picture, save, sheet, tidy
from v3.plots.names import short

STEPS = 40  # shades of a matrix: so few that the file keeps each as it is
READABLE = 24  # rows or columns up to which every cell of a matrix is written out
TICKS = 100  # rows or columns up to which each has its name
CROWD = 100  # labels from which on even the most frequent are few points
COLOURFUL = np.delete(colours(SOME), [14, 15], axis=0)  # greys are for the rest


@picture
def embedding_maps(
    path: str | Path,
    maps: Sequence[tuple[str, Array]],
    labels: Sequence[tuple[str, Array, Sequence[str]]],
    atoms: Array,
    title: str,
    source: str,
) -> None:
    """One row a map (name, points (N, 2)), one column a colouring (kind, labels (N,), names).

    `atoms` (K, 2) are marked by their row in the codebook on the first map. Of more than 20 labels
    the 18 most frequent are in colour and the rest grey: no eye tells more colours apart. Of more
    than 100 (each sample a style of its own) all are in colours that repeat, without a legend:
    whether points of one label lie together can be seen all the same.
    """
    size = (5.4 * len(labels), 4.6 * len(maps) + 0.6)
    figure, axes = sheet(*size, title, source, len(maps), len(labels))
    for row, (name, points) in enumerate(maps):
        for column, (kind, of_points, names) in enumerate(labels):
            panel = axes[row, column]
            count = len(np.unique(of_points[of_points >= 0]))
            crowd = count > CROWD
            if crowd:
                shades = np.where(of_points[:, None] >= 0, _repeated(of_points), 0.8)
                panel.scatter(points[:, 0], points[:, 1], s=9, color=shades, linewidths=0)
            else:
                _scatter(panel, points, of_points, names, kind, named=row == 0)
            if row == 0:
                _mark(panel, atoms)
            note = f" ({count} of them; colours repeat)" if crowd else ""
            tidy(panel, f"{name}, coloured by {kind}{note}", grid=False)
            panel.set_xlabel("t-SNE 1", fontsize=8)
            panel.set_ylabel("t-SNE 2", fontsize=8)
            panel.set(xticks=[], yticks=[])
    save(figure, path)


def _repeated(labels: Array) -> Array:
    return np.asarray(COLOURFUL[labels % len(COLOURFUL), :3])


def _scatter(
    panel: Axes, points: Array, labels: Array, names: Sequence[str], kind: str, named: bool
) -> None:
    present, counts = np.unique(labels[labels >= 0], return_counts=True)
    many = len(present)
    shown = many if many <= SOME else len(COLOURFUL)
    present = np.sort(present[np.argsort(-counts, kind="stable")][:shown])
    palette = colours(many) if many <= SOME else COLOURFUL
    pale = ~np.isin(labels, present)
    panel.scatter(points[pale, 0], points[pale, 1], s=5, color="#cccccc", linewidths=0)
    dots = []
    for label, colour in zip(present, palette, strict=True):
        mine = labels == label
        x, y = points[mine].T
        dots.append(panel.scatter(x, y, s=9, color=colour, linewidths=0))
    if named:
        legend(
            panel,
            dots,
            [short(names[label]) for label in present],
            title=kind if many <= SOME else f"{kind}: the\n{shown} most frequent\nof {many}",
            fontsize=8,
            title_fontsize=8,
            markerscale=2,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
        )


def _mark(panel: Axes, atoms: Array) -> None:
    few = len(atoms) <= READABLE
    panel.scatter(
        atoms[:, 0],
        atoms[:, 1],
        s=150 if few else 40,
        facecolor="white",
        edgecolor="black",
        linewidths=1.2,
    )
    for row, (x, y) in enumerate(atoms if few else []):
        panel.annotate(str(row), (x, y), ha="center", va="center", fontsize=7)


@picture
def confusion_matrix(
    path: str | Path,
    counts: Array,
    order: Array,
    names: Sequence[str],
    title: str,
    source: str,
) -> None:
    """Counts of code by label (K, L), every row divided by its sum, rows in `order`.

    Codes that no fragment has are grey; beside every code stands its number of fragments.
    """
    ordered = counts[order]
    used = ordered.sum(1)
    shares = ordered / np.where(used > 0, used, np.nan)[:, None]
    k, classes = counts.shape
    small = max(k, classes) > READABLE  # cells with no room for a number
    size = (2.8 + (0.24 if small else 0.5) * classes, 2.0 + (0.16 if small else 0.4) * k)
    figure, axes = sheet(min(16, max(4.5, size[0])), min(18, size[1]), title, source)
    panel = axes[0, 0]
    cmap = matplotlib.colormaps["Blues"].resampled(STEPS).with_extremes(bad="#dddddd")
    picture = panel.imshow(np.ma.masked_invalid(shares), cmap=cmap, vmin=0, vmax=1, aspect="auto")
    if not small:
        for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= 0.005), strict=True):
            share = shares[row, column]
            panel.annotate(
                f"{share:.2f}",
                (column, row),
                ha="center",
                va="center",
                fontsize=7,
                color="white" if share > 0.55 else "black",
            )
    font, names = 7 if small else 8, [short(name) for name in names]
    codes = [f"{code}  ({int(n)})" for code, n in zip(order, used, strict=True)]
    across, down = _some(classes), _some(k)
    turned = 90 if max(map(len, names)) > 3 else 0
    panel.set_xticks(across, [names[at] for at in across], rotation=turned, fontsize=font)
    panel.set_yticks(down, [codes[at] for at in down], fontsize=font)
    tidy(panel, "", "label", "code (fragments)", grid=False)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    panel.grid(which="minor", color="white", linewidth=1)
    panel.tick_params(which="both", length=0, labeltop=small)  # named twice where it is tall
    bar = figure.colorbar(picture, ax=panel, shrink=0.6, aspect=30, pad=0.02)
    bar.set_label("share of the code's fragments", color=GREY)
    bar.outline.set_visible(False)
    save(figure, path)


def _some(count: int) -> range:
    """Rows or columns that are named: all, or every so many that there is room for."""
    return range(0, count, 1 + (count - 1) // TICKS)
