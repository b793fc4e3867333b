"""What tables are made of: metrics, parameters, and locks, which say whose code trained what."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

# Where the chance of a headline figure stands: metric file, keys down to it.
CHANCE = {
    "one_to_one": ("codebook", "chance_one_to_one"),
    "purity": ("codebook", "chance_purity"),
    "zero_shot": ("zero_shot", "chance"),
    "few_shot": ("zero_shot", "chance"),
    "zero_shot_purity": ("zero_shot", "chance_purity"),
    "leakage": ("leakage", "content_from_decoder_style", "chance"),
    "pr_auc_content": ("retrieval", "content_by_z_c", "chance_pr_auc"),
    "pr_auc_style": ("retrieval", "style_by_z_s", "chance_pr_auc"),
    "pr_auc_content_crossed": ("retrieval", "content_by_z_s", "chance_pr_auc"),
    "pr_auc_style_crossed": ("retrieval", "style_by_z_c", "chance_pr_auc"),
}


@cache
def read(file: Path) -> Any:
    """A JSON file; an empty mapping if it is not there."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


@cache
def read_yaml(file: Path) -> Any:
    """A YAML file; an empty mapping if it is not there."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a lock has thousands of lines
    return yaml.load(file.read_bytes(), loader) if file.is_file() else {}


def params() -> Any:
    return read_yaml(ROOT / "params.yaml")


def datasets() -> list[str]:
    return list(params()["datasets"])


def metric(dataset: str, stage: str, *keys: str) -> Any:
    """What stands in metrics/<dataset>/<stage>.json under the keys; None if nothing does."""
    value = read(ROOT / "metrics" / dataset / f"{stage}.json")
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def summary(dataset: str, name: str) -> Any:
    return metric(dataset, "summary", name)


def figure_chance(dataset: str, name: str) -> Any:
    found = CHANCE.get("few_shot" if name.startswith("few_shot_") else name)
    return metric(dataset, *found) if found else None


def study(name: str, dataset: str) -> Any:
    return read(ROOT / "studies" / name / "metrics" / f"{dataset}.json")


def studied(name: str) -> list[str]:
    found = params()["studies"][name]
    return [*listed(found["datasets"]), *listed(found.get("slow_datasets", []))]


def listed(value: Any) -> list[str]:
    """A list of params.yaml, which may be text with commas."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else [*value]


# --- whose code trained what --------------------------------------------------------------------


def same_code(name: str, dataset: str) -> bool:
    """Whether a study's models are of the code of the main ones, as far as the locks tell."""
    code = trained_by(name, dataset)
    return bool(code) and code == main_code(dataset)


def trained_by(name: str, dataset: str) -> dict[str, str]:
    """Digests of the code that a study trained a dataset with, by file or folder."""
    folder = ROOT / "studies" / name
    below = folder / "corpora"  # of genuine corpora
    lock = (below if below.is_dir() else folder) / "dvc.lock"
    stages = read_yaml(lock).get("stages", {})
    for key, stage in stages.items():
        if re.match(rf"train\w*@{dataset}-", key):
            # paths of a study's lock are relative to its own folder, or to wdir, the project's
            return {dep["path"].removeprefix("../../"): dep["md5"] for dep in code_of(stage)}
    return {}


def main_code(dataset: str) -> dict[str, str]:
    stages = read_yaml(ROOT / "dvc.lock").get("stages", {})
    # a corpus that the main pipeline does not have is compared with any that it has
    trained = {name: stage for name, stage in stages.items() if name.startswith("train@")}
    stage: Any = trained.get(f"train@{dataset}") or next(iter(trained.values()), {})
    return {dep["path"]: dep["md5"] for dep in code_of(stage)}


def code_of(stage: Any) -> list[Any]:
    return [
        dep
        for dep in stage.get("deps", [])
        if dep["path"].removeprefix("../../").startswith(("v3/", "stages/"))
    ]
