"""The plan of the house: dvc.yaml against what the code imports, and how the rooms hang together.

Read as text, and as DVC itself resolves it; test_pipeline.py runs it.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from dvc.stage import PipelineStage
from project import GENUINE, PIPELINES, ROOT, SHARED, STUDIES, stages

from v3.base.closure import BY_NAME, closure, imported, module_file
from v3.corpora.genuine import CORPORA as GENUINE_CORPORA
from v3.params import load_params

MAIN = ROOT / "dvc.yaml"
COMMANDS = [Path("v3/command/app.py"), Path("v3/api/fit.py")]  # and what people import
OF_OWN_DATA = {Path("stages/own_import.py")}  # of pipelines that `v3 new` writes: test_own_new.py
CORPORA = ("phonenums", "insnotes", "svhn", "sprites", "librispeech")
PARAMS = load_params(ROOT / "params.yaml")
SECTIONS = (*PARAMS.sections, *GENUINE_CORPORA)
DRIVER = "studies/genuine/dvc.yaml"  # has DVC run the pipeline beside it: without deps
MODULES = sorted(
    path.relative_to(ROOT) for folder in ("v3", "stages") for path in (ROOT / folder).rglob("*.py")
)


def copy_with_studies(folder: Path) -> Path:
    """The pipelines alone, in a repository in which DVC sees the studies, too."""
    for file in (*PIPELINES, ROOT / "params.yaml", ROOT / "scripts" / "studies.py"):
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".dvc").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, folder / "scripts/studies.py"], env=environment, check=True)
    return folder


def read_stages(folder: Path) -> dict[str, PipelineStage]:
    """Every stage of every dvc.yaml, with its foreach and its runs resolved."""
    with Repo(str(folder)) as repo:
        found = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
    places = {stage: os.path.relpath(stage.path, folder) for stage in found}
    return {
        stage.name if place == "dvc.yaml" else f"{place}:{stage.name}": stage
        for stage, place in places.items()
    }


_KEPT = tempfile.TemporaryDirectory()
COPY = copy_with_studies(Path(_KEPT.name).resolve())
STAGES = read_stages(COPY)


def from_copy(path: str) -> Path:
    return Path(os.path.relpath(path, COPY))


def inputs(stage: PipelineStage) -> set[Path]:
    """Files and folders that a stage depends on; its parameters are deps of another kind."""
    return {from_copy(dep.fs_path) for dep in stage.deps if not hasattr(dep, "params")}


OUTS = {from_copy(out.fs_path): out for stage in STAGES.values() for out in stage.outs}


def test_every_pipeline_is_read() -> None:
    """Every dataset of the main one; of each study the trainings that params.yaml lists."""
    assert {f"summary@{dataset}" for dataset in PARAMS.datasets} <= set(STAGES)
    assert "corpora/svhn/dvc.yaml:svhn_crop" in STAGES
    assert {file.parent.name for file in STUDIES} == set(PARAMS.studies)
    wanted = {
        (f"studies/{name}/dvc.yaml", f"@{run}")
        for name, study in PARAMS.studies.items()
        if name != "genuine"
        for dataset in (*study.datasets, *study.slow_datasets)
        for run in study.runs_of(dataset)
    }
    wanted |= {
        (str(GENUINE.relative_to(ROOT)), f"@{corpus}-{seed}")
        for corpus in GENUINE_CORPORA
        for seed in PARAMS.studies["genuine"].seeds_of(GENUINE_CORPORA[corpus].recipe)
    }
    assert {f"{DRIVER}:corpus@{corpus}" for corpus in GENUINE_CORPORA} <= set(STAGES)
    found = re.findall(r"(?m)^(studies/.*):train(@.*)$", "\n".join(STAGES))
    assert sorted(found) == sorted(wanted)


def test_deps_exist_or_are_made() -> None:
    above = {folder for out in OUTS for folder in out.parents}
    for name, stage in STAGES.items():
        for path in inputs(stage):
            made = path in above or not OUTS.keys().isdisjoint((path, *path.parents))
            assert made or (ROOT / path).exists(), f"{name}: nothing makes {path}"


def test_params_are_sections() -> None:
    """One section deep, the dataset's beside the defaults': a new parameter needs no entry."""
    shared = set(PARAMS.sections["phonenums"])
    for name, stage in STAGES.items():
        listed = [key for dep in stage.deps for key in getattr(dep, "params", [])]
        for parameter in listed:
            first, *rest = parameter.split(".")
            deep = first in (*SECTIONS, "defaults") and len(rest) == 1
            of_study = first == "studies" and rest[:1] and rest[0] in PARAMS.studies
            assert deep or of_study or parameter == "datasets", f"{name}: {parameter}"
            if first in SECTIONS and rest[0] in shared - {"spec", "pages"}:
                assert f"defaults.{rest[0]}" in listed, f"{name}: {parameter} without defaults"
        assert not [key for key in listed if key.startswith("machine")], name


def test_outputs_are_kept_by_dvc_or_by_git() -> None:
    """One of the two, or a result is lost; and none outlives a changed parameter."""
    asked = subprocess.run(
        ["git", "check-ignore", *OUTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    ignored = {Path(line) for line in asked.stdout.splitlines()}
    for path, out in OUTS.items():
        assert out.use_cache == (path in ignored), path
        assert not out.persist, path


def test_slow_stages_keep_the_run_cache() -> None:
    """A plain output that git keeps switches it off for a whole stage; metrics and plots do not."""
    for name, stage in STAGES.items():
        for out in stage.outs:
            plain = not (out.use_cache or out.metric or out.plot)
            assert not plain or not name.endswith(("train", "download")), f"{name}: {out}"


def test_every_module_is_some_stages() -> None:
    """A module that no stage needs, nor a command of people's, is dead."""
    started = [script.relative_to(ROOT) for script in ROOT.glob("stages/*.py")]
    used = {file for script in [*started, *COMMANDS] for file in closure(script)}
    code = {file for file in MODULES if file.name != "__init__.py"}
    assert code - used == set()


def test_every_script_is_a_stage() -> None:
    started = {script for stage in all_stages() for script in scripts(stage)}
    assert {file for file in MODULES if file.parts[0] == "stages"} == started | OF_OWN_DATA


def test_modules_stay_short() -> None:
    helpers = [
        path.relative_to(ROOT)
        for folder in ("scripts", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    ]
    for file in (*MODULES, *helpers):
        lines = len((ROOT / file).read_text(encoding="utf-8").splitlines())
        assert lines <= 350, f"{file} has {lines} lines"


def test_the_files_of_the_pipeline_stay_short() -> None:
    """DVC reads them once a stage, and so do people."""
    for place in SHARED:
        for file, most in ((ROOT / place, 520), ((ROOT / place).with_suffix(".lock"), 5000)):
            assert len(file.read_text(encoding="utf-8").splitlines()) <= most, file
    entries = [path for path in (ROOT / "v3").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 21, entries


# --- what the scripts import --------------------------------------------------------------------


def all_stages() -> list[dict[str, Any]]:
    return [stage for file in PIPELINES for stage in stages(file).values()]


# Genuine corpora have folders of their own; of the paths that Python looks in, this comes first.
AT_WORK = r"(?:cd studies/genuine/work/\S+ && PYTHONPATH=../../../.. )?"


def scripts(stage: dict[str, Any]) -> list[Path]:
    """Files of the modules that a stage's command lines start."""
    lines = [stage["cmd"]] if isinstance(stage["cmd"], str) else stage["cmd"]
    found = []
    for line in lines:
        started = re.match(AT_WORK + r"python -m ([\w.]+)", line)
        assert started, f"{line}: not `python -m`, could import another checkout's v3"
        file = module_file(started[1])
        assert file, f"{line}: no such module"
        found.append(file)
    return found


def named_stages() -> list[Any]:
    return [
        pytest.param(stage, id=name if file == MAIN else f"{file.parent.name}-{name}")
        for file in PIPELINES
        for name, stage in stages(file).items()
        if file != ROOT / DRIVER
    ]


@pytest.mark.parametrize("stage", named_stages())
def test_deps_are_what_the_script_imports(stage: dict[str, Any]) -> None:
    """By folder, both ways: an edit runs what it can change, and nothing else."""
    needed = {file for script in scripts(stage) for file in closure(script)}
    named = {Path(dep) for dep in stage["deps"] if dep.split("/")[0] in ("v3", "stages")}
    named -= {Path("v3/corpora/assets")}  # no code
    covered = {file for file in needed if named & {file, *file.parents}}
    assert needed - covered == set(), "imported and not named"
    used = {dep for dep in named if any(dep in (file, *file.parents) for file in needed)}
    assert named - used == set(), "named and never imported"


def test_packages_are_a_docstring_or_lazy() -> None:
    """They are part of every import below them and stand in no stage's deps."""
    for file in MODULES:
        if file.name == "__init__.py":
            body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
            rest = body if file == Path("v3/__init__.py") else body[1:]
            assert not [node for node in rest if isinstance(node, ast.Import | ast.ImportFrom)
                        and getattr(node, "module", "") != "__future__"], file  # fmt: skip
            assert file == Path("v3/__init__.py") or rest == [], file


def room(file: Path) -> str:
    """base, model, corpora/svhn ...: the folder a module lives in, or the module itself."""
    parts = file.with_suffix("").parts
    if parts[0] == "stages":
        return "stages"
    return "/".join(parts[1:3]) if parts[1] in ("corpora", "standins") else parts[1]


def rooms() -> dict[str, set[str]]:
    """Which rooms each room imports from."""
    graph: dict[str, set[str]] = {}
    for file in MODULES:
        if file.name == "__init__.py":
            continue
        needs = {room(other) for other in imported(file) if other.name != "__init__.py"}
        graph.setdefault(room(file), set()).update(needs - {room(file)})
    return graph


def test_no_import_runs_back_up() -> None:
    """The rooms stand on one another: no circle (graphlib raises), and none below its place."""
    order = list(TopologicalSorter(rooms()).static_order())
    assert order[0] == "base"
    graph = rooms()
    assert not any("stages" in needs for needs in graph.values())
    assert graph["base"] == set()
    assert graph["fragments"] == {"base"}
    assert "evaluation" not in graph["training"] | graph["model"]
    for name, needs in graph.items():
        if name.startswith("corpora"):
            several = not (ROOT / "v3" / name).is_dir()  # a table of some corpora
            others = {other for other in graph if several and other.startswith("corpora/")}
            assert needs <= {"base", "fragments", "download"} | others, name
        if name.startswith("standins"):
            assert needs <= {"base", name.replace("standins", "corpora")}, name


def test_nothing_imports_a_script() -> None:
    for file in MODULES:
        others = {other for other in imported(file) if other.parts[0] == "stages"}
        assert others == set(), file


def test_no_stage_runs_before_the_parameters_are_checked() -> None:
    checked = "data/params.ok"
    for file in PIPELINES:
        for name, stage in stages(file).items():
            if file == ROOT / DRIVER:
                continue
            made = [dep for dep in stage["deps"] if dep.split("/")[0] not in ("v3", "stages")]
            assert made, f"{name} depends on no other stage"
            if all(dep in (checked, "data/${item}/fragments.h5") for dep in made):
                assert checked in made or name == "pictures", name


def test_one_process_pool() -> None:
    """And one list of what Pillow raises, one way to link or copy."""
    for what, places in (
        (r"ProcessPoolExecutor\(|multiprocessing\.Pool", 1),
        (r"os\.link\(", 1),
        (r"DecompressionBombError", 1),
        (r"\(Protocol\)", 0),
    ):
        files = [file for file in MODULES if re.search(what, (ROOT / file).read_text("utf-8"))]
        assert len(files) <= places, f"{what}: {files}"


def test_no_dataset_names_in_core() -> None:
    files = [ROOT / file for file in MODULES]
    files += [ROOT / "Makefile", *(ROOT / "scripts").rglob("*.sh")]
    for file in files:
        text = file.read_text(encoding="utf-8")
        own = (ROOT / "v3" / "corpora", ROOT / "v3" / "standins")
        if any(file.is_relative_to(folder) for folder in own) or "from v3.corpora" in text:
            continue
        for name in CORPORA:
            assert name not in text.lower(), f"{file.relative_to(ROOT)} names {name}"


def test_no_import_by_name_is_overlooked() -> None:
    """What a module imports by a name that it makes up, `closure` has to be told."""
    for file in MODULES:
        text = (ROOT / file).read_text("utf-8")
        if re.search(r"\b(import_module|__import__|run_module|run_path)\(", text):
            assert str(file) in BY_NAME, f"{file} imports by name"
