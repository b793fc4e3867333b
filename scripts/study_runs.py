"""Runs of a study in clones of their own: how one is made there, and how it comes home.

`scripts/jobs.py` has them made, many at a time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from v3.base.errors import V3Error
from v3.base.files import atomic_file, read_json, write_json

# What jobs and pipelines write and git keeps; all else must be committed: a job runs the commit.
RESULT = re.compile(r"((studies/[^/]+/)?(metrics|plots|scores)/|(.*/)?dvc\.lock$)")
LINKS = "reflink,hardlink,symlink,copy"  # what a clone has of the cache, the first that works
EACH_RUN, EACH_DATASET = "${runs}", "${datasets}"


@dataclass(frozen=True)
class Study:
    """A folder below studies/ of the checkout `root`."""

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.root / "studies" / self.name

    @property
    def pipeline(self) -> str:
        return f"studies/{self.name}/dvc.yaml"

    @property
    def work(self) -> Path:
        """Where jobs work, a folder for each run, and where their logs lie."""
        return self.root / "scratch" / "jobs" / self.name

    def stages(self, over: str) -> dict[str, dict[str, Any]]:
        """Those that are repeated over the runs, or over the datasets, by name."""
        listed = YAML(typ="safe").load(self.root / self.pipeline)["stages"]
        return {name: found["do"] for name, found in listed.items() if found.get("foreach") == over}

    def keys(self, of: str) -> list[str]:
        """Names of the `runs` or of the `datasets` that scripts/studies.py has written."""
        return list(read_json(self.folder / "params.yaml")[of])

    def targets(self, runs: Iterable[str]) -> list[str]:
        """What DVC calls the stages of these runs."""
        stages = self.stages(EACH_RUN)
        return [f"{self.pipeline}:{name}@{run}" for run in runs for name in stages]

    def clone(self, run: str) -> Path:
        return self.work / run / "v3"


def require_committed(root: Path) -> None:
    """A clone has what is committed: an edit that is not would be measured by nobody."""
    listed = output(["git", "status", "--porcelain", "--untracked-files=no"], root)
    edited = [line[3:] for line in listed.splitlines() if not RESULT.match(line[3:])]
    if edited:
        raise V3Error(
            f"changed and not committed: {', '.join(edited[:5])}. A job runs what is committed: "
            "`git commit` or `git stash` first."
        )


def changed(study: Study, runs: Sequence[str]) -> set[str]:
    """Those of the runs of which DVC would run a stage."""
    if not runs:
        return set()
    said = output(["dvc", "status", "--json", *study.targets(runs)], study.root)
    stages = json.loads(said or "{}")
    return {name.rpartition("@")[2] for name in stages}


# --- a job ---------------------------------------------------------------------------------------


def work(study: Study, run: str, wanted: str) -> None:
    """Make one run in a clone of the commit: a new one, or the one that a failed job of it left."""
    clone = study.clone(run)
    if not clone.is_dir() or commit(clone) != wanted:
        shutil.rmtree(clone, ignore_errors=True)
        clone.parent.mkdir(parents=True, exist_ok=True)
        output(
            ["git", "clone", "--quiet", "--no-checkout", str(study.root), str(clone)], study.root
        )
        output(["git", "checkout", "--quiet", "--detach", wanted], clone)
    cache = output(["dvc", "cache", "dir"], study.root).strip()
    output(["dvc", "config", "--local", "cache.dir", str(study.root / cache)], clone)
    output(["dvc", "config", "--local", "cache.type", LINKS], clone)
    own = Study(clone, study.name)
    shutil.copy(study.folder / "params.yaml", own.folder / "params.yaml")
    done = subprocess.run(
        ["dvc", "repro", *own.targets([run])], cwd=clone, env=environment(clone), check=False
    )
    if done.returncode:
        raise V3Error(f"the run {run} of studies/{study.name} failed, see above.")
    write_json(study.work / run / "done.json", {"commit": wanted})


# --- what comes home -----------------------------------------------------------------------------


def bring(study: Study, run: str) -> bool:
    """Take a finished run's figures, its part of dvc.lock and its models home; the clone goes.

    False, and nothing is touched, if it is not done.
    """
    if not (study.work / run / "done.json").is_file():
        return False
    clone = Study(study.clone(run), study.name)
    found = lock_of(clone)
    home = lock_of(study)
    for name, stage in study.stages(EACH_RUN).items():
        entry = found["stages"][f"{name}@{run}"]
        home.setdefault("stages", {})[f"{name}@{run}"] = entry
        below = Path("studies", study.name, stage.get("wdir", "."))
        outs = [Path(os.path.normpath(below / out["path"])) for out in entry["outs"]]
        for out in kept_by_git(clone.root, outs):
            with atomic_file(study.root / out) as beside:
                shutil.copy(clone.root / out, beside)
    home.setdefault("schema", found["schema"])
    with atomic_file(study.folder / "dvc.lock") as beside, open(beside, "w", encoding="utf-8") as f:
        YAML().dump(home, f)
    output(["dvc", "checkout", *study.targets([run])], study.root)
    shutil.rmtree(clone.root)
    (study.work / run / "done.json").unlink()
    return True


def lock_of(study: Study) -> Any:
    """The study's dvc.lock; an empty one if nothing was run."""
    file = study.folder / "dvc.lock"
    return (YAML().load(file.read_text(encoding="utf-8")) if file.is_file() else None) or {}


def kept_by_git(root: Path, outs: Iterable[Path]) -> list[Path]:
    """Those that git does not ignore: figures, which DVC has in no cache."""
    names = [str(out) for out in outs]
    command = ["git", "check-ignore", *names]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    ignored = set(done.stdout.splitlines())
    return [Path(name) for name in names if name not in ignored]


def summarise(study: Study) -> None:
    """What the study makes of all its runs, once they are all there."""
    missing = changed(study, study.keys("runs"))
    if missing:
        print(f"Not summarised, for these runs are not there: {', '.join(sorted(missing))}")
        return
    stages = study.stages(EACH_DATASET)
    targets = [
        f"{study.pipeline}:{name}@{key}" for key in study.keys("datasets") for name in stages
    ]
    if targets:
        output(["dvc", "repro", "--single-item", *targets], study.root)
    print(f"All runs of studies/{study.name} are here: studies/{study.name}/metrics/")


# --- programs ------------------------------------------------------------------------------------


def commit(root: Path) -> str:
    return output(["git", "rev-parse", "HEAD"], root).strip()


def environment(root: Path) -> dict[str, str]:
    """Of what runs in a checkout: its own modules, this Python, a thread each."""
    python = str(Path(sys.executable).parent)
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return (
        {"OMP_NUM_THREADS": "1"}
        | os.environ
        | {
            "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
        }
    )


def output(command: Sequence[str], folder: Path) -> str:
    """What a program prints in a folder; `V3Error` with what it complains of."""
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise V3Error(f"`{' '.join(command[:3])} ...` failed in {folder}: {' / '.join(said[-3:])}")
    return done.stdout
