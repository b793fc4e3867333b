"""What dvc.yaml and studies/*/dvc.yaml declare, as DVC itself resolves it, against the house rules.

What their scripts import is compared in test_pipeline.py, which also runs them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dvc.repo import Repo
from dvc.stage import PipelineStage

from v3.params import load_params

ROOT = Path(__file__).parent.parent


def read_stages() -> dict[str, PipelineStage]:
    """Every stage of every dvc.yaml, with its foreach, matrix and anchors resolved."""
    with Repo(str(ROOT)) as repo:
        return {
            stage.addressing: stage
            for stage in repo.index.stages
            if isinstance(stage, PipelineStage)
        }


STAGES = read_stages()


def from_root(path: str) -> Path:
    return Path(os.path.relpath(path, ROOT))


def inputs(stage: PipelineStage) -> set[Path]:
    """Files and folders that a stage depends on; its parameters are deps of another kind."""
    return {from_root(dep.fs_path) for dep in stage.deps if not hasattr(dep, "params")}


PARAMS = load_params(ROOT / "params.yaml")
OUTS = {from_root(out.fs_path): out for stage in STAGES.values() for out in stage.outs}


def test_every_pipeline_is_read() -> None:
    assert {f"summary@{dataset}" for dataset in PARAMS.datasets} <= set(STAGES)
    for dataset in (*PARAMS.studies.datasets, *PARAMS.studies.slow_datasets):
        trained = [name for name in STAGES if ":train" in name and f"@{dataset}-" in name]
        assert len(trained) == len(PARAMS.studies.seeds_of(dataset))


def test_deps_exist_or_are_made() -> None:
    for name, stage in STAGES.items():
        for path in inputs(stage):
            kin = any(out == path or out in path.parents or path in out.parents for out in OUTS)
            assert kin or (ROOT / path).is_file(), f"{name}: nothing makes {path}"


def test_params_are_sections() -> None:
    """One section deep: `-S` runs what reads the section, and a new parameter needs no entry."""
    for name, stage in STAGES.items():
        for parameter in (key for dep in stage.deps for key in getattr(dep, "params", [])):
            dataset, *section = parameter.split(".")
            deep = dataset in PARAMS.sections and len(section) == 1
            assert deep or parameter == "studies", f"{name}: {parameter}"


def test_outputs_are_kept_by_dvc_or_by_git() -> None:
    """One of the two, or a result is lost; and none outlives a changed parameter."""
    asked = subprocess.run(
        ["git", "check-ignore", *OUTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    ignored = {Path(line) for line in asked.stdout.splitlines()}
    for path, out in OUTS.items():
        assert out.use_cache == (path in ignored), path
        assert not out.persist, path


def test_every_module_is_some_stages() -> None:
    """A module that no stage needs is dead."""
    used = set().union(*map(inputs, STAGES.values()))
    modules = {path.relative_to(ROOT) for path in (ROOT / "v3").rglob("*.py")}
    assert modules - used == set()


def test_modules_stay_short() -> None:
    for folder in ("v3", "stages"):
        for file in (ROOT / folder).rglob("*.py"):
            lines = len(file.read_text(encoding="utf-8").splitlines())
            assert lines <= 350, f"{file.relative_to(ROOT)} has {lines} lines"
