"""The stages as dvc.yaml declares them, against what their scripts import and what house rules say.

The stages are read by DVC itself, so that foreach, matrix and anchors need no second reading here.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import PipelineStage

from tests.closure import ROOT, closure
from v3.params import load_params

DATASETS = {"phonenums", "insnotes", "svhn", "sprites", "librispeech"}


def stages() -> list[PipelineStage]:
    """Every stage of every dvc.yaml, its paths relative to the root."""
    with Repo(str(ROOT)) as repo:
        return [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]


STAGES = {stage.addressing: stage for stage in stages()}


def scripts(stage: PipelineStage) -> list[Path]:
    """The stage scripts that its commands run."""
    commands = stage.cmd if isinstance(stage.cmd, list) else [stage.cmd]
    found = [re.findall(r"^python -m stages\.(\w+)\b", command) for command in commands]
    assert all(found), f"{stage.addressing} runs something else than a stage script: {commands}"
    return [Path("stages") / f"{name}.py" for (name,) in found]


def paths(entries: list) -> set[str]:
    """Files and folders among a stage's deps or outs, from the root; parameters left out."""
    return {os.path.relpath(entry.fs_path, ROOT) for entry in entries if entry.fs_path}


def files_of(stage: PipelineStage) -> set[str]:
    return paths([dep for dep in stage.deps if dep.protocol is None and not params_of_dep(dep)])


def params_of_dep(dep: object) -> list[str]:
    return list(getattr(dep, "params", []))


def test_every_pipeline_is_read() -> None:
    assert {"check_params", "train@phonenums", "summary@insnotes"} <= set(STAGES)
    assert any("studies/seeds" in name for name in STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_deps_are_what_the_script_imports(name: str) -> None:
    """Both ways: a missing one leaves old results standing, one too many retrains for nothing."""
    stage = STAGES[name]
    needed = {str(file) for script in scripts(stage) for file in closure(script)}
    declared = {file for file in files_of(stage) if file.endswith(".py")}
    assert declared - needed == set(), "in deps, but not imported"
    assert needed - declared == set(), "imported, but not in deps"


@pytest.mark.parametrize("name", STAGES)
def test_deps_and_params_exist_or_are_made(name: str) -> None:
    made = [Path(path) for stage in STAGES.values() for path in paths(stage.outs)]
    for file in files_of(STAGES[name]):
        path = Path(file)
        kin = any(out == path or out in path.parents or path in out.parents for out in made)
        assert kin or (ROOT / path).is_file(), f"nothing makes {file}"
    sections = load_params(ROOT / "params.yaml").sections
    for dep in STAGES[name].deps:
        for parameter in params_of_dep(dep):
            dataset, *section = parameter.split(".")
            assert (parameter == "studies") or (dataset in sections and len(section) == 1)


@pytest.mark.parametrize("name", STAGES)
def test_what_a_stage_leaves(name: str) -> None:
    """Small results in git, large ones in DVC's cache, and nothing that outlives a change."""
    for out in STAGES[name].outs:
        path = os.path.relpath(out.fs_path, ROOT)
        assert not out.persist, f"{path}: an old output would survive a changed parameter"
        ignored = not subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode
        assert out.use_cache == ignored, f"{path}: either DVC keeps it or git does"


def test_no_two_modules_for_one_thing_only() -> None:
    """Every module of the package is some stage's; a module that none needs is dead."""
    used = {file for stage in STAGES.values() for file in files_of(stage)}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "v3").rglob("*.py")}
    assert modules - used == set()


def test_no_dataset_names_in_core() -> None:
    """Whatever differs between datasets is a parameter; only a corpus' own code knows its name."""
    names = DATASETS | set(load_params(ROOT / "params.yaml").sections)
    pattern = re.compile("|".join(names), re.IGNORECASE)
    core = [file for file in (ROOT / "v3").rglob("*.py") if "corpora" not in file.parts]
    for script in (ROOT / "stages").glob("*.py"):
        if not any("corpora" in file.parts for file in closure(script.relative_to(ROOT))):
            core.append(script)
    core += [ROOT / "Makefile", *(ROOT / "scripts").iterdir()]
    found = {
        f"{file.relative_to(ROOT)}:{number}"
        for file in core
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    }
    assert found == set()


def test_labels_never_reach_training() -> None:
    """The modules of training do not so much as name the labels of fragments or samples."""
    for name in ("loss", "objective", "batches", "training", "adaptation", "augment", "quantizer"):
        text = (ROOT / "v3" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"\bfile\.(content|style)\b(?!_)", text), f"v3/{name}.py reads labels"
        assert not re.search(r"\blabels?\b *[=:\[(]", text), f"v3/{name}.py has labels"


def test_modules_stay_short() -> None:
    for folder in ("v3", "stages", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            lines = file.read_text(encoding="utf-8").count("\n")
            assert lines <= 350, f"{file.relative_to(ROOT)} has {lines} lines"
