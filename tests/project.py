"""This project at tiny sizes in a git repository of its own, and what dvc.yaml says of it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
STUDIES = sorted((ROOT / "studies").glob("*/dvc.yaml"))
GENUINE = ROOT / "studies" / "genuine" / "corpora" / "dvc.yaml"  # which studies/genuine runs
SHARED = ("dvc.yaml", "evaluation/dvc.yaml")  # pipelines of every dataset
PIPELINES = [
    *(ROOT / place for place in SHARED),
    *sorted((ROOT / "corpora").glob("*/dvc.yaml")),
    *STUDIES,
    GENUINE,
]
RESULT = re.compile(r"(studies/\w+/)?(metrics|plots|scores)/|(.*/)?dvc\.lock")

# Sizes in place of those in params.yaml: of all datasets, and of each its own (which win).
TINY_DEFAULTS = {
    "split": {"few_shot": [1, 2]},
    "tsne": {"fragments": 60, "perplexity": 5.0},
    "swap": {"swaps": 60},
    "retrieval": {"points": 8},
    "few_shot": {"passes": 2},
    "bound": {"steps": 12, "batch_fragments": 24},
}
TINY_TRAIN = {"steps": 40, "batch_samples": 4, "fragments_per_sample": 6, "validate_every": 20}
TINY_MACHINE = {"workers": 1, "threads": 1, "checkpoint_every": 5}
TINY: dict[str, dict[str, dict[str, Any]]] = {
    "phonenums": {
        "pages": {
            "pages": 24,
            "unseen_pages": 8,
            "colours": ["black", "red", "blue"],
            "unseen_colours": ["pink", "gold"],
        },
        "split": {"validation": 0.25, "test": 0.25, "unseen_styles": ["pink", "gold"]},
        "train": {"steps": 200},  # several checkpoints, for the test that kills it
    },
    "insnotes": {
        "midi": {
            "files": 6,
            "unseen_files": 4,
            "notes": 12,
            "programs": {"viola": 41, "trumpet": 56},
            "unseen_programs": {"flute": 73, "whistle": 78},
        },
        "split": {"validation": 0.25, "test": 0.25, "unseen_styles": ["flute", "whistle"]},
    },
    "svhn": {"standin": {"train": 12, "test": 40, "extra": 10}},
    "sprites": {"parts": {"body": [0, 3], "bottomwear": [0], "topwear": [1, 2]}},
    "librispeech": {
        "standin": {
            "speakers": 3,
            "utterances": 10,
            "unseen_speakers": 2,
            "unseen_utterances": 4,
            "seconds": [1.0, 1.5],
        },
    },
}


def stages(file: Path) -> dict[str, dict[str, Any]]:
    """Stages by name; of a foreach stage what stands below `do`."""
    found = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}


def shared_stages(root: Path) -> dict[str, dict[str, Any]]:
    """Those of every dataset."""
    return {name: stage for place in SHARED for name, stage in stages(root / place).items()}


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


def tiny_project(
    folder: Path, datasets: Collection[str] = tuple(TINY), genuine: bool = False
) -> Project:
    """This checkout without its results, as a first commit in `folder`, at tiny sizes; with the
    study of genuine corpora in sight of DVC, or not."""
    made = Project(folder)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if RESULT.match(name) or not (ROOT / name).is_file():
            continue
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, made.folder / name)
    shrink(made.folder / "params.yaml", datasets)
    if not genuine:
        hidden = "/genuine\n"
        (made.folder / "studies" / ".dvcignore").write_text(hidden, encoding="utf-8")
    made.git("init", "-q", "-b", "main")
    made.commit()
    return made


def shrink(file: Path, datasets: Collection[str] = tuple(TINY)) -> None:
    """Tiny sizes into params.yaml, and only `datasets` in its list."""
    rewrite = YAML(typ="safe", pure=True)
    rewrite.default_flow_style = False
    params = rewrite.load(file.read_text(encoding="utf-8"))
    params["datasets"] = [name for name in params["datasets"] if name in datasets]
    params["machine"].update(TINY_MACHINE)
    for section, values in TINY_DEFAULTS.items():
        params["defaults"][section].update(values)
    params["defaults"]["train"].update(TINY_TRAIN)
    for dataset, sections in TINY.items():
        params[dataset]["train"].update(dict.fromkeys(TINY_TRAIN, "default"))
        for section, values in sections.items():
            assert values.keys() <= params[dataset][section].keys()
            params[dataset][section].update(values)
        spec = params[dataset]["specs"][params[dataset]["spec"]]
        default = params["defaults"]["specs"]["laptop"]
        layers = [layer.split(", ") for layer in spec.get("layers", default["layers"])]
        spec["layers"] = [f"8, {kernel}, {stride}" for _, kernel, stride in layers]
        spec.update({"content_dim": 16, "style_dim": 16})
    rewrite.dump(params, file)
