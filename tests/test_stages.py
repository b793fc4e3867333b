"""The stages that follow a model, from its training to the study of seeds, on a tiny corpus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from stage_runs import EVALUATIONS, copy_of, metrics, stage

from v3.evaluation.styles import OTHER_SAMPLES

MEASURED = [stage for stage in EVALUATIONS if stage != "tsne"]


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
