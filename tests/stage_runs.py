"""The stages of a tiny corpus of bars, run in this process as their command lines would be.

Arguments, parameters and files are real.
"""

from __future__ import annotations

from v3.base.cli import run

import importlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from project import ROOT
from ruamel.yaml import YAML

from v3.model.spec import Spec

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


def run_in(folder: Path, stages: Iterable[tuple[str, ...]]) -> None:
    """Stages with their arguments, one after another, in a folder that is left afterwards."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name, *arguments in stages:
            stage(name, *arguments)
    finally:
        os.chdir(before)


def train_in(folder: Path, fragments: Path, spec: Spec) -> Path:
    """A project folder with fragments, a split and a model, as the earlier stages leave it."""
    (folder / "v3").symlink_to(ROOT / "v3")
    (folder / "data" / "bars").mkdir(parents=True)
    shutil.copy(fragments, folder / "data" / "bars" / "fragments.h5")
    write_params(folder, spec.to_dict())
    run_in(folder, [("check_params",), ("split", "bars"), ("spec", "bars"), ("train", "bars")])
    return folder


def evaluate_copy(project: Path, folder: Path) -> Path:
    """The same folder after all that follows training."""
    copy_of(project, folder)
    run_in(folder, [(name, "bars") for name in ("curves", *EVALUATIONS, "summary", "card")])
    return folder


def copy_of(project: Path, folder: Path) -> Path:
    shutil.copytree(project, folder, symlinks=True)
    return folder


def metrics(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / "metrics" / "bars" / f"{name}.json").read_text(encoding="utf-8"))
