"""What docs/dvc.md says of kills, a lock file that was cut and a full disk, on a tiny project."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dvc_reader import DATASET, Reader, commands, sections


def checkpoints(home: Reader) -> set[Path]:
    return set(home.folder.glob("scratch/*/checkpoint.pt"))


def kill_once(home: Reader, there: Callable[[], object], *command: str) -> None:
    """Start a command in a group of its own; `kill -9` the group when `there` says so."""
    running = subprocess.Popen(
        command,
        cwd=home.folder,
        env=home.project.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while running.poll() is None and not there():
        time.sleep(0.01)
    assert running.poll() is None, "it had ended before"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for left in (home.folder / ".git").glob("*.lock"):  # by a git that was killed, as the page says
        left.unlink()


def test_a_killed_experiment(home: Reader) -> None:
    """An edit of one's own and one that was staged are there at the end of both ways back."""
    blocks = sections()["Interrupted?"]
    look, go_on, drop, _ = blocks
    command = next(commands(go_on))[0]
    readme, makefile = home.folder / "README.md", home.folder / "Makefile"
    readme.write_text(readme.read_text("utf-8") + "my own\n", encoding="utf-8")
    makefile.write_text(makefile.read_text("utf-8") + "# my own\n", encoding="utf-8")
    home.types("git add Makefile")
    before = checkpoints(home)
    kill_once(home, lambda: checkpoints(home) - before, *command.split())
    for block in (look, go_on, drop):
        home.reads(block)
    assert home.types("git branch --show-current") == "main\n"
    changed = home.types("git status --porcelain").splitlines()
    assert {line[3:] for line in changed} == {"README.md", "Makefile"}
    assert readme.read_text("utf-8").endswith("my own\n")
    assert makefile.read_text("utf-8").endswith("# my own\n")
    assert "interrupted" in home.types("dvc exp list")


@pytest.mark.parametrize("moment", ["before the first stage", "in training"])
def test_a_killed_experiment_that_is_dropped_at_once(home: Reader, moment: str) -> None:
    look, _, drop, _ = sections()["Interrupted?"]
    note, before = home.folder / ".dvc" / "tmp" / "repro.dat", checkpoints(home)
    note.unlink(missing_ok=True)
    there = note.exists if moment.startswith("before") else lambda: checkpoints(home) - before
    command = ("dvc", "exp", "run", "-S", f"{DATASET}.train.relativity=13", f"train@{DATASET}")
    kill_once(home, there, *command)
    home.reads(look)
    home.reads(drop)
    assert home.types("git status --porcelain") == ""


def test_edits_that_a_killed_experiment_had_laid_aside(home: Reader) -> None:
    """Killed while DVC had them in the stash and git was writing the file without them."""
    readme = home.folder / "README.md"
    readme.write_text(readme.read_text("utf-8") + "my own\n", encoding="utf-8")
    home.types("git stash -q")
    readme.write_text("")
    home.reads(sections()["Interrupted?"][3])
    assert readme.read_text("utf-8").endswith("my own\n")
    assert home.types("git status --porcelain") == " M README.md\n"
    assert home.types("git stash list") == ""


@pytest.mark.parametrize("place", ["between two stages", "within a line"])
def test_a_lock_file_that_was_cut(home: Reader, place: str) -> None:
    """What ran since the commit is not run again: DVC has it."""
    home.types(f"dvc repro train@{DATASET}")
    params = home.folder / "params.yaml"
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    values[DATASET]["train"]["relativity"] = 14
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    home.types(f"dvc repro train@{DATASET}")
    model = home.folder / "models" / DATASET / "model.safetensors"
    made = model.read_bytes()
    lock = home.folder / "dvc.lock"
    text = lock.read_text(encoding="utf-8")
    end = text.index(f"  train@{DATASET}:")
    lock.write_text(text[: end if place == "between two stages" else end + 30], encoding="utf-8")

    (block,) = sections()["A lock file that was cut"]
    undo, again = commands(block)
    home.types(undo[0])
    said = home.types(f"{again[0]} train@{DATASET}")
    assert "is cached - skipping run" in said
    assert "> python -m stages.train" not in said
    assert model.read_bytes() == made


def test_a_full_disk(home: Reader) -> None:
    """After the page's advice every experiment can still be applied, from the cache alone."""
    home.types(f"dvc exp run --name kept -S {DATASET}.train.relativity=11 train@{DATASET}")
    home.types("git restore -qSW . && dvc checkout")
    before = home.types("dvc exp list --name-only").split()
    assert "kept" in before
    for block in sections()["A full disk"]:
        home.reads(block)
    for name in before:
        home.types(f"dvc exp apply {name}")
    assert home.types("dvc exp list --name-only").split() == before
