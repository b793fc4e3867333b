"""The evaluation stages on damaged splits and on inputs that do not fit one another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from bars import SOURCE, write_project
from stage_runs import EVALUATIONS, copy_of, metrics, stage

from v3.model.v3 import V3, ModelInfo


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
    write_project(tiny_spec)
    stage("split", "bars")
    return tmp_path


@pytest.mark.usefixtures("evaluable")
@pytest.mark.parametrize("name", ["zero_shot", "few_shot", "baseline", "bound"])
def test_a_split_without_unseen_samples(name):
    """What needs them is null and says why, whether the part is empty or not there."""
    file = Path("data/bars/split.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    unseen = [part for part in content["splits"] if part.startswith("unseen")]
    for there in (True, False):
        for part in unseen:
            content["splits"].pop(part, None)
        content["splits"] |= {"unseen_test": []} if there else {}
        file.write_text(json.dumps(content), encoding="utf-8")
        stage(name, "bars")
        assert "no style is kept out of training" in metrics(Path(), name)["left_out"]


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
