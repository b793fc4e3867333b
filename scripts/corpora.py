"""Hides from DVC the corpora that `datasets` in params.yaml does not list, and shows all others.

    python scripts/corpora.py     (`make repro` does it first)

It writes corpora/.dvcignore, which belongs into git: a clone has the same datasets. What was made
of a hidden corpus stays where it is, but `dvc push` leaves it out and `dvc gc` deletes it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from v3.base.errors import V3Error
from v3.base.pipelines import hide_unlisted
from v3.params import load_params

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    try:
        datasets = load_params(ROOT / "params.yaml").datasets
    except V3Error as error:
        raise SystemExit(f"error: params.yaml: {error}.") from None
    hide_unlisted(datasets, ROOT / "corpora")


if __name__ == "__main__":
    main()
