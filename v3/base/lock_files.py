"""DVC's lock files, which DVC writes in place after every stage: a stop in that moment cuts them.

What a cut lock has lost, DVC runs again as if it had never been. A stage that DVC starts looks
first whether its lock still holds what the last commit's did.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from v3.base.errors import V3Error

FRESH = Path("scratch") / "begun_without_a_lock"  # holds the commit at which somebody did that
NAMED = 5  # stages in the sentence at most
PATIENCE = 20  # looks, half a second apart: another DVC may be writing the file just now


def check_lock() -> None:
    """V3Error if the lock of the pipeline that runs this stage lacks stages of the last commit."""
    pipeline = Path(os.environ.get("DVC_STAGE", "").rpartition(":")[0] or "dvc.yaml")
    lock = pipeline.with_suffix(".lock")
    committed = _git("show", f"HEAD:./{lock.as_posix()}")
    if committed is None or not pipeline.is_file():
        return  # no lock was committed, or there is no git: nothing to compare with
    if not lock.exists():  # somebody removed it to have everything run again
        FRESH.parent.mkdir(exist_ok=True)
        FRESH.write_text(_git("rev-parse", "HEAD") or "", encoding="utf-8")
    if FRESH.is_file() and FRESH.read_text(encoding="utf-8") == _git("rev-parse", "HEAD"):
        return
    known = stages(pipeline.read_text(encoding="utf-8"))
    wanted = [name for name in stages(committed) if name.partition("@")[0] in known]
    for _ in range(PATIENCE):
        there = set(stages(lock.read_text(encoding="utf-8")))
        lost = [name for name in wanted if name not in there]
        if not lost:
            return
        time.sleep(0.5)
    shown = ", ".join(lost[:NAMED]) + (", ..." if len(lost) > NAMED else "")
    raise V3Error(
        f"{lock} lacks {len(lost)} stages that it had at the last commit ({shown}), as if a stop "
        f"had cut it: `git checkout {lock}` brings them back, and what ran since comes from DVC's "
        "cache."
    )


def stages(lock: str) -> list[str]:
    """Names of the stages in the text of a lock file, or of a dvc.yaml."""
    return re.findall(r"(?m)^  (\S+):$", lock)


def _git(*command: str) -> str | None:
    try:
        done = subprocess.run(["git", *command], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
