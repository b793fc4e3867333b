"""Pages of results: which fragments they show, what they say, and that they say it twice alike."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from bars import ordinary
from PIL import Image
from report_bars import make_pages, write_results

from v3.report.charts import confusion, curves, last_ratios
from v3.report.closest import Mistake, nearest_of_codes, nearness, worst_mistakes
from v3.report.dataset import commands
from v3.report.differences import differences, own_parameters
from v3.report.figures import Figure, all_figures, figures
from v3.report.sounds import sounds
from v3.report.thumbs import tile_size, write_sheet


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# --- the whole page -------------------------------------------------------------------------------


def test_the_same_results_give_the_same_bytes(here, tiny_spec):
    write_results(tiny_spec, ordinary())
    make_pages()
    before = digests(here / "plots")
    make_pages()
    assert digests(here / "plots") == before
    assert {"plots/index.html", "plots/plotly.min.js", "plots/bars/report.html"} <= {
        str(Path(file).relative_to(here)) for file in before
    }


@pytest.mark.usefixtures("here")
def test_a_page_is_small_text_and_asks_no_network(tiny_spec):
    write_results(tiny_spec, ordinary())
    page = make_pages().read_text(encoding="utf-8")
    assert len(page) < 60_000
    for file in (page, Path("plots/index.html").read_text(encoding="utf-8")):
        assert not re.search(r"(src|href)=\"(https?:)?//", file)
        assert not re.search(r"url\([\"']?https?:", file)
    assert "/tmp" not in page


@pytest.mark.usefixtures("here")
def test_a_page_says_figures_parameters_and_commands(tiny_spec):
    write_results(tiny_spec, ordinary())
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", make_pages().read_text(encoding="utf-8")))
    for said in (
        "purity 0.800",
        "chance 0.400",
        "k-means 0.500",
        "train.relativity 3 5",
        "dvc repro report@bars",
        "of 3 to 6, each a picture of 8 × 8, colour; drawn in the tests.",
        "spectral centroid: nearer to the giver of style than to the giver of content 0.900 0.500",
    ):
        assert said in page
    assert "pitch, octaves aside" not in page  # was not measured
    text = Path("plots/bars/report.html").read_text(encoding="utf-8")
    assert 'href="../../data/bars/codes/codes.csv"' in text
    assert re.search(r'href="../../data/bars/codes/code_00[012].png">code [012]<', text)


@pytest.mark.usefixtures("here")
def test_without_labels_a_page_says_what_can_be_said(tiny_spec):
    write_results(tiny_spec, ordinary(), labelled=False, sounds=False)
    page = make_pages().read_text(encoding="utf-8")
    for missing in ("Worst mistakes", "Codes and contents", 'id="sounds"', "k-means 0"):
        assert missing not in page
    for there in ("No label is known", "no label is known", "What each code stands for", "unknown"):
        assert there in page
    text = Path("plots/bars/report/data.js").read_text(encoding="utf-8")
    values = json.loads(text.removeprefix("window.v3report = ").rstrip(";\n"))
    assert [*values["map"]["colourings"]] == ["code"]
    assert "confusion" not in values["charts"]


# --- which fragments ------------------------------------------------------------------------------


def test_nearness_is_cosine_or_distance():
    points, atoms = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [3.0, 0.0]])
    np.testing.assert_allclose(nearness(points, atoms, "cosine"), [[0.8, 0.6], [1, 0]])
    far = [[-np.sqrt(18), -4], [-1, -np.sqrt(13)]]
    np.testing.assert_allclose(nearness(points, atoms, "euclidean"), far)


def test_nearest_of_a_code_are_of_several_samples():
    near = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0.1, 0.6]])
    codes, samples = np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])
    first, second = nearest_of_codes(near, codes, samples, 2)
    assert first.tolist() == [0, 2]
    assert second.tolist() == [3]
    assert nearest_of_codes(near, codes, samples, 3)[0].tolist() == [0, 2, 1]


def test_worst_mistakes_come_first_and_few_of_a_kind():
    near = np.array([[0.9, 0.2, 0], [0.6, 0.5, 0], [0.1, 0.9, 0], [0.8, 0.1, 0]])
    near = np.concatenate([near, np.tile([[0.7, 0.6, 0]], (4, 1))])
    codes = near.argmax(1)
    labels = np.array([1, 1, 1, 2, -1, 1, 1, 1])
    found = worst_mistakes(near, codes, labels, np.array([0, 1, -1]), 9)
    assert found[0] == Mistake(0, 1, 0, 0, pytest.approx(0.7))
    assert [one.row for one in found] == [0, 1, 5, 3]  # 2 is right, 4 has no label, 6 is the fourth
    assert found[-1] == Mistake(3, 2, 0, 0, None)  # no code stands for its content
    assert worst_mistakes(near, codes, labels, np.array([0, 1, -1]), 1) == found[:1]


@pytest.mark.parametrize(
    ("shape", "kind", "size"),
    [
        ((48, 32), "images", (32, 48)),
        ((256, 128), "images", (32, 64)),
        ((512, 32), "spectrograms", (29, 64)),
        ((80, 64), "spectrograms", (51, 64)),
        ((1, 1), "images", (1, 1)),
    ],
)
def test_tiles_are_small(shape, kind, size):
    assert tile_size(shape, kind) == size


def test_a_sheet_has_every_fragment_in_its_place(tmp_path):
    fragments = np.zeros((3, 1, 8, 8), np.uint8)
    fragments[1], fragments[2, :, :4] = 255, 255
    sheet = write_sheet(tmp_path / "x.webp", fragments, "images", (0, 255))
    assert sheet.to_dict() == {"file": "x.webp", "width": 8, "height": 8, "columns": 2, "count": 3}
    with Image.open(tmp_path / "x.webp") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (16, 16, 3)
    assert pixels[:8, :8].max() < 40  # grey stays grey, and upright
    assert pixels[:8, 8:].min() > 215
    assert pixels[8:11, :8].min() > 180
    assert pixels[13:, :8].max() < 75


# --- words and charts -----------------------------------------------------------------------------

RAW = {
    "defaults": {
        "train": {"steps": 10, "weights": {"style": 1.0, "content": 1.0}, "betas": [0.9, 0.99]},
        "specs": {"small": {"atoms": 10, "layers": ["8, 4x4, 2x2"]}, "large": {"atoms": 10}},
        "tsne": {"seed": 0},
    },
    "mine": {
        "train": {"steps": "default", "weights": {"style": 2.0, "content": 1.0}},
        "spec": "small",
        "specs": {"small": {"atoms": 12, "layers": ["8, 4x4, 2x2"]}, "large": {"atoms": 99}},
        "tsne": {},
        "images": {"folder": "../pages", "cells": 10},
    },
}


def test_commands_fit_how_a_dataset_is_made_and_what_its_section_lists():
    """One that is not listed has a pipeline of its own; what it does not list takes a plus sign."""
    raw = {"datasets": ["bars"], "bars": {"train": {"relativity": 3.0}}, "mine": {"train": {}}}
    assert [command for command, _ in commands(raw, "bars")][:2] == [
        "dvc repro report@bars",
        "dvc exp run -S bars.train.relativity=5",
    ]
    assert [command for command, _ in commands(raw, "mine")][:2] == [
        "dvc repro corpora/mine/dvc.yaml",
        "dvc exp run -S +mine.train.relativity=5 corpora/mine/dvc.yaml",
    ]


def test_differences_are_what_a_section_says_otherwise():
    assert differences(RAW, "mine") == [
        ("train.weights.style", "1", "2"),
        ("specs.small.atoms", "10", "12"),
    ]
    assert own_parameters(RAW, "mine") == [("images.folder", "../pages"), ("images.cells", "10")]


def test_figures_stand_beside_what_they_are_held_against():
    metrics = {
        "summary": {"purity": 0.9, "baseline_purity": 0.7, "bound_purity": 0.95, "leakage": None},
        "codebook": {"chance_purity": 0.2},
    }
    (found,) = figures(metrics)
    assert found == Figure("purity", found.means, 0.9, False, 0.2, 0.7, 0.95)
    assert all_figures(metrics) == [
        ("purity", "0.9"),
        ("baseline_purity", "0.7"),
        ("bound_purity", "0.95"),
    ]


def test_charts_hold_what_was_measured():
    history = [
        {
            "step": 10.0,
            "loss/total": 2.0,
            "variability/content_fragment": 8.0,
            "variability/content_sample": 2.0,
            "variability/style_fragment": 4.0,
            "variability/style_sample": 6.0,
            "variability/style_group": 6.0,
        }
    ]
    assert list(last_ratios(history).values()) == [4.0, 1.5, 3.0, 2.0]
    charts = curves(history, 3.0)
    assert charts["losses"]["data"][0]["y"] == [2.0]
    assert [line["y"] for line in charts["ratios"]["data"]] == [[4.0], [1.5], [3.0], [2.0]]
    assert charts["ratios"]["layout"]["shapes"][0]["y0"] == 3.0
    heat = confusion(np.array([[3, 1], [0, 0]]), np.array([1, 0]), ["a", "b"])["data"][0]
    assert heat["z"] == [[0.0, 0.0], [0.75, 0.25]]
    assert heat["text"][1][0] == "code 0, a: 0.750 (3 of 4)"
    json.dumps(charts, allow_nan=False)


def test_sounds_that_are_not_there_are_no_section(tmp_path):
    assert sounds(tmp_path / "sounds", tmp_path, {})["groups"] == []
