"""The stages on what is damaged, missing, unknown or out of bounds: each ends in one sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT
from ruamel.yaml import YAML
from stage_runs import EVALUATIONS, copy_of, stage


@pytest.mark.parametrize(
    "damaged",
    [
        "data/bars/fragments.h5",
        "data/bars/split.json",
        "models/bars/model.json",
        "models/bars/model.safetensors",
    ],
)
@pytest.mark.parametrize("missing", [False, True], ids=["half", "missing"])
def test_damaged_inputs_end_in_one_sentence(trained, tmp_path, monkeypatch, damaged, missing):
    folder = copy_of(trained, tmp_path / "project")
    monkeypatch.chdir(folder)
    shutil.rmtree(folder / "metrics")
    shutil.rmtree(folder / "plots")
    whole = (folder / damaged).read_bytes()
    (folder / damaged).write_bytes(whole[: len(whole) // 2])
    if missing:
        (folder / damaged).unlink()
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    for name in EVALUATIONS:
        if name == "bound" and damaged.startswith("models/"):
            continue  # it needs none
        with pytest.raises(SystemExit) as ended:
            stage(name, "bars")
        message = str(ended.value.code)
        assert message.startswith("error: ")
        assert Path(damaged).name in message
        assert "dvc repro" in message
        assert "\n" not in message
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before


def test_a_damaged_model_as_a_command(trained, tmp_path):
    folder = copy_of(trained, tmp_path / "project")
    weights = folder / "models" / "bars" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    done = subprocess.run(
        [sys.executable, "-m", "stages.codebook", "bars"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: ")


def test_an_unknown_dataset_is_told(trained, monkeypatch):
    monkeypatch.chdir(trained)
    with pytest.raises(SystemExit, match=r"nobody is no dataset of params\.yaml"):
        stage("swap", "nobody")


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_of_the_command_line_has_the_bounds_of_any_other(trained, monkeypatch, seed):
    monkeypatch.chdir(trained)
    with pytest.raises(SystemExit, match="--seed must be "):
        stage("train", "bars", "--seed", seed)
    with pytest.raises(SystemExit, match="--seed must be "):
        stage("collect_seed", "bars", "--seed", seed)


@pytest.mark.parametrize(
    ("file", "keys", "value", "said"),
    [
        (
            "params.yaml",
            ["bars", "train", "fragments_per_sample"],
            10**12,
            r"bars\.train\.fragments_per_sample \(is 10+\) .*: lower one",
        ),
        ("data/bars/spec.json", ["atoms"], 1000, r"spec\.json has 1000 atoms, more than the \d+ f"),
        (
            "data/bars/split.json",
            ["splits", "validation"],
            [],
            r"no sample in its part 'validation'",
        ),
    ],
)
def test_what_cannot_be_trained_is_told_first(
    trained, tmp_path, monkeypatch, file, keys, value, said
):
    monkeypatch.chdir(copy_of(trained, tmp_path / "project"))
    yaml = YAML(typ="safe", pure=True)  # which reads JSON, too
    content = yaml.load(Path(file).read_text(encoding="utf-8"))
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    Path(file).write_text(json.dumps(content), encoding="utf-8")
    before = Path("models/bars/model.safetensors").read_bytes()
    with pytest.raises(SystemExit, match=said):
        stage("train", "bars")
    assert Path("models/bars/model.safetensors").read_bytes() == before


def test_damaged_curves_and_metrics(evaluated, tmp_path, monkeypatch):
    monkeypatch.chdir(copy_of(evaluated, tmp_path / "project"))
    Path("metrics/bars/swap.json").write_text('{"source": "x"}', encoding="utf-8")
    with pytest.raises(SystemExit, match="swap holds no content_kept"):
        stage("summary", "bars")
    about = Path("models/bars/model.json")
    whole = about.read_text(encoding="utf-8")
    about.write_text('{"info": 3}', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"model\.json .*is not whole .*dvc repro"):
        stage("card", "bars")
    about.write_text(whole, encoding="utf-8")
    Path("metrics/bars/train.json").unlink()
    with pytest.raises(SystemExit, match=r"train\.json is missing"):
        stage("curves", "bars")
    table = next(Path("plots/bars/train").rglob("total.tsv"))
    table.write_text("step\ttotal\n20\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"total\.tsv is damaged"):
        stage("curves", "bars")
