"""Names of any kind, and of any length, in pictures and their legends."""

import numpy as np
import pytest
from drawing import SOURCE, bars, grid, picture_folder

from v3.plots.curves import few_shot_curve, loss_curves, precision_recall, seed_dots
from v3.plots.grids import code_grid, fragment_grid, swap_grid
from v3.plots.maps import confusion_matrix, embedding_maps
from v3.plots.names import folded, in_lines, printable, short
from v3.plots.sheets import contact_sheet

NAMES = [
    "$$",
    "$a_b$ $",
    "_a",
    "",
    " ",
    "a\nb",
    "\x00",
    "\ud800",
    "\u202ea",
    "\u65e5" * 9,
    "n" * 200,
]


@pytest.fixture
def folder(tmp_path):
    return picture_folder(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("error")
def test_names_are_drawn_as_they_are(folder, name):
    """Without an error or a warning, wherever names, titles and sources stand."""
    path = folder / "named.png"
    images, two = grid(bars, range(2), range(2)), [name, "other"]
    fragment_grid(path, images, two, two, name, name)
    swap_grid(path, images[0], images[1], images, (two, two), name, name)
    code_grid(path, images, images[0], (two, two), name, name)
    contact_sheet(path, images[0], two, name, name)
    labels, points = np.array([0, 1, 0, 1]), np.arange(8.0).reshape(4, 2)
    embedding_maps(path, [("z_c", points)], [("content", labels, two)], points[:1], name, name)
    confusion_matrix(path, np.eye(2, dtype=int), np.arange(2), two, name, name)
    few_shot_curve(path, {0: 0.5}, {name: {0: 0.5}}, 0.1, 0.9, name, name)
    seed_dots(path, {"purity": {"0": 0.5}}, name, name)
    loss_curves(path, [{"step": 1.0, "loss/total": 0.5}], name, name)
    curve = {"recall": [0, 1], "precision": [1, 1], "pr_auc": 1.0, "chance": 0.1}
    precision_recall(path, {"content": {"z_c": curve}}, name, name)


def test_legends_name_everything(folder, monkeypatch):
    """A leading underscore or an empty name takes nobody out of the legend."""
    shown = []
    monkeypatch.setattr("v3.plots.curves.save", lambda figure, _: shown.append(figure))
    styles = {"_a": {0: 0.1}, "": {0: 0.2}, "$b$": {0: 0.3}}
    few_shot_curve(folder / "x.png", {0: 0.2}, styles, 0.1, 0.9, "bars", SOURCE)
    texts = [text.get_text() for text in shown[0].axes[0].get_legend().get_texts()]
    assert texts == ["_a", "''", "$b$", "all unseen styles", "styles of training", "chance"]


def test_printable():
    assert printable("Ann \u05d0 $x$ _1") == "Ann \u05d0 $x$ _1"
    assert printable("a\nb\x00") == "a\\nb\\x00"
    assert printable("\u65e5\ud800\u202e") == r"\u65e5\ud800\u202e"
    assert (printable(""), printable("  ")) == ("''", "'  '")
    assert len({printable(name) for name in NAMES}) == len(NAMES)
    assert folded("a " * 300, 20, 3).count("\n") == 2
    assert folded("a" * 300, 20, 3).count("\n") <= 2


def test_names_in_lines():
    assert in_lines("trumpet") == "trumpet"
    assert in_lines("body 0, bottom 1, top 2, hair 3") == "body 0, bottom 1,\ntop 2, hair 3"
    assert in_lines("train/a very long name of an image 12345.png").endswith("2345.png")
    assert "\n" not in in_lines("train/a very long name of an image 12345.png")


def test_short():
    assert short("trumpet") == "trumpet"
    cut = short("train/number 00012345.png")
    assert len(cut) <= 16
    assert cut.startswith("train/")
    assert cut.endswith("2345.png")
