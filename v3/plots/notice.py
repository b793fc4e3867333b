"""A picture in place of one that cannot be drawn: it says why."""

from __future__ import annotations

from pathlib import Path

from v3.plots.canvas import GREY, picture, save, sheet
from v3.plots.names import folded

SIZE = (6.0, 2.2)  # inches
WIDTH, LINES = 70, 4  # characters of a line, and lines


@picture
def notice(path: str | Path, title: str, why: str, source: str) -> None:
    """`title`, and below it "left out:" and the sentence."""
    figure, axes = sheet(*SIZE, title, source)
    axes[0, 0].axis("off")
    said = folded(f"left out: {why}", WIDTH, LINES)
    axes[0, 0].text(0.5, 0.5, said, ha="center", va="center", fontsize=10, color=GREY)
    save(figure, path)
