"""The evaluation stages on corpora that are out of the ordinary: in styles, sizes or names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from bars import BY_STYLE, SECTIONS, Sample, ordinary, write_corpus, write_model, write_params
from PIL import Image
from stage_runs import EVALUATIONS, stage

from v3.evaluation.styles import NOBODY, SAME_SAMPLES


@pytest.fixture
def project(tmp_path, monkeypatch, tiny_spec):
    """In a folder of its own: a corpus, its split, a model; every evaluation run on them."""
    monkeypatch.chdir(tmp_path)

    def made(
        samples: Sequence[Sample],
        split: dict[str, Any] = BY_STYLE,
        forget_styles: bool = False,
        **given: Any,
    ) -> dict[str, Any]:
        sizes = {k: given.pop(k) for k in ("atoms", "style_dim", "content_dim") if k in given}
        sections = {k: given.pop(k) for k in SECTIONS if k in given}
        write_corpus(Path("data/bars/fragments.h5"), samples, **given)
        write_params(split, **sections)
        write_model(tiny_spec, **sizes)
        stage("split", "bars")
        if forget_styles:
            with h5py.File("data/bars/fragments.h5", "r+") as file:
                file["style"][:] = -1
        for name in (*EVALUATIONS, "summary"):
            stage(name, "bars")
        for picture in [
            f"plots/bars/{name}/{p}" for name in EVALUATIONS for p in EVALUATIONS[name]
        ]:
            with Image.open(picture) as image:
                image.load()
        return {
            path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in Path("metrics/bars").glob("*.json")
        }

    return made


# Every sample a style of its own


def own_styles(lengths: Sequence[int]) -> list[Sample]:
    """72 samples, each its own style; the last 12 are the group "new", the others "seen"."""
    draw = np.random.default_rng(0)
    return [
        (row, draw.integers(3, size=lengths[row % len(lengths)]).tolist(), row // 60)
        for row in range(72)
    ]


OWN_NAMES = [f"sample {row}" for row in range(72)]
GROUPS = {"seen": [0.7, 0.1, 0.2, 0], "new": [0, 0, 0, 1]}
BY_GROUP = {"few_shot": [1, 2], "groups": GROUPS}


def test_styles_that_are_samples(project):
    found = project(own_styles((2, 3, 4, 5)), BY_GROUP, style_names=OWN_NAMES)
    leakage, swap = found["leakage"], found["swap"]
    assert leakage["style_by"] == swap["style_by"] == SAME_SAMPLES
    assert 0 <= leakage["style_from_z_c"]["accuracy"] <= 1
    assert leakage["style_from_z_s"]["chance"] < 0.3
    assert 0 <= swap["style_taken"] <= 1
    assert 0 <= swap["style_classifier_accuracy"] <= 1
    split = json.loads(Path("data/bars/split.json").read_text(encoding="utf-8"))["splits"]
    assert len(split["unseen_1"]) == 1  # one unseen group adapts to one sample
    assert list(found["few_shot"]) == ["source", "samples_0", "samples_1", "samples_2"]
    assert np.isfinite(found["few_shot"]["samples_1"]["accuracy"])
    # no two samples are of one style, so none can be verified; all else is measured
    lacking = {name for name, value in found["summary"].items() if value is None}
    lacking -= {"gap_recovered", "gap_recovered_unseen"}  # k-means has 1, and no bound is above
    assert lacking == {"verification_style", "verification_content"}
    assert isinstance(found["summary"]["beats_baseline"], bool)
    assert found["retrieval"]["style_by_z_s"]["k"] == [1, 2, 3, 4]


def test_styles_that_are_single_fragments(project):
    """Figures of style are absent and the reason is told; those of content are there."""
    found = project(own_styles((1,)), BY_GROUP, style_names=OWN_NAMES)
    assert found["leakage"]["style_by"] == found["swap"]["style_by"] == NOBODY
    assert found["leakage"]["style_from_z_s"] == {"accuracy": None, "chance": None}
    assert found["swap"]["style_taken"] is found["retrieval"]["style_by_z_s"]["pr_auc"] is None
    assert found["swap"]["content_kept"] is not None
    assert found["summary"]["pr_auc_style"] is None


# Small numbers


def test_styles_without_labels(project):
    """Contents are known and styles are not: what needs styles is None; swaps take the samples'."""
    found = project(ordinary(), forget_styles=True)
    assert found["leakage"]["style_from_z_s"]["accuracy"] is None
    assert found["swap"]["style_taken"] is None
    assert found["swap"]["content_kept"] is not None
    assert found["codebook"]["one_to_one"] > 0
    assert found["few_shot"]["samples_1"]["styles"] == {}


@pytest.mark.parametrize("contents", [1, 3])
def test_one_style_seen_and_one_unseen(project, contents):
    """No swap differs in style (or in content): its figures are None, and all else is measured."""
    split = {**BY_STYLE, "unseen_styles": ["b"]}
    found = project(ordinary(18, 2, contents), split)
    assert found["swap"]["content_kept"] is found["swap"]["style_taken"] is None
    assert list(found["zero_shot"]["styles"]) == ["b"]
    assert found["codebook"]["labels"] == contents


def test_one_content(project):
    found = project(ordinary(contents=1), content_names=["only"])
    assert found["codebook"]["one_to_one"] <= 1
    assert found["swap"]["content_kept"] is None
    assert found["leakage"]["content_from_z_c"] == {"accuracy": 1.0, "chance": 1.0}


@pytest.mark.parametrize("sizes", [{"style_dim": 1}, {"content_dim": 1}, {"atoms": 200}])
def test_one_dimension_and_more_atoms_than_fragments(project, sizes):
    found = project(ordinary(), **sizes)
    assert 0 <= found["summary"]["one_to_one"] <= 1


def test_a_handful_of_fragments(project):
    """Splits of one sample with one fragment, and no samples to adapt to."""
    samples = [(row % 2, [row % 3], 0) for row in range(8)]
    split = {"validation": 0.3, "test": 0.3, "unseen_styles": ["b"], "few_shot": []}
    found = project(samples, split, tsne={"fragments": 10, "perplexity": 9.0})
    assert list(found["few_shot"]) == ["source", "samples_0"]


# Names are data

ODD = [
    "$$",
    "$x^$",
    "_hidden",
    "",
    " ",
    "two\nlines\tand a tab",
    "\x01\x1b[31m",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
    "\u65e5\u672c\u8a9e",
    "\\frac{1}{0} %s {0}",
    "a" * 200,
    "b c " * 50,
]


def test_names_of_any_characters(project):
    samples = ordinary(96, len(ODD), len(ODD))
    found = project(
        samples,
        {**BY_STYLE, "unseen_styles": ["$$", "", "_hidden"]},
        content_names=ODD,
        style_names=ODD,
        source="$$ of " + " ".join(ODD) * 20,
    )
    assert set(found["zero_shot"]["styles"]) == {"$$", "", "_hidden"}
