"""The stages that follow a model, from its training to the study of seeds, on a tiny corpus.

They run in this process, each as its command line would: arguments, parameters and files are real.
"""

from __future__ import annotations

from v3.base.cli import run

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from v3.evaluation.styles import OTHER_SAMPLES

ROOT = Path(__file__).parent.parent
EVALUATIONS = {
    "codebook": ["confusion.png", "code_by_style.png"],
    "retrieval": ["precision_recall.png"],
    "tsne": ["tsne.png"],
    "zero_shot": [],
    "few_shot": ["few_shot.png"],
    "leakage": [],
    "swap": ["reconstructions.png", "swap.png"],
    "baseline": [],
    "bound": [],
}
MEASURED = [stage for stage in EVALUATIONS if stage != "tsne"]
TRAIN: dict[str, Any] = {
    "steps": 40,
    "batch_samples": 4,
    "fragments_per_sample": 4,
    "validate_every": 20,
}
MACHINE = {"threads": 1, "device": "cpu", "checkpoint_every": 20}
SPLIT = {
    "validation": 0.2,
    "test": 0.34,
    "unseen_styles": ["c", "d"],
    "few_shot": [1, 2],
}
EVALUATED = ("retrieval", "tsne", "few_shot", "leakage", "swap", "baseline", "bound")


def stage(name: str, *arguments: str) -> None:
    """What `python -m stages.<name> <arguments>` does."""
    before, sys.argv = sys.argv, [name, *arguments]
    try:
        run(importlib.import_module(f"stages.{name}").main)
    finally:
        sys.argv = before


def write_params(folder: Path, spec: dict[str, Any]) -> None:
    """The project's own parameters, for one corpus of bars and two seeds."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    defaults = params["defaults"]
    defaults["swap"]["swaps"], defaults["few_shot"]["passes"] = 30, 2
    defaults["bound"]["steps"] = 20
    section: dict[str, Any] = {name: {} for name in EVALUATED}
    section |= {"split": SPLIT, "spec": "tiny", "specs": {"tiny": spec}, "train": TRAIN}
    content = {
        "datasets": ["bars"],
        "machine": params["machine"] | MACHINE,
        "defaults": defaults,
        "bars": section,
        "studies": {
            "seeds": {"datasets": ["bars"], "seeds": [3, 1]},
            "otherwise": {
                "datasets": ["bars"],
                "seeds": [1],
                "train": {"steps": 20},
                "spec": {"conditioning": "modulate"},
            },
        },
    }
    with open(folder / "params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(content, file)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_file, tiny_spec):
    """A project folder with fragments, a split and a model, as the earlier stages leave it."""
    folder = tmp_path_factory.mktemp("stages")
    (folder / "v3").symlink_to(ROOT / "v3")
    (folder / "data" / "bars").mkdir(parents=True)
    shutil.copy(tiny_file.path, folder / "data" / "bars" / "fragments.h5")
    write_params(folder, tiny_spec.to_dict())
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("check_params", "split", "spec", "train"):
            stage(name, *["bars"] * (name != "check_params"))
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """The same folder after all that follows training."""
    folder = copy_of(trained, tmp_path_factory.mktemp("evaluated") / "project")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("curves", *EVALUATIONS, "summary", "card"):
            stage(name, "bars")
    finally:
        os.chdir(before)
    return folder


def copy_of(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder, symlinks=True)
    return folder


def metrics(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / "metrics" / "bars" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MEASURED)
def test_metrics_tell_their_source_and_are_shares(evaluated, name):
    counts = {"active_codes", "perplexity", "atoms", "labels", "fragments", "k", "queries"}
    counts |= {"effective_rank", "pairs_same", "pairs_other", "best_step"}

    def shares(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for inner, item in value.items():
                shares(item, inner)
        elif isinstance(value, list):
            for item in value:
                shares(item, key)
        elif not isinstance(value, str) and key not in counts:
            assert 0 <= value <= 1, key

    found = metrics(evaluated, name)
    assert found["source"] == "drawn in the tests"
    shares(found)


@pytest.mark.parametrize("name", ["curves", *EVALUATIONS])
def test_pictures_are_there(evaluated, name):
    folder = evaluated / "plots" / "bars" / name
    pictures = {"curves": ["training.png"], **EVALUATIONS}[name]
    assert sorted(path.name for path in folder.glob("*.png")) == sorted(pictures)
    for picture in pictures:
        with Image.open(folder / picture) as image:
            assert len(np.unique(np.asarray(image.convert("L")))) > 10


def test_nothing_is_written_elsewhere(evaluated):
    names = {path.name for path in evaluated.iterdir()}
    assert names <= {"data", "models", "metrics", "plots", "params.yaml", "v3", "scratch"}
    assert not list(evaluated.rglob(".*-*")), "a temporary file was left"


def test_no_adaptation_is_zero_shot(evaluated):
    few_shot = metrics(evaluated, "few_shot")
    assert list(few_shot) == ["source", "samples_0", "samples_1", "samples_2"]
    zero_shot = metrics(evaluated, "zero_shot")
    assert few_shot["samples_0"] == {k: v for k, v in zero_shot.items() if k != "source"}
    assert set(zero_shot["styles"]) == {"c", "d"}


def test_codes_keep_their_meaning_when_the_model_adapts(trained, monkeypatch, tmp_path):
    """An adaptation that leads every fragment to the next code makes every answer wrong."""
    import stages.few_shot as few_shot

    def permuted(model, *_):
        adapted = type(model).load("models/bars")
        adapted.quantizer.atoms.copy_(model.quantizer.atoms.roll(1, 0))
        return adapted

    monkeypatch.chdir(copy_of(trained, tmp_path / "project"))
    monkeypatch.setattr(few_shot, "adapt", permuted)
    stage("few_shot", "bars")
    found = metrics(Path(), "few_shot")
    before, after = (found[f"samples_{count}"]["accuracy"] for count in (0, 1))
    assert after <= 1 - before


def test_a_study_trains_as_it_says(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(copy_of(trained, tmp_path / "project"))
    stage("train", "bars", "--seed", "1", "--study", "otherwise", "--run", "studies/otherwise")
    one, other = (
        json.loads((folder / "models/bars/model.json").read_text(encoding="utf-8"))
        for folder in (Path("studies/otherwise"), Path())
    )
    assert one["spec"] == other["spec"] | {"conditioning": "modulate"} != other["spec"]
    assert (one["training"]["steps"], one["training"]["seed"]) == (20, 1)


def test_leakage_names_what_reads_what(evaluated):
    found = metrics(evaluated, "leakage")
    probes = {"content_from_z_s", "content_from_decoder_style", "style_from_z_c"}
    probes |= {"content_from_z_c", "style_from_z_s"}
    of_samples = {"effective_rank", "verification_z_s", "verification_atoms"}
    assert set(found) == {"source", "style_by", *probes, *of_samples}
    assert found["style_by"] == metrics(evaluated, "swap")["style_by"] == OTHER_SAMPLES
    assert all(set(found[probe]) == {"accuracy", "chance"} for probe in probes)
    assert 1 <= found["effective_rank"] <= 8  # dimensions of z_s
    for of in ("z_s", "atoms"):  # samples of two unseen styles, all pairs
        counts = found[f"verification_{of}"]
        samples = (1 + (1 + 8 * (counts["pairs_same"] + counts["pairs_other"])) ** 0.5) / 2
        assert samples.is_integer()
        assert 0 <= counts["equal_error_rate"] <= 1


def test_summary_holds_the_figures_of_the_others(evaluated):
    summary = metrics(evaluated, "summary")
    assert summary["one_to_one"] == metrics(evaluated, "codebook")["one_to_one"]
    assert summary["zero_shot"] == metrics(evaluated, "zero_shot")["accuracy"]
    assert summary["few_shot_2"] == metrics(evaluated, "few_shot")["samples_2"]["accuracy"]
    leaked = metrics(evaluated, "leakage")["content_from_decoder_style"]["accuracy"]
    assert summary["leakage"] == leaked
    assert summary["zero_shot_purity"] == metrics(evaluated, "zero_shot")["purity"]
    baseline = metrics(evaluated, "baseline")
    better = max(baseline[given]["purity"] for given in ("raw", "components"))
    assert summary["baseline_purity"] == better
    assert summary["beats_baseline"] is (summary["purity"] > better)
    bound = metrics(evaluated, "bound")
    assert summary["bound_zero_shot"] == bound["zero_shot"]
    way = bound["purity"] - summary["baseline_purity"]
    gap = (summary["purity"] - summary["baseline_purity"]) / way if way > 0 else None
    assert summary["gap_recovered"] == gap
    words = {"source", "baseline_front_end", "gap_recovered", "gap_recovered_unseen"}
    assert all(isinstance(value, float | int) for key, value in summary.items() if key not in words)


def test_a_model_that_k_means_beats_is_told(evaluated, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(copy_of(evaluated, tmp_path / "project"))
    for purity, told in ((1.0, False), (0.25, True)):
        file = Path("metrics/bars/codebook.json")
        content = json.loads(file.read_text(encoding="utf-8")) | {"purity": purity}
        file.write_text(json.dumps(content), encoding="utf-8")
        baseline = Path("metrics/bars/baseline.json")
        content = json.loads(baseline.read_text(encoding="utf-8"))
        content["raw"]["purity"], content["components"]["purity"] = 0.4, 0.3
        baseline.write_text(json.dumps(content), encoding="utf-8")
        stage("summary", "bars")
        assert metrics(Path(), "summary")["beats_baseline"] is not told
        assert (
            "does not beat k-means: purity 0.250, k-means 0.400" in capsys.readouterr().out
        ) is told


def test_the_same_again_is_the_same_bytes(evaluated, tmp_path, monkeypatch):
    again = copy_of(evaluated, tmp_path / "again")
    shutil.rmtree(again / "metrics")
    (again / "metrics" / "bars").mkdir(parents=True)
    shutil.copy(evaluated / "metrics" / "bars" / "train.json", again / "metrics" / "bars")
    monkeypatch.chdir(again)
    for name in ("curves", *EVALUATIONS, "summary"):
        stage(name, "bars")
    for file in sorted((evaluated / "metrics").rglob("*.json")):
        twin = again / file.relative_to(evaluated)
        assert twin.read_bytes() == file.read_bytes(), file.name
    for file in sorted((evaluated / "plots").rglob("*.png")):
        assert (again / file.relative_to(evaluated)).read_bytes() == file.read_bytes(), file.name


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


def test_the_study_reads_the_seeds_of_the_parameters_alone(evaluated, tmp_path, monkeypatch):
    monkeypatch.chdir(copy_of(evaluated, tmp_path / "project"))
    for seed in (1, 3, 7):  # 7 is left from an earlier list
        run_folder = Path("studies/seeds/runs") / str(seed)
        shutil.copytree("metrics", run_folder / "metrics")
        codebook = run_folder / "metrics" / "bars" / "codebook.json"
        content = json.loads(codebook.read_text(encoding="utf-8"))
        codebook.write_text(json.dumps(content | {"one_to_one": seed / 10}), encoding="utf-8")
        stage("collect_seed", "bars", "--seed", str(seed), "--study", "studies/seeds")
    stage("summarise_seeds", "bars")
    found = json.loads(Path("studies/seeds/metrics/bars.json").read_text(encoding="utf-8"))
    assert found["one_to_one"] == {"3": 0.3, "1": 0.1}
    assert found["median"]["one_to_one"] == pytest.approx(0.2)
    assert found["worst"]["one_to_one"] == 0.1
    named = {"one_to_one", "purity", "leakage", "zero_shot", "few_shot_2", "pr_auc_content"}
    assert named <= set(found) & set(found["median"]) & set(found["worst"])
    assert found["source"] == "drawn in the tests"
    with Image.open("studies/seeds/plots/bars.png") as image:
        image.load()

    Path("studies/seeds/scores/bars/3.json").unlink()
    with pytest.raises(SystemExit, match=r"3\.json is missing"):
        stage("summarise_seeds", "bars")
