"""The pipeline as DVC really runs it: the whole DAG, tiny, in a git repository of its own."""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from dvc.utils.hydra import apply_overrides
from PIL import Image
from project import TINY, Project, shared_stages
from ruamel.yaml import YAML

DATASET = "phonenums"
UP_TO_DATE = "Data and pipelines are up to date."
# Keys in metric files of numbers that count something; all others are shares.
COUNT = re.compile(
    r"k|active_codes|atoms|perplexity|.*steps?|.*_perplexity|.*_error|fragments|.*_db|.*_rank"
    r"|gap_recovered.*"
)
# What cannot be measured where every sample has a style of its own, or a bound is no better.
MAY_BE_NULL = (
    "verification_style",
    "verification_content",
    "gap_recovered",
    "gap_recovered_unseen",
)


def outputs(project: Project, kind: str) -> Iterator[Path]:
    """Files and folders under `metrics` or `plots` of dvc.yaml, for every dataset."""
    params = yaml.safe_load((project.folder / "params.yaml").read_text(encoding="utf-8"))
    for stage in shared_stages(project.folder).values():
        for entry in stage.get(kind, []):
            for dataset in params["datasets"]:
                name = entry if isinstance(entry, str) else next(iter(entry))
                yield project.folder / name.replace("${item}", dataset)


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a metric file, with the key that it stands under."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item, name)
    elif not isinstance(value, str) and not (value is None and name in MAY_BE_NULL):
        assert value is not None, f"{name} is null"
        yield name, value


def test_every_metric_is_there_and_in_range(project: Project) -> None:
    for file in outputs(project, "metrics"):
        metrics = json.loads(file.read_text(encoding="utf-8"))
        if file.name == "codes.json":  # right codes have the same mean in every sample
            for name in ("content", "between"):
                if metrics["ratios"][name] is None:
                    del metrics["ratios"][name]
        found = list(numbers(metrics))
        assert found, f"{file} holds no number"
        assert "source" in metrics or "audio" in file.name, f"{file} does not tell its source"
        for name, value in found:
            assert math.isfinite(value), f"{file}: {name} is {value}"
            if file.name == "codes.json" and name in metrics["ratios"]:
                assert value >= 0, f"{file}: {name} is {value}"
            elif file.parent.parent.name == "metrics" and not COUNT.fullmatch(name):
                assert 0 <= value <= 1, f"{file}: {name} is {value}"


def test_every_plot_is_there_and_opens(project: Project) -> None:
    for place in outputs(project, "plots"):
        files = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
        assert files, f"{place} is missing or empty"
        for file in files:
            assert file.stat().st_size > 0, f"{file} is empty"
            if file.suffix == ".png":
                with Image.open(file) as picture:
                    picture.load()
                    low_high = picture.convert("L").getextrema()
                    assert min(picture.size) >= 100, f"{file} is {picture.size}"
                    assert low_high[0] != low_high[1], f"{file} shows nothing"
            else:
                assert file.suffix in (".tsv", ".csv", ".json"), f"{file}: what is it?"


def test_a_second_repro_does_nothing(project: Project) -> None:
    assert UP_TO_DATE in project.dvc("repro")
    assert project.git("status", "--porcelain") == ""


def test_a_fresh_clone_has_nothing_to_run(project: Project, tmp_path: Path) -> None:
    clone = project.clone(tmp_path / "clone")
    assert UP_TO_DATE in clone.dvc("repro", "--dry", "--allow-missing")


def edit(project: Project, name: str) -> None:
    """A comment more, at the end of a module."""
    file = project.folder / name
    file.write_text(file.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")


def override(project: Project, *changes: str) -> None:
    """What `dvc exp run -S` writes into params.yaml."""
    apply_overrides(str(project.folder / "params.yaml"), list(changes))


def data_stages(stale: set[str]) -> set[str]:
    """Of the stages that would run those that make fragments, of a corpus in the second group."""
    return {name for name in stale if name.startswith("corpora/")}


TRAINS = {f"train@{dataset}" for dataset in TINY}
BORDERS: dict[str, tuple[str, set[str]]] = {
    # what is edited: (a stage that runs for it, data stages that run)
    "v3/plots/grids.py": (f"evaluation/dvc.yaml:swap@{DATASET}", set()),
    "v3/evaluation/common.py": (f"evaluation/dvc.yaml:codebook@{DATASET}", set()),
    "v3/report/card.py": (f"card@{DATASET}", set()),
    "v3/standins/svhn/scene.py": (
        "corpora/svhn/dvc.yaml:svhn_download",
        {"corpora/svhn/dvc.yaml:svhn_download"},
    ),
    "v3/corpora/sprites/sheet.py": (
        "corpora/sprites/dvc.yaml:sprites_compose",
        {"corpora/sprites/dvc.yaml:sprites_download", "corpora/sprites/dvc.yaml:sprites_compose"},
    ),
    "v3/adaptation.py": (f"evaluation/dvc.yaml:few_shot@{DATASET}", set()),
    "stages/tsne.py": (f"evaluation/dvc.yaml:tsne@{DATASET}", set()),
    "defaults.tsne.perplexity=4": (f"evaluation/dvc.yaml:tsne@{DATASET}", set()),
    "defaults.bound.steps=4": (f"evaluation/dvc.yaml:bound@{DATASET}", set()),
    "machine.threads=2": ("check_params", set()),
    "machine.workers=2": ("check_params", set()),
    "machine.checkpoint_every=7": ("check_params", set()),
    f"{DATASET}.specs.paper.atoms=12": (f"spec@{DATASET}", set()),
    "defaults.specs.paper.content_dim=32": (f"spec@{DATASET}", set()),
    "studies.seeds.slow_seeds=[0]": ("check_params", set()),
}


@pytest.mark.parametrize("what", BORDERS)
def test_an_edit_that_retrains_nothing(project: Project, what: str) -> None:
    runs, data = BORDERS[what]
    (override if "=" in what else edit)(project, what)
    try:
        stale = project.stale()
    finally:
        project.git("checkout", "-q", ".")
    assert runs in stale
    assert stale & TRAINS == set()
    assert data_stages(stale) == data


@pytest.mark.parametrize(
    ("what", "trained"),
    [
        ("v3/training/loss.py", TRAINS),
        ("v3/training/augment.py", TRAINS),
        ("v3/model/quantizer.py", TRAINS),
        ("v3/model/networks.py", TRAINS),
        (f"{DATASET}.train.relativity=10", {f"train@{DATASET}"}),
        (f"+{DATASET}.train.clip_norm=1", {f"train@{DATASET}"}),
        ("defaults.train.steps=100", TRAINS),
    ],
)
def test_an_edit_that_retrains(project: Project, what: str, trained: set[str]) -> None:
    (override if "=" in what else edit)(project, what)
    try:
        stale = project.stale()
    finally:
        project.git("checkout", "-q", ".")
    assert stale & TRAINS == trained
    assert data_stages(stale) == set()
    assert [name for name in stale if name.startswith("split@")] == []


def test_the_network_that_is_used_is_trained_anew(project: Project) -> None:
    """And no other: which one that is, stage `spec` has to write first."""
    override(project, f"{DATASET}.specs.laptop.atoms=12")
    try:
        project.dvc("repro", f"spec@{DATASET}")
        stale = project.stale()
    finally:
        project.git("checkout", "-q", ".")
        project.dvc("repro", f"spec@{DATASET}")
    assert stale & TRAINS == {f"train@{DATASET}"}
    assert project.stale() == set()


def test_an_own_dataset_is_made_alone(project: Project, tmp_path: Path) -> None:
    """`datasets: [mine]`, its fragments made by hand: nobody else's data is drawn or downloaded."""
    clone = project.clone(tmp_path / "clone")
    clone.dvc("config", "--local", "cache.dir", str(project.folder / ".dvc" / "cache"))
    yaml_file = YAML(typ="safe", pure=True)
    yaml_file.default_flow_style = False
    path = clone.folder / "params.yaml"
    params = yaml_file.load(path.read_text(encoding="utf-8"))
    mine = params["svhn"]
    params["mine"] = {
        key: value
        for key, value in mine.items()
        if key not in ("source", "download", "standin", "annotations", "crop")
    }
    params["mine"]["train"] |= {"steps": 20}
    params["datasets"] = ["mine"]
    with open(path, "w", encoding="utf-8") as file:
        yaml_file.dump(params, file)
    fragments = clone.folder / "data" / "mine" / "fragments.h5"
    fragments.parent.mkdir(parents=True)
    shutil.copy(project.folder / "data" / "svhn" / "fragments.h5", fragments)
    clone.dvc("repro")
    assert {entry.name for entry in (clone.folder / "data").iterdir()} == {"mine", "params.ok"}
    assert {entry.name for entry in (clone.folder / "models").iterdir()} == {"mine", "mine.md"}
    assert (clone.folder / "metrics" / "mine" / "summary.json").is_file()


@pytest.mark.parametrize("wrong", ["relativity=banana", "relativty=10"])
def test_a_bad_parameter_is_one_sentence_and_costs_no_result(project: Project, wrong: str) -> None:
    """DVC refuses a name that is not in the section, check_params a value that makes no sense."""
    before = project.digests()
    name = f"{DATASET}.train.{wrong.split('=')[0]}"
    said = project.dvc("exp", "run", "-S", f"{DATASET}.train.{wrong}", fails=True)
    error = next(line for line in said.splitlines() if line.lower().startswith("error:"))
    assert name in error, said
    assert "Traceback" not in said
    after = project.digests()
    params = str(project.folder / "params.yaml")
    assert {file for file in after if after[file] != before.get(file)} <= {params}
    # what DVC wrote into params.yaml stays until the same way is gone back
    project.dvc("exp", "run", "-S", f"{DATASET}.train.relativity=15.0", f"spec@{DATASET}")
    project.git("checkout", "-q", ".")
    assert project.stale() == set()


def test_an_unknown_name_that_is_added_is_told_how_to_type_it(project: Project) -> None:
    said = project.dvc("exp", "run", "-S", f"+{DATASET}.train.relativty=10", fails=True)
    error = next(line for line in said.splitlines() if line.lower().startswith("error:"))
    # listed in the section, so without a plus
    assert f"did you mean relativity? (`-S {DATASET}.train.relativity=...`)" in error
    project.git("checkout", "-q", ".")
    assert project.stale() == set()


def test_a_killed_training_ends_with_the_same_bytes(project: Project, tmp_path: Path) -> None:
    """From nothing but the commit: data and model are the same bytes in two places."""
    clone = project.clone(tmp_path / "clone")
    params = yaml.safe_load((clone.folder / "params.yaml").read_text(encoding="utf-8"))
    steps = params[DATASET]["train"]["steps"]
    draw = random.Random(0)
    reached = 0
    for third in range(3):  # three moments, each further on than the last
        reached = kill_training(clone, reached, int(steps * (third + draw.uniform(0.1, 0.7)) / 3))
        assert reached < steps
        assert not (clone.folder / "models" / DATASET).exists(), "the training had already ended"
    clone.dvc("repro", f"train@{DATASET}")
    assert list(clone.folder.glob("scratch/*/checkpoint.pt")) == [], "the checkpoint was left"

    for made in (f"data/{DATASET}", f"models/{DATASET}"):
        files = [p for p in (project.folder / made).rglob("*") if p.is_file()]
        files = [p for p in files if "codes" not in p.parts]  # an evaluation made these
        assert files
        for file in files:
            twin = clone.folder / file.relative_to(project.folder)
            assert twin.read_bytes() == file.read_bytes(), f"{twin} differs"
    metrics = Path("metrics") / DATASET / "train.json"
    assert (clone.folder / metrics).read_bytes() == (project.folder / metrics).read_bytes()


def kill_training(clone: Project, before: int, step: int) -> int:
    """Train on from step `before`; `kill -9` after a checkpoint of `step` or later, returned."""
    running = subprocess.Popen(
        ["dvc", "repro", f"train@{DATASET}"],
        cwd=clone.folder,
        env=clone.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    reached = before
    while running.poll() is None and reached <= max(before, step):
        time.sleep(0.002)
        now = saved_step(clone) or reached
        assert now >= reached, f"training began anew after step {before}"
        reached = now
    killed = running.poll() is None
    if killed:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert killed, f"no checkpoint after step {step} was seen"
    return saved_step(clone) or 0


def saved_step(clone: Project) -> int | None:
    """Step of the last checkpoint; None if there is none."""
    for file in clone.folder.glob("scratch/*/checkpoint.pt"):
        state = torch.load(file, weights_only=True)["state"]
        return int(state["step"])
    return None
