"""Seconds of every stage of `dvc repro`, from nothing, in a clone of the commit.

The clone has a cache of its own, so every stage runs; nothing in the checkout changes.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from benchmarks.rows import Row
from v3.base.errors import V3Error

STAGE, BEFORE = (re.compile(text, re.M) for text in (r'^"([^"]+)";$', r'^"([^"]+)" -> "([^"]+)";$'))


def clone(root: Path, folder: Path) -> Path:
    """The commit of `root` in a folder of its own."""
    command = ["git", "clone", "--quiet", str(root), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise V3Error(f"{root} cannot be cloned: {done.stderr.strip()}. It must be a git checkout.")
    return folder


def stages(folder: Path, targets: list[str]) -> list[str]:
    """The stages that `dvc repro` of the targets runs, each after those that it waits for.

    Without targets: of the project's own dvc.yaml, and what leads to these.
    """
    drawn = _dvc(folder, "dag", "--dot", *targets)
    before: dict[str, set[str]] = {name: set() for name in STAGE.findall(drawn)}
    for first, then in BEFORE.findall(drawn):
        before[then].add(first)
    wanted, new = set(), set(targets or (name for name in before if ":" not in name))
    while new:
        wanted |= new
        new = set().union(*(before.get(name, set()) for name in new)) - wanted
    return [name for name in TopologicalSorter(before).static_order() if name in wanted]


def measure(folder: Path, targets: list[str], threads: int) -> Iterator[Row]:
    """A row a stage: seconds on the clock and of the processor, DVC's own among them; `idle` is how
    long DVC takes over a stage of which nothing is to be done."""
    listed = stages(folder, targets)
    if not listed:
        raise V3Error(f"dvc repro {' '.join(targets)} has nothing to do in a new clone.".strip())
    for name in listed:
        wall, cpu = _seconds(folder, name, threads)
        idle, _ = _seconds(folder, name, threads)
        yield {"name": name, "seconds": wall, "cpu_seconds": cpu, "idle": idle}


def _seconds(folder: Path, stage: str, threads: int) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    _dvc(folder, "repro", "--single-item", stage, threads=threads)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def _dvc(folder: Path, *args: str, threads: int = 1) -> str:
    scripts = Path(sys.executable).parent
    env = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": str(threads),
        "DVC_NO_ANALYTICS": "true",
        "PYTHONPATH": "",  # the clone's own modules
    }
    command = [sys.executable, "-m", "dvc", *args]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()[-5:]
        raise V3Error(f"dvc {' '.join(args)} failed in a clone of the commit: {' / '.join(lines)}")
    return done.stdout
