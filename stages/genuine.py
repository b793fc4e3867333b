"""Take one genuine corpus from its raw files to every figure and picture of studies/genuine.

The stages that do it stand in studies/genuine/corpora/dvc.yaml, which DVC has in sight from here
on (as scripts/studies.py does it for the other studies); DVC is told to run those of the corpus.
"""

from v3.base.cli import run

import argparse
import subprocess
import sys

from v3.corpora.genuine import CORPORA, PIPELINE, show


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    show()
    target = f"{PIPELINE}:summary@{corpus}"
    # another corpus may be under way beside this one
    dvc = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro"]
    ended = subprocess.run([*dvc, target], check=False)
    if ended.returncode:
        raise SystemExit(ended.returncode)


if __name__ == "__main__":
    run(main)
