"""Maps of embeddings and the matrix of codes and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from v3.plots.canvas import GREY, SOME, Array, colours, save, sheet, short, tidy

STEPS = 40  # shades of a matrix: so few that the file keeps each as it is
READABLE = 24  # rows or columns up to which every cell of a matrix is written out


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
    the 20 most frequent are in colour and the rest grey: no eye tells more colours apart.
    """
    size = (5.4 * len(labels), 4.6 * len(maps) + 0.6)
    figure, axes = sheet(*size, title, source, len(maps), len(labels))
    for row, (name, points) in enumerate(maps):
        for column, (kind, of_points, names) in enumerate(labels):
            panel = axes[row, column]
            _scatter(panel, points, of_points, names, kind, legend=row == 0)
            if row == 0:
                _mark(panel, atoms)
            tidy(panel, f"{name}, coloured by {kind}", grid=False)
            panel.set_xlabel("t-SNE 1", fontsize=8)
            panel.set_ylabel("t-SNE 2", fontsize=8)
            panel.set(xticks=[], yticks=[])
    save(figure, path)


def _scatter(
    panel: Axes, points: Array, labels: Array, names: Sequence[str], kind: str, legend: bool
) -> None:
    present, counts = np.unique(labels[labels >= 0], return_counts=True)
    many = len(present)
    present = np.sort(present[np.argsort(-counts, kind="stable")][:SOME])
    pale = ~np.isin(labels, present)
    panel.scatter(points[pale, 0], points[pale, 1], s=5, color="#cccccc", linewidths=0)
    for label, colour in zip(present, colours(len(present)), strict=True):
        mine = labels == label
        panel.scatter(
            points[mine, 0],
            points[mine, 1],
            s=9,
            color=colour,
            linewidths=0,
            label=short(names[label]),
        )
    if legend:
        panel.legend(
            title=kind if many <= SOME else f"{kind}: the\n{SOME} most frequent\nof {many}",
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
    figure, axes = sheet(min(16, 2.8 + 0.5 * classes), min(20, 2.0 + 0.4 * k), title, source)
    panel = axes[0, 0]
    cmap = matplotlib.colormaps["Blues"].resampled(STEPS).with_extremes(bad="#dddddd")
    picture = panel.imshow(np.ma.masked_invalid(shares), cmap=cmap, vmin=0, vmax=1, aspect="auto")
    if max(k, classes) <= READABLE:
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
    small = {"fontsize": 8 if k <= READABLE else 6}
    names = [short(name) for name in names]
    panel.set_xticks(range(classes), names, rotation=90 if max(map(len, names)) > 3 else 0, **small)
    panel.set_yticks(
        range(k), [f"{code}  ({int(n)})" for code, n in zip(order, used, strict=True)], **small
    )
    tidy(panel, "", "label", "code (fragments)", grid=False)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    panel.grid(which="minor", color="white", linewidth=1)
    panel.tick_params(which="both", length=0)
    bar = figure.colorbar(picture, ax=panel, shrink=0.8)
    bar.set_label("share of the code's fragments", color=GREY)
    bar.outline.set_visible(False)
    save(figure, path)
