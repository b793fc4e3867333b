"""What dvc.yaml and studies/*/dvc.yaml declare against the house rules.

Read as text, and as DVC itself resolves it; test_pipeline.py runs it.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from closure import BY_NAME, PACKAGES, ROOT, closure, module_file
from dvc.repo import Repo
from dvc.stage import PipelineStage
from project import stages

from v3.params import load_params

MAIN = ROOT / "dvc.yaml"
STUDIES = sorted((ROOT / "studies").glob("*/dvc.yaml"))
CORPORA = ("phonenums", "insnotes", "svhn", "sprites", "librispeech")


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
    """Every dataset of the main one; of each study the trainings that params.yaml lists."""
    assert {f"summary@{dataset}" for dataset in PARAMS.datasets} <= set(STAGES)
    studies = PARAMS.studies
    listed = [
        ("seeds", d, studies.seeds_of(d)) for d in (*studies.datasets, *studies.slow_datasets)
    ]
    for name, variant in studies.variants.items():
        listed += [(name, dataset, variant.seeds) for dataset in variant.datasets]
    wanted = {
        (f"studies/{study}/dvc.yaml", f"@{dataset}-{seed}")
        for study, dataset, seeds in listed
        for seed in seeds
    }
    found = re.findall(r"(?m)^(studies/.*):train\w*(@.*)$", "\n".join(STAGES))
    assert sorted(found) == sorted(wanted)


def test_deps_exist_or_are_made() -> None:
    for name, stage in STAGES.items():
        for path in inputs(stage):
            kin = any(out == path or out in path.parents or path in out.parents for out in OUTS)
            assert kin or (ROOT / path).is_file(), f"{name}: nothing makes {path}"


def test_params_are_sections() -> None:
    """One section deep: `-S` runs what reads the section, and a new parameter needs no entry."""
    variants = [[variant] for variant in PARAMS.studies.variants]
    for name, stage in STAGES.items():
        for parameter in (key for dep in stage.deps for key in getattr(dep, "params", [])):
            dataset, *section = parameter.split(".")
            deep = dataset in PARAMS.sections and len(section) == 1
            variant = section[:1] == ["variants"] and section[1:] in variants
            assert deep or (dataset == "studies" and (not section or variant)), (
                f"{name}: {parameter}"
            )


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


# --- what the scripts import --------------------------------------------------------------------


def scripts(stage: dict[str, Any]) -> list[Path]:
    """Files of the modules that a stage's command lines start."""
    lines = [stage["cmd"]] if isinstance(stage["cmd"], str) else stage["cmd"]
    found = []
    for line in lines:
        started = re.match(r"python -m ([\w.]+)", line)
        assert started, f"{line}: not `python -m`, could import another checkout's v3"
        file = module_file(started[1])
        assert file, f"{line}: no such module"
        found.append(file)
    return found


def named_stages() -> list[Any]:
    return [
        pytest.param(stage, id=name if file == MAIN else f"{file.parent.name}-{name}")
        for file in (MAIN, *STUDIES)
        for name, stage in stages(file).items()
    ]


@pytest.mark.parametrize("stage", named_stages())
def test_deps_are_what_the_script_imports(stage: dict[str, Any]) -> None:
    needed = {str(file) for script in scripts(stage) for file in closure(script)}
    named = {dep for dep in stage["deps"] if dep.endswith(".py")}
    assert named - needed == set(), "named and never imported"
    assert needed - named == set(), "imported and not named"


def test_no_stage_runs_before_the_parameters_are_checked() -> None:
    for name, stage in stages(MAIN).items():
        made = [dep for dep in stage["deps"] if dep.split("/")[0] not in PACKAGES]
        assert made, f"{name} depends on no other stage"


def test_no_dataset_names_in_core() -> None:
    files = [*(ROOT / "v3").rglob("*.py"), *(ROOT / "stages").rglob("*.py")]
    files += [ROOT / "Makefile", *(ROOT / "scripts").rglob("*.sh")]
    for file in files:
        text = file.read_text(encoding="utf-8")
        if file.is_relative_to(ROOT / "v3" / "corpora") or "from v3.corpora" in text:
            continue
        for name in CORPORA:
            assert name not in text.lower(), f"{file.relative_to(ROOT)} names {name}"


def test_no_import_by_name_is_overlooked() -> None:
    """What a module imports by a name that it makes up, `closure` has to be told."""
    for file in [*(ROOT / "v3").rglob("*.py"), *(ROOT / "stages").rglob("*.py")]:
        if re.search(
            r"\b(import_module|__import__|run_module|run_path)\(", file.read_text("utf-8")
        ):
            assert file.relative_to(ROOT) in BY_NAME, f"{file.relative_to(ROOT)} imports by name"
