"""Pages from templates: HTML that opens from disk, without a network and without a server.

A page of a dataset is text and links. What its script draws lies in a folder beside it (a page
opened from disk may load scripts and pictures, and no other data). Once for all pages, beside the
index, lie their style, their script, and Plotly, which draws.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from v3.base.files import atomic_file

LIBRARY = "plotly.min.js"  # beside the index, like what follows
SHARED = {"report.css": "style.css", "report.js": "report.js"}  # of each its template
DATA = "data.js"  # in the folder of a page's own files


def write_page(path: str | Path, template: str, values: Mapping[str, Any], root: str = "") -> None:
    """Fill a template in; every value stands in the page as text, whatever characters it has.

    `root` leads from the page to the folder of the index. The same values give the same bytes: no
    clock, no machine.
    """
    environment = Environment(
        loader=PackageLoader("v3.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = share
    environment.filters["percent"] = percent
    text = environment.get_template(template).render(values, root=root)
    with atomic_file(path) as beside:
        beside.write_text(text.rstrip() + "\n", encoding="utf-8")


def write_data(path: str | Path, values: Mapping[str, Any]) -> None:
    """Values as a script, which a page opened from disk may load where it may not load JSON."""
    text = json.dumps(values, allow_nan=False, sort_keys=True, separators=(",", ":"))
    with atomic_file(path) as beside:
        beside.write_text(f"window.v3report = {text};\n", encoding="utf-8")


def write_shared(folder: str | Path) -> None:
    """What all pages load: style, script, and Plotly as the installed package brings it."""
    templates = PackageLoader("v3.report")
    texts = {name: templates.get_source(Environment(), of)[0] for name, of in SHARED.items()}
    for name, text in (texts | {LIBRARY: get_plotlyjs()}).items():
        with atomic_file(Path(folder) / name) as beside:
            beside.write_text(text, encoding="utf-8")


def share(value: float | None) -> str:
    """A figure of 0 to 1 in three digits; a dash for none."""
    return "\u2013" if value is None else f"{value:.3f}"


def percent(value: float) -> str:
    """A place on a bar of 0 to 1."""
    return f"{100 * min(1.0, max(0.0, value)):.1f}%"
