"""Take one genuine corpus from its raw files to every figure and picture of studies/genuine.

The stages that do it stand in studies/genuine/corpora/dvc.yaml, which DVC has in sight from here
on (as scripts/studies.py does it for the other studies). DVC is told to look at those of the
corpus, in their order, and at no other: so another one may be under way beside this
(scripts/repro.sh says why).
"""

from v3.base.cli import run

import argparse
import re
import subprocess
import sys
from pathlib import Path

from v3.corpora.genuine import CORPORA, PIPELINE, show
from v3.params import load_params

CHECKED = Path("data") / "params.ok"  # of the main pipeline, which only looks whether they fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    load_params()
    show()
    if not CHECKED.is_file():
        dvc("repro", "--quiet", "check_params")
    listed = dvc("stage", "list", "--name-only", str(PIPELINE), stdout=subprocess.PIPE)
    stages = re.findall(rf"(?m)^\S+@{corpus}(?:-\d+)?$", listed)
    dvc("repro", "--single-item", *stages)


def dvc(*command: str, stdout: int | None = None) -> str:
    """What DVC writes to `stdout`, if that is a pipe; ends as DVC does if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "--wait-for-lock", *command],
        check=False,
        stdout=stdout,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout or ""


if __name__ == "__main__":
    run(main)
