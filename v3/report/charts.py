"""The plots of a page, as Plotly's figures: data and layout that its script draws.

Colours of paper, text and grid are the page's, which knows whether it is light or dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_hex

from v3.plots.canvas import SOME, Array, colours
from v3.plots.maps import COLOURFUL
from v3.plots.names import short

Chart = dict[str, Any]
Curve = Mapping[str, float]
UNKNOWN_COLOUR = "#999999"
ACCENT = "31, 119, 180"  # red, green and blue of a full cell of a matrix
# What should be large over what should be small, as the four hinges compare them.
RATIOS = {
    "content: within samples / between them": ("content_fragment", "content_sample"),
    "style: between samples / within them": ("style_sample", "style_fragment"),
    "between samples: style / content": ("style_group", "content_sample"),
    "within samples: content / style": ("content_fragment", "style_fragment"),
}
LOSSES = {
    "loss/total": "total loss",
    "loss/reconstruction": "reconstruction",
    "validation/error": "reconstruction, validation samples",
}
CODES = {
    "codes/perplexity": "perplexity",
    "codes/active": "codes in use",
    "validation/perplexity": "perplexity, validation samples",
}


def curves(history: Sequence[Curve], relativity: float | None) -> dict[str, Chart]:
    """Charts of training by name: losses, ratios of variability, use of the codes.

    `history` as `v3.plots.history.read_history` reads it. relativity: the ratio that each hinge
    asks for, drawn as a line.
    """
    made = {}
    loss = [_line(history, name, said) for name, said in LOSSES.items()]
    made["losses"] = _chart(loss, "step", "loss (log)", yaxis_type="log", yaxis_dtick=1)
    ratios = [_ratio(history, said, *names) for said, names in RATIOS.items()]
    made["ratios"] = _chart(ratios, "step", "ratio (log)", yaxis_type="log", yaxis_dtick=1)
    if relativity is not None:
        made["ratios"]["layout"]["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": relativity,
                "y1": relativity,
                "line": {"dash": "dot", "color": UNKNOWN_COLOUR, "width": 1},
            }
        ]
    used = [_line(history, name, said) for name, said in CODES.items()]
    made["codes"] = _chart(used, "step", "codes", yaxis_rangemode="tozero")
    return made


def last_ratios(history: Sequence[Curve]) -> dict[str, float]:
    """The four ratios at the end of training, by what they compare."""
    found = {}
    for said, (above, below) in RATIOS.items():
        rows = [row for row in history if f"variability/{above}" in row]
        if rows:
            found[said] = _quotient(rows[-1], above, below)
    return found


def confusion(counts: Array, order: Array, names: Sequence[str]) -> Chart:
    """Counts of code by label (K, L), every row divided by its sum, rows in `order`.

    Plotly reads names as HTML, in which these are text.
    """
    ordered = counts[order]
    shares = ordered / np.maximum(ordered.sum(1, keepdims=True), 1)
    texts = [
        [
            f"code {code}, {escape(short(name))}: {share:.3f} ({count} of {total})"
            for name, share, count in zip(names, row, line, strict=True)
        ]
        for code, row, line, total in zip(order, shares, ordered, ordered.sum(1), strict=True)
    ]
    heat = go.Heatmap(
        z=_rounded(shares, 3),
        x=list(range(len(names))),
        y=[str(code) for code in order],
        text=texts,
        hoverinfo="text",
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorscale=[[0, f"rgba({ACCENT}, 0.04)"], [1, f"rgba({ACCENT}, 1)"]],
        colorbar={"title": {"text": "share", "side": "right"}, "thickness": 10, "outlinewidth": 0},
    )
    made = _chart([heat], "label", "code")
    made["layout"]["xaxis"] |= {
        "showgrid": False,
        "tickvals": list(range(len(names))),
        "ticktext": [escape(short(name)) for name in names],
    }
    made["layout"]["yaxis"] |= {"type": "category", "showgrid": False, "autorange": "reversed"}
    return made


def embedding_map(points: Array, atoms: Array) -> Chart:
    """Points (N, 2), atoms (K, 2) with their numbers, and a ring that marks one point."""
    x, y = _rounded(points.T, 2)
    dots = go.Scatter(x=x, y=y, mode="markers", hoverinfo="none", marker={"size": 6, "opacity": 1})
    traces = [dots]
    if len(atoms):
        ax, ay = _rounded(atoms.T, 2)
        traces.append(
            go.Scatter(
                x=ax,
                y=ay,
                mode="markers+text",
                text=[str(row) for row in range(len(atoms))],
                textfont={"size": 10},
                hoverinfo="skip",
                marker={"size": 18, "symbol": "circle", "line": {"width": 1}},
            )
        )
    ring = {"size": 16, "symbol": "circle-open", "line": {"width": 3}}
    traces.append(go.Scatter(x=[], y=[], mode="markers", hoverinfo="skip", marker=ring))
    made = _chart(traces, "", "")
    made["layout"]["showlegend"] = False
    for axis in ("xaxis", "yaxis"):
        made["layout"][axis] |= {"showticklabels": False, "showgrid": False, "zeroline": False}
    made["layout"]["margin"] = {"l": 8, "r": 8, "t": 8, "b": 8}
    return made


def label_colours(count: int) -> list[str]:
    """A colour for each of `count` labels; of more than 20 they repeat."""
    palette = colours(count) if count <= SOME else COLOURFUL
    return [to_hex(palette[row % len(palette)]) for row in range(count)]


def _line(history: Sequence[Curve], name: str, said: str) -> go.Scatter:
    rows = [row for row in history if name in row]
    return _points(said, [(row["step"], row[name]) for row in rows])


def _ratio(history: Sequence[Curve], said: str, above: str, below: str) -> go.Scatter:
    rows = [row for row in history if f"variability/{above}" in row]
    return _points(said, [(row["step"], _quotient(row, above, below)) for row in rows])


def _quotient(row: Curve, above: str, below: str) -> float:
    return row[f"variability/{above}"] / max(row[f"variability/{below}"], 1e-12)


def _points(said: str, points: Sequence[tuple[float, float]]) -> go.Scatter:
    """A line of five digits a value, which no screen shows more of."""
    return go.Scatter(
        x=[int(step) for step, _ in points],
        y=[float(f"{value:.5g}") for _, value in points],
        name=said,
        mode="lines",
        hovertemplate="%{y:.4g}",
    )


def _chart(traces: Sequence[Any], x: str, y: str, **layout: Any) -> Chart:
    """Data and layout as plain values; legends lie below, or they take half of a narrow window."""
    figure = go.Figure(
        data=list(traces),
        layout=go.Layout(
            template="none",
            margin={"l": 56, "r": 12, "t": 12, "b": 44},
            hovermode="x unified" if len(traces) > 1 else "closest",
            legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
            xaxis={"title": {"text": x}, "automargin": True},
            yaxis={"title": {"text": y}, "automargin": True},
        ),
    )
    figure.update_layout(**layout)
    made: Chart = figure.to_plotly_json()
    made["layout"].pop("template", None)
    return made


def _rounded(values: Array, digits: int) -> list[Any]:
    """Nested lists of so many decimals: what is written is the same wherever sums end alike."""
    rounded: list[Any] = (np.round(np.asarray(values, np.float64), digits) + 0.0).tolist()
    return rounded
