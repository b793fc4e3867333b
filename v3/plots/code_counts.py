"""Figures over the number of codes K: a dot a training, a line through their middle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.axes import Axes

from v3.plots.canvas import GREY, colours, legend, picture, save, sheet, tidy

COLUMNS = 3


@dataclass(frozen=True)
class Panel:
    """One figure over K: `values` (of seeds, or of pairs of them) and their `middle` by K.

    `line`: which middle it is. `others`: the figure by K elsewhere, by the name of where.
    `chosen`: the K that the figure would choose. `share`: it lies between 0 and 1.
    """

    title: str
    values: Mapping[int, Mapping[str, float]]
    middle: Mapping[int, float]
    line: str = "median"
    others: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    chosen: int | None = None
    share: bool = True


@picture
def over_code_counts(
    path: str | Path,
    panels: Sequence[Panel],
    title: str,
    source: str,
    contents: int | None = None,
) -> None:
    """A panel a figure, K on a logarithmic x axis; a line where K is the number of contents."""
    rows = math.ceil(len(panels) / COLUMNS)
    columns = min(COLUMNS, len(panels))
    figure, axes = sheet(3.7 * columns, 0.7 + 3.1 * rows, title, source, rows, columns)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, contents)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    save(figure, path)


def _draw(axes: Axes, panel: Panel, contents: int | None) -> None:
    sizes = sorted(panel.values)
    handles, names = [], []
    if contents is not None:
        handles.append(axes.axvline(contents, color=GREY, linestyle=":", linewidth=1.5))
        names.append(f"contents: {contents}")
    if panel.chosen is not None:
        handles.append(axes.axvline(panel.chosen, color="crimson", linewidth=6, alpha=0.25))
        names.append(f"would choose {panel.chosen}")
    for atoms in sizes:
        dots = list(panel.values[atoms].values())
        axes.plot([atoms] * len(dots), dots, "o", color=colours(1)[0], markersize=5, alpha=0.6)
    handles += axes.plot(sizes, [panel.middle[atoms] for atoms in sizes], color=colours(1)[0])
    names.append(panel.line)
    for (name, values), colour in zip(panel.others.items(), colours(10)[1:], strict=False):
        there = sorted(values)
        drawn = [values[atoms] for atoms in there]
        handles += axes.plot(there, drawn, "D--", color=colour, markersize=6)
        names.append(name)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(atoms) for atoms in sizes])
    axes.minorticks_off()
    if panel.share:
        axes.set_ylim(-0.03, 1.05)
    else:
        highest = max(axes.dataLim.y1, 1e-9)  # of dots and lines; 0 throughout is a picture, too
        axes.set_ylim(0, 1.08 * highest)
    tidy(axes, panel.title, "codes K", "")
    legend(axes, handles, names, fontsize=7, framealpha=0.85)
