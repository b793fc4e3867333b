"""The pipeline as DVC really runs it: the whole DAG, tiny, in a git repository of its own."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from closure import PACKAGES, ROOT, closure, module_file
from dvc.utils.hydra import apply_overrides
from PIL import Image
from ruamel.yaml import YAML

MAIN, SEEDS = ROOT / "dvc.yaml", ROOT / "studies" / "seeds" / "dvc.yaml"
CORPORA = ("phonenums", "insnotes", "svhn", "sprites", "librispeech")
RESULTS = ("metrics/", "plots/", "studies/seeds/metrics/", "studies/seeds/plots/")
DATASET = "phonenums"
UP_TO_DATE = "Data and pipelines are up to date."
# Keys in metric files of numbers that count something; all others are shares.
COUNT = re.compile(
    r"k|active_codes|atoms|perplexity|.*steps?|.*_perplexity|.*_error|fragments|.*_db"
)

TINY_SHARED = {
    "split": {"validation": 0.25, "test": 0.25, "few_shot": [1, 2]},
    "train": {
        "steps": 40,
        "batch_samples": 4,
        "fragments_per_sample": 6,
        "dead_atom_threshold": 0.5,
        "late_threshold": 0.2,
        "validate_every": 20,
        "checkpoint_every": 5,
        "threads": 1,
    },
    "tsne": {"fragments": 60, "perplexity": 5.0},
    "swap": {"swaps": 60},
    "retrieval": {"points": 8},
}
TINY: dict[str, dict[str, Any]] = {
    "phonenums": {
        "pages": {
            "pages": 24,
            "unseen_pages": 8,
            "colours": ["black", "red", "blue"],
            "unseen_colours": ["pink", "gold"],
            "workers": 1,
        },
        "split": {"unseen_styles": ["pink", "gold"]},
    },
    "insnotes": {
        "midi": {
            "files": 6,
            "unseen_files": 4,
            "notes": 12,
            "programs": {"viola": 41, "trumpet": 56},
            "unseen_programs": {"flute": 73, "whistle": 78},
        },
        "audio": {"workers": 1},
        "split": {"unseen_styles": ["flute", "whistle"]},
    },
}


# --- the files that describe the pipeline -----------------------------------------------------


def stages(file: Path) -> dict[str, dict[str, Any]]:
    """Stages by name; of a foreach stage what stands below `do`."""
    found = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}


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
        pytest.param(stage, id=f"{file.parent.name}-{name}" if file == SEEDS else name)
        for file in (MAIN, SEEDS)
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


# --- a whole run ------------------------------------------------------------------------------


class Project:
    """A copy of this project in a git repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "DVC_NO_ANALYTICS": "true",
            "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        # Tests may run inside a git hook or with a checkout of their own on the path.
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "PYTHONPATH"):
            self.env.pop(name, None)

    def run(self, *command: str, fails: bool = False) -> str:
        """Output of a command, which must succeed (or fail)."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}:\n{done.stdout}"
        return done.stdout

    def dvc(self, *args: str, fails: bool = False) -> str:
        return self.run("dvc", *args, fails=fails)

    def git(self, *args: str) -> str:
        return self.run("git", *args)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "x")

    def clone(self, folder: Path) -> Project:
        self.git("clone", "-q", str(self.folder), str(folder))
        return Project(folder)

    def stale(self) -> set[str]:
        """Stages that `dvc repro` would run."""
        return set(re.findall(r"Running stage '([^']+)'", self.dvc("repro", "--dry")))

    def digests(self) -> dict[str, str]:
        """Of every file, tracked or made, but git's and DVC's own."""
        own = {".git", "cache", "tmp", "__pycache__"}
        return {
            str(file): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.folder.rglob("*"))
            if file.is_file() and not own & {*file.relative_to(self.folder).parts}
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This checkout at tiny sizes, run from nothing, its results committed."""
    made = Project(tmp_path_factory.mktemp("pipeline") / "v3")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(RESULTS) or name.endswith("dvc.lock") or not (ROOT / name).is_file():
            continue
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, made.folder / name)
    shrink(made.folder / "params.yaml")
    made.git("init", "-q", "-b", "main")
    made.commit()
    made.dvc("repro")
    made.commit()
    return made


def shrink(file: Path) -> None:
    """Tiny sizes into params.yaml; every dataset gets the shared ones."""
    rewrite = YAML(typ="safe", pure=True)
    rewrite.default_flow_style = False
    params = rewrite.load(file.read_text(encoding="utf-8"))
    for dataset in params["datasets"]:
        for changes in (TINY_SHARED, TINY[dataset]):
            for section, values in changes.items():
                assert values.keys() <= params[dataset][section].keys()
                params[dataset][section].update(values)
        spec = params[dataset]["specs"][params[dataset]["spec"]]
        spec.update({"content_dim": 16, "style_dim": 16})
        for layer in spec["layers"]:
            layer["channels"] = 8
    rewrite.dump(params, file)


def outputs(project: Project, kind: str) -> Iterator[Path]:
    """Files and folders under `metrics` or `plots` of dvc.yaml, for every dataset."""
    params = yaml.safe_load((project.folder / "params.yaml").read_text(encoding="utf-8"))
    for stage in stages(project.folder / "dvc.yaml").values():
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
    elif not isinstance(value, str):
        assert value is not None, f"{name} is null"
        yield name, value


def test_every_metric_is_there_and_in_range(project: Project) -> None:
    for file in outputs(project, "metrics"):
        metrics = json.loads(file.read_text(encoding="utf-8"))
        found = list(numbers(metrics))
        assert found, f"{file} holds no number"
        assert "source" in metrics or "audio" in file.name, f"{file} does not tell its source"
        for name, value in found:
            assert math.isfinite(value), f"{file}: {name} is {value}"
            if file.parent.parent.name == "metrics" and not COUNT.fullmatch(name):
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


def test_an_edit_runs_what_it_can_change(project: Project) -> None:
    for plot in (project.folder / "v3" / "plots").glob("*.py"):
        plot.write_text(plot.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    stale = project.stale()
    assert f"swap@{DATASET}" in stale
    assert [name for name in stale if name.startswith("train@")] == []
    project.git("checkout", "-q", ".")

    loss = project.folder / "v3" / "loss.py"
    loss.write_text(loss.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    stale = project.stale()
    assert {f"train@{dataset}" for dataset in TINY} <= stale
    assert [name for name in stale if "pages" in name or "audio" in name or "split" in name] == []
    project.git("checkout", "-q", ".")

    apply_overrides(str(project.folder / "params.yaml"), [f"{DATASET}.train.relativity=10"])
    stale = project.stale()
    assert f"train@{DATASET}" in stale
    others = [name for name in stale if name.startswith((DATASET, "split")) or "insnotes" in name]
    assert others == []
    project.git("checkout", "-q", ".")


@pytest.mark.parametrize("override", ["relativity=banana", "relativty=10"])
def test_a_bad_parameter_is_one_sentence_and_changes_nothing(
    project: Project, override: str
) -> None:
    before = project.digests()
    said = project.dvc("exp", "run", "-S", f"{DATASET}.train.{override}", fails=True)
    name = f"{DATASET}.train.{override.split('=')[0]}"
    error = next(line for line in said.splitlines() if line.lower().startswith("error:"))
    assert name in error, said
    assert "Traceback" not in said
    assert project.digests() == before
    assert project.git("status", "--porcelain") == ""
    assert project.git("stash", "list") == ""
    assert project.stale() == set()


def test_a_killed_training_ends_with_the_same_bytes(project: Project, tmp_path: Path) -> None:
    """From nothing but the commit: data and model are the same bytes in two places."""
    clone = project.clone(tmp_path / "clone")
    running = subprocess.Popen(
        ["dvc", "repro", f"train@{DATASET}"],
        cwd=clone.folder,
        env=clone.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while running.poll() is None and not list(clone.folder.glob("scratch/*/checkpoint.pt")):
        time.sleep(0.002)
    killed = running.poll() is None
    if killed:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert killed, "no checkpoint was seen"
    assert not (clone.folder / "models" / DATASET).exists(), "the training had already ended"
    clone.dvc("repro", f"train@{DATASET}")
    assert list(clone.folder.glob("scratch/*/checkpoint.pt")) == [], "the checkpoint was left"

    for made in (f"data/{DATASET}", f"models/{DATASET}"):
        files = [p for p in (project.folder / made).rglob("*") if p.is_file()]
        assert files
        for file in files:
            twin = clone.folder / file.relative_to(project.folder)
            assert twin.read_bytes() == file.read_bytes(), f"{twin} differs"
    metrics = Path("metrics") / DATASET / "train.json"
    assert (clone.folder / metrics).read_bytes() == (project.folder / metrics).read_bytes()
