"""The evaluation stages on corpora that are out of the ordinary: every sample a style of its own,
one content or one style, a handful of fragments, names of any characters, damaged splits.

The models are not trained: what the stages do does not depend on how good one is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML
from test_stages import EVALUATIONS, copy_of, metrics, stage

from v3.base.params_file import load_section
from v3.evaluation.styles import NOBODY, SAME_SAMPLES
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.model.spec import Spec
from v3.model.v3 import V3, ModelInfo, StyleChannel
from v3.training.params import TrainParams

ROOT = Path(__file__).parent.parent
SHAPE = (3, 8, 8)
GROUPS = {"seen": [0.7, 0.1, 0.2, 0], "new": [0, 0, 0, 1]}
SOURCE = "drawn in the tests"
SECTIONS = ("specs", "train", "retrieval", "tsne", "few_shot", "leakage", "swap", "baseline")
QUICK = {"train": {"batch_samples": 4}, "few_shot": {"passes": 1}, "swap": {"swaps": 30}}
Sample = tuple[int, Sequence[int], int]  # style, contents of its fragments, group


def write_corpus(
    path: Path,
    samples: Sequence[Sample],
    content_names: Sequence[str] = ("left", "middle", "right"),
    style_names: Sequence[str] = ("a", "b", "c", "d"),
    source: str = SOURCE,
) -> None:
    """Fragments (3, 8, 8): a bar in one of 3 places, each sample in its colour."""
    info = FragmentInfo(
        dataset="bars",
        source=source,
        content_names=tuple(content_names),
        style_names=tuple(style_names),
        offset=0.0,
        scale=1 / 255,
        group_names=("seen", "new"),
    )
    draw = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FragmentWriter(path, info, SHAPE, np.uint8) as writer:
        for row, (style, content, group) in enumerate(samples):
            fragments = draw.integers(0, 20, (len(content), *SHAPE)).astype(np.uint8)
            colour = draw.integers(80, 250, 3)[:, None, None]
            for fragment, place in zip(fragments, content, strict=True):
                fragment[:, :, 3 * (place % 3) : 3 * (place % 3) + 2] = colour
            writer.append(fragments, np.array(content), style, f"bars-{row}", group)


def write_params(split: dict[str, Any], **sections: dict[str, Any]) -> None:
    """The project's own defaults, for one corpus."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    section = {name: QUICK.get(name, {}) | sections.get(name, {}) for name in SECTIONS}
    content = {
        "datasets": ["bars"],
        "machine": params["machine"],
        "defaults": params["defaults"],
        "bars": {"split": {"seed": 0} | split, "spec": "laptop", **section},
        "studies": {},
    }
    with open("params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(content, file)


def write_model(spec: Spec, **sizes: int) -> None:
    """A model as it is before training."""
    torch.manual_seed(0)
    info = ModelInfo(
        dataset="bars", source=SOURCE, offset=0.0, scale=1 / 255, fragment_shape=SHAPE, variance=0.1
    )
    channel = StyleChannel(pooling="mean", noise=0.15)
    model = V3(Spec.from_dict(spec.to_dict() | sizes), info, channel)
    model.training_params = load_section("bars", "train", TrainParams).model_dump(mode="json")
    model.save("models/bars")


def ordinary(samples: int = 24, styles: int = 4, contents: int = 3) -> list[Sample]:
    """Samples of 3 to 6 fragments in so many styles and contents."""
    draw = np.random.default_rng(1)
    return [
        (row % styles, draw.integers(contents, size=3 + row % 4).tolist(), 0)
        for row in range(samples)
    ]


BY_STYLE = {"validation": 0.2, "test": 0.34, "unseen_styles": ["c", "d"], "few_shot": [1, 2]}


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
    """Contents are known and styles are not: what needs styles is None."""
    found = project(ordinary(), forget_styles=True)
    assert found["leakage"]["style_from_z_s"]["accuracy"] is None
    assert found["swap"]["content_kept"] is found["swap"]["style_taken"] is None
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


# Inputs that do not fit


def outcome(name: str) -> str:
    """What a stage says when it ends before its end, or nothing."""
    try:
        stage(name, "bars")
    except SystemExit as ended:
        return str(ended.code)
    return ""


@pytest.fixture
def evaluable(tmp_path, monkeypatch, tiny_spec):
    """A folder with all that an evaluation reads."""
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("data/bars/fragments.h5"), ordinary())
    write_params(BY_STYLE)
    write_model(tiny_spec)
    stage("split", "bars")
    return tmp_path


@pytest.mark.usefixtures("evaluable")
@pytest.mark.parametrize("name", ["zero_shot", "few_shot", "baseline"])
def test_a_split_without_unseen_samples(name):
    """What the file lacks is told by its name, whether the part is empty or not there."""
    file = Path("data/bars/split.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["splits"]["unseen_test"] = []
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"data/bars/split\.json has no sample in .*unseen_test"):
        stage(name, "bars")
    del content["splits"]["unseen_test"]
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"split\.json has no part 'unseen_test'.*bars\.split\.unseen_styles"
    ):
        stage(name, "bars")
    assert not Path("metrics").exists()


@pytest.mark.usefixtures("evaluable")
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_split_with_an_empty_part(part):
    file = Path("data/bars/split.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["splits"][part] = []
    file.write_text(json.dumps(content), encoding="utf-8")
    for name in EVALUATIONS:
        with pytest.raises(SystemExit, match=rf"split\.json .*'{part}'"):
            stage(name, "bars")


@pytest.mark.usefixtures("evaluable")
def test_no_sample_to_adapt_to():
    file = Path("data/bars/split.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["splits"]["unseen_1"] = []
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"split\.json has no sample in its part 'unseen_1'"):
        stage("few_shot", "bars")


@pytest.mark.usefixtures("evaluable")
def test_a_train_part_without_labels_is_told(capsys):
    """It may be so: training needs none. What needs them there is null, and says why."""
    split = json.loads(Path("data/bars/split.json").read_text(encoding="utf-8"))["splits"]
    with h5py.File("data/bars/fragments.h5", "r+") as file:
        content = file["content"][()]
        content[np.isin(file["sample"][()], split["train"])] = -1
        file["content"][...] = content
    stage("swap", "bars")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "content_kept" in said
    assert "'train' has not two labels of content" in said
    assert metrics(Path(), "swap")["content_kept"] is None
    stage("leakage", "bars")  # its probes learn from the validation split, too
    assert capsys.readouterr().out == ""
    assert metrics(Path(), "leakage")["content_from_z_c"]["accuracy"] is not None


@pytest.mark.usefixtures("evaluable")
def test_a_model_of_other_units():
    with h5py.File("data/bars/fragments.h5", "r+") as file:
        file.attrs["scale"] = 0.5
    with pytest.raises(SystemExit, match=r"was trained on fragments of offset and scale .*0\.5"):
        stage("codebook", "bars")


@pytest.mark.usefixtures("evaluable")
@pytest.mark.parametrize("part", ["train", "validation", "test", "unseen_test", "unseen_2"])
def test_a_value_that_is_not_finite(part):
    """In whatever part: whatever reads it names fragment and sample, and writes no figure of it."""
    split = json.loads(Path("data/bars/split.json").read_text(encoding="utf-8"))["splits"]
    sample = split[part][0]
    with h5py.File("data/bars/fragments.h5", "r+") as file:
        row = int(np.flatnonzero(file["sample"][()] == sample)[0])
        values = file["fragments"][()].astype(np.float32)
        values[row, 0, 0, 0] = np.nan
        del file["fragments"]
        file["fragments"] = values
    refused = set()
    for name in EVALUATIONS:
        said = outcome(name)
        if said:
            assert re.search(rf"fragment {row} \(of (bars-|sample ){sample}\)", said)
            assert not Path(f"metrics/bars/{name}.json").exists()
            refused.add(name)
    assert "few_shot" in refused or part == "train"
    if part == "test":
        assert refused >= {"codebook", "retrieval", "tsne", "leakage", "swap"}


@pytest.mark.usefixtures("evaluable")
def test_a_model_of_other_fragments(tiny_spec):
    torch.manual_seed(0)
    info = ModelInfo(
        dataset="bars",
        source=SOURCE,
        offset=0.0,
        scale=1.0,
        fragment_shape=(1, 16, 16),
        variance=0.1,
    )
    V3(tiny_spec, info).save("models/bars")
    with pytest.raises(SystemExit, match=r"models/bars was trained on .*\(1, 16, 16\).*dvc repro"):
        stage("codebook", "bars")


def test_the_same_again_is_the_same_bytes(evaluable, tmp_path_factory, monkeypatch):
    again = copy_of(evaluable, tmp_path_factory.mktemp("again") / "project")
    names = ("codebook", "tsne", "swap")
    for name in names:
        stage(name, "bars")
    monkeypatch.chdir(again)
    for name in names:
        stage(name, "bars")
    for file in sorted([*evaluable.rglob("*.png"), *evaluable.rglob("metrics/**/*.json")]):
        assert (again / file.relative_to(evaluable)).read_bytes() == file.read_bytes(), file.name
    assert metrics(again, "swap")["source"] == SOURCE
