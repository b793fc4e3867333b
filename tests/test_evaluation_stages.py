"""The evaluation stages where every sample is a style of its own and the split goes by groups."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from test_stages import EVALUATIONS, copy_of, metrics, stage, write_params

from v3.evaluation.styles import NOBODY, SAME_SAMPLES
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

ROOT = Path(__file__).parent.parent
GROUPS = {"seen": [0.7, 0.1, 0.2, 0], "new": [0, 0, 0, 1]}
SAMPLES = 72


def write_samples(path: Path, lengths: tuple[int, ...]) -> None:
    """72 samples of fragments (3, 8, 8): a bar in one of 3 places, each sample in its colour.

    The last 12 are the group "new", the others "seen".
    """
    info = FragmentInfo(
        dataset="bars",
        source="drawn in the tests",
        content_names=("left", "middle", "right"),
        style_names=tuple(f"sample {row}" for row in range(SAMPLES)),
        offset=0.0,
        scale=1 / 255,
        group_names=("seen", "new"),
    )
    draw = np.random.default_rng(0)
    with FragmentWriter(path, info, (3, 8, 8), np.uint8) as writer:
        for sample in range(SAMPLES):
            content = draw.integers(3, size=lengths[sample % len(lengths)])
            fragments = draw.integers(0, 20, (len(content), 3, 8, 8)).astype(np.uint8)
            colour = draw.integers(80, 250, 3)[:, None, None]
            for fragment, place in zip(fragments, content, strict=True):
                fragment[:, :, 3 * place : 3 * place + 2] = colour
            writer.append(fragments, content, sample, f"bars-{sample}", sample // 60)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, tiny_spec):
    """A project folder with a model of samples of 2 to 5 fragments, evaluated."""
    folder = tmp_path_factory.mktemp("grouped")
    (folder / "v3").symlink_to(ROOT / "v3")
    (folder / "data" / "bars").mkdir(parents=True)
    write_samples(folder / "data" / "bars" / "fragments.h5", (2, 3, 4, 5))
    write_params(folder, tiny_spec.to_dict())
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    params["bars"]["split"] = {"seed": 0, "few_shot": [1, 2], "groups": GROUPS}
    with open(folder / "params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(params, file)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("split", "train", *EVALUATIONS, "summary"):
            stage(name, "bars")
    return folder


def test_styles_are_measured_within_samples(grouped):
    leakage, swap = metrics(grouped, "leakage"), metrics(grouped, "swap")
    assert leakage["style_by"] == swap["style_by"] == SAME_SAMPLES
    assert 0 <= leakage["style_from_z_c"]["accuracy"] <= 1
    assert leakage["style_from_z_s"]["chance"] < 0.3
    assert 0 <= swap["style_taken"] <= 1
    assert 0 <= swap["style_classifier_accuracy"] <= 1


def test_one_unseen_group_adapts_to_one_sample(grouped):
    split = json.loads((grouped / "data/bars/split.json").read_text(encoding="utf-8"))["splits"]
    assert len(split["unseen_1"]) == 1
    found = metrics(grouped, "few_shot")
    assert list(found) == ["source", "samples_0", "samples_1", "samples_2"]
    assert np.isfinite(found["samples_1"]["accuracy"])


def test_the_summary_is_whole(grouped):
    summary = metrics(grouped, "summary")
    assert all(value is not None for value in summary.values())
    assert isinstance(summary["beats_baseline"], bool)
    assert metrics(grouped, "retrieval")["style_by_z_s"]["k"] == [1, 2, 3, 4]


def test_single_fragments_cannot_teach(grouped, tmp_path, monkeypatch):
    """Where every sample is one fragment, figures of style are absent and the reason is told."""
    monkeypatch.chdir(copy_of(grouped, tmp_path / "project"))
    write_samples(Path("data/bars/fragments.h5"), (1,))
    for name in ("leakage", "swap"):
        stage(name, "bars")
        assert metrics(Path(), name)["style_by"] == NOBODY
    assert metrics(Path(), "leakage")["style_from_z_s"] == {"accuracy": None, "chance": None}
    assert metrics(Path(), "swap")["style_taken"] is None
