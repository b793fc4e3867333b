"""A copy of this project in a git repository of its own, its sizes made tiny by params.yaml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
# Results of the real sizes: the copy makes its own.
RESULTS = ("dvc.lock", "metrics/", "plots/")
STUDY_RESULTS = ("dvc.lock", "metrics/", "plots/", "scores/")

LAYERS = [{"channels": 8, "kernel": "4x4", "stride": "4x4"}] * 2
SPEC = {"layers": LAYERS, "content_dim": 8, "style_dim": 8}
TRAIN = {
    "steps": 60,
    "batch_samples": 4,
    "fragments_per_sample": 4,
    "validate_every": 20,
    "checkpoint_every": 20,
    "warmup_steps": 0,
    "threads": 1,
}
SHARED: dict[str, Any] = {
    "spec": "laptop",
    "specs": {"laptop": SPEC},
    "split": {"few_shot": [1, 2]},
    "train": TRAIN,
    "retrieval": {"points": 5},
    "tsne": {"fragments": 40, "perplexity": 5.0},
    "swap": {"swaps": 30},
}
SIZES: dict[str, Any] = {
    "phonenums": {
        **SHARED,
        "pages": {
            "pages": 36,
            "unseen_pages": 8,
            "colours": ["black", "red", "teal"],
            "unseen_colours": ["pink", "gold"],
            "workers": 1,
        },
        "split": {"few_shot": [1, 2], "unseen_styles": ["pink", "gold"]},
    },
    "insnotes": {
        **SHARED,
        "midi": {"files": 4, "unseen_files": 4, "last_pitch": 63, "notes": 8},
        "audio": {"workers": 1},
        "split": {"few_shot": [1, 2], "unseen_styles": ["flute"]},
    },
    "studies": {"datasets": ["phonenums"], "seeds": [3, 1], "slow_datasets": [], "slow_seeds": [0]},
}
PROGRAMS = {"programs": {"trumpet": 56, "oboe": 68, "choir": 52}, "unseen_programs": {"flute": 73}}


def make_tiny(folder: Path) -> None:
    """Commit all files of the working tree, tracked or new, into a repository with tiny sizes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for name in sorted(set(listed.split("\0")) - {""}):
        if (ROOT / name).is_file() and not is_result(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    change_params(folder, SIZES)
    change_params(folder, {"insnotes": {"midi": PROGRAMS}}, replace=("programs", "unseen_programs"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)


def is_result(name: str) -> bool:
    """Whether a tracked file is made by the pipelines."""
    if name.startswith("studies/"):
        return name.split("/", 2)[-1].startswith(STUDY_RESULTS)
    return name.startswith(RESULTS)


def change_params(folder: Path, changes: dict[str, Any], replace: tuple[str, ...] = ()) -> None:
    """Merge nested values into params.yaml; sections named in `replace` are taken as they are."""

    def merge(section: Any, values: dict[str, Any]) -> None:
        for key, value in values.items():
            if isinstance(value, dict) and key not in replace:
                merge(section[key], value)
            else:
                section[key] = value

    yaml = YAML()
    yaml.width = 1000
    raw = yaml.load(folder / "params.yaml")
    merge(raw, changes)
    yaml.dump(raw, folder / "params.yaml")


def environment() -> dict[str, str]:
    """For commands in the copy: this Python first, no settings of the person who runs the tests."""
    person = {f"GIT_{who}_{what}": "tests" for who in ("AUTHOR", "COMMITTER") for what in ("NAME",)}
    person |= {f"GIT_{who}_EMAIL": "tests@localhost" for who in ("AUTHOR", "COMMITTER")}
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))},
        **person,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_NO_ANALYTICS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "COLUMNS": "200",
    }


def git(folder: Path, *arguments: str) -> str:
    """Run git; returns what it printed."""
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def commit(folder: Path) -> None:
    """Commit everything that is not ignored."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "state")


def dvc(folder: Path, *arguments: str, fails: bool = False) -> str:
    """Run DVC; returns what it printed to both streams. Anything but the expected end is shown."""
    done = subprocess.run(
        ["dvc", *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, f"dvc {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


@contextmanager
def edited(file: Path, text: str | None = None) -> Iterator[None]:
    """Give a file another text, or a comment at its end, for a while."""
    before = file.read_text(encoding="utf-8")
    file.write_text(before + "# edited\n" if text is None else text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")
