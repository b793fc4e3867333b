"""Lines and dots: training curves, precision over recall, few-shot accuracy, a dot a seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from v3.plots.canvas import GREY, SOME, colours, legend, logarithmic, picture, save, sheet, tidy
from v3.plots.names import short

HINGES = ("loss/content", "loss/style", "loss/between", "loss/within")
CODES = ("codes/perplexity", "codes/active", "validation/perplexity")
Row = Mapping[str, float]


@picture
def loss_curves(path: str | Path, rows: Sequence[Row], title: str, source: str) -> None:
    """Training history: rows with `step` and any of loss/..., variability/..., codes/...,
    validation/... by name. Throughput is left out: it differs from run to run."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    losses = [name for name in names if name.startswith("loss/") and name not in HINGES]
    figure, axes = sheet(11, 7.5, title, source, 2, 2)
    a, b, c, d = axes.flat
    _lines(a, rows, [*losses, *(n for n in names if n == "validation/error")], log=True)
    tidy(a, "Total loss, reconstruction, penalties", "step", "value, terms unweighted (log)")
    _lines(b, rows, [name for name in HINGES if name in names])
    tidy(b, "The four hinges: 0 once a ratio reaches the relativity", "step", "hinge")
    b.set_ylim(-0.02, 1.02)
    _lines(c, rows, [name for name in names if name.startswith("variability/")], log=True)
    tidy(c, "Variability: mean distance between embeddings", "step", "distance (log)")
    _lines(d, rows, [name for name in CODES if name in names])
    tidy(d, "Use of the codebook", "step", "codes")
    d.set_ylim(bottom=0)
    save(figure, path)


def _lines(axes: Axes, rows: Sequence[Row], names: Iterable[str], log: bool = False) -> None:
    names = list(names)
    for name, colour in zip(names, colours(len(names)), strict=True):
        points = [(row["step"], row[name]) for row in rows if name in row]
        checked = name.startswith("validation/")  # once in a while, on held-out samples
        label = name if checked else name.split("/")[-1].replace("_", ", ")
        style: dict[str, Any] = {"marker": "o", "markersize": 3} if checked else {}
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.4, label=label, **style)
    # A term that is 0 throughout, or for good, has no place on a log axis.
    if log and any(row.get(name, 0) > 0 for row in rows for name in names):
        logarithmic(axes)
    if names:
        axes.legend(fontsize=8, framealpha=0.85)


@picture
def precision_recall(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Mapping[str, Any]]],
    title: str,
    source: str,
) -> None:
    """One panel a kind of label ("content"), one curve an embedding ("z_c") in it, each with the
    `precision`, `recall`, `pr_auc` and `chance` of retrieval; the first is drawn full, the rest
    (crossed) dashed. A curve ends at the largest k; it has no points and no area where there was
    nothing to find."""
    figure, axes = sheet(5.2 * len(panels), 4.9, title, source, 1, len(panels))
    for panel, (kind, curves) in zip(axes.flat, panels.items(), strict=True):
        for row, (name, curve) in enumerate(curves.items()):
            panel.plot(
                curve["recall"],
                curve["precision"],
                linestyle="--" if row else "-",
                marker="o",
                markersize=3,
                color=colours(2)[min(row, 1)],
                label=f"{name}{' (crossed)' if row else ''}: {_area(curve['pr_auc'])}",
            )
        chance = next(iter(curves.values()))["chance"]
        if chance is not None:
            label = f"chance: precision {chance:.3f}"
            panel.axhline(chance, color=GREY, linestyle=":", label=label)
        tidy(panel, f"Fragments of the same {kind}", "recall at k", "precision at k")
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
        panel.legend(loc="center right", fontsize=8)
    save(figure, path)


def _area(pr_auc: float | None) -> str:
    return "nothing to find" if pr_auc is None else f"PR-AUC {pr_auc:.3f}"


@picture
def few_shot_curve(
    path: str | Path,
    accuracy: Mapping[int, float],
    styles: Mapping[str, Mapping[int, float]],
    chance: float,
    in_distribution: float,
    title: str,
    source: str,
) -> None:
    """Accuracy on unseen styles by samples a style adapted to (0: zero-shot), mean and by style.

    `in_distribution` is the accuracy of the model on styles of training, without adaptation.
    """
    figure, axes = sheet(7.6, 4.8, title, source)
    panel = axes[0, 0]
    counts = sorted(accuracy)
    at = np.arange(len(counts))
    lines, labels = [], []
    dot = {"marker": "o", "markersize": 3} if len(counts) == 1 else {}  # no line through one point
    for (name, values), colour in zip(styles.items(), colours(len(styles)), strict=True):
        drawn = [values[count] for count in counts]
        (line,) = panel.plot(at, drawn, color=colour, linewidth=1, alpha=0.7, **dot)
        if len(styles) <= SOME:
            lines.append(line)
            labels.append(short(name))
    means = [accuracy[count] for count in counts]
    lines += panel.plot(at, means, "o-", color="black", linewidth=2)
    for x, value in zip(at, means, strict=True):
        panel.annotate(
            f"{value:.3f}",
            (x, value),
            (0, -16),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1},
        )
    lines.append(panel.axhline(in_distribution, color="black", linestyle="--"))
    lines.append(panel.axhline(chance, color=GREY, linestyle=":"))
    labels += ["all unseen styles", "styles of training", "chance"]
    panel.set_xticks(at, ["0 (zero-shot)", *map(str, counts[1:])] if counts[0] == 0 else counts)
    panel.set(ylim=(0, 1.08), xlim=(-0.3, len(counts) - 0.7))
    tidy(panel, "", "samples of each unseen style adapted to, without labels", "accuracy")
    beside = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "frameon": False}
    legend(panel, lines, labels, fontsize=8, **beside)
    save(figure, path)


@picture
def seed_dots(
    path: str | Path,
    values: Mapping[str, Mapping[str, float]],
    title: str,
    source: str,
    targets: Mapping[str, float] | None = None,
) -> None:
    """One row a metric and one dot a seed: values by metric, then by seed; a line at the median.

    `targets`: what a metric should reach, or stay below, drawn as a mark.
    """
    seeds = sorted({seed for by_seed in values.values() for seed in by_seed}, key=int)
    figure, axes = sheet(8.4, 1.6 + 0.42 * len(values), title, source)
    panel = axes[0, 0]
    for row, (name, by_seed) in enumerate(values.items()):
        middle = median(by_seed.values())
        panel.plot([middle, middle], [row - 0.3, row + 0.3], color=GREY, linewidth=2)
        for seed, colour in zip(seeds, colours(len(seeds)), strict=True):
            if seed in by_seed:
                shift = (seeds.index(seed) - (len(seeds) - 1) / 2) * 0.4 / max(1, len(seeds) - 1)
                panel.plot(by_seed[seed], row + shift, "o", color=colour, markersize=6)
        text = f"median {middle:.3f}   [{min(by_seed.values()):.3f}, {max(by_seed.values()):.3f}]"
        panel.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
        if targets and name in targets:
            panel.plot(targets[name], row, "|", color="crimson", markersize=24, markeredgewidth=2)
    for seed, colour in zip(seeds, colours(len(seeds)), strict=True):
        panel.plot([], [], "o", color=colour, label=f"seed {seed}")
    panel.plot([], [], "-", color=GREY, linewidth=2, label="median")
    if targets:
        panel.plot([], [], "|", color="crimson", markersize=12, markeredgewidth=2, label="target")
    panel.set_yticks(range(len(values)), [name.replace("_", " ") for name in values])
    panel.set(xlim=(-0.02, 1.02), ylim=(len(values) - 0.5, -0.5))
    tidy(panel, "", "value", "")
    panel.legend(fontsize=8, ncols=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    save(figure, path)
