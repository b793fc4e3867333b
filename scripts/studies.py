"""Writes studies/<name>/params.yaml: the runs that params.yaml lists for a study.

    python scripts/studies.py seeds     (`make studies` does it before each; without a name: all)

DVC reads such a file beside a dvc.yaml by itself, and has stages of the study for the runs in it;
without the file there are none. Git ignores it, so DVC sees a study where somebody runs it and
nowhere else. Plain `dvc status`, `pull`, `checkout` and `exp apply` go through every pipeline that
DVC sees, and whatever of a study was never run they report as missing, or fail of.
`rm studies/*/params.yaml` hides the studies again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from v3.base.errors import V3Error
from v3.base.files import write_json
from v3.params import load_params

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="*", help="folders below studies/")
    names = parser.parse_args().studies
    try:
        params = load_params(ROOT / "params.yaml")
    except V3Error as error:
        raise SystemExit(f"error: {error}") from None
    for name in names or params.studies:
        if name not in params.studies:
            raise SystemExit(f"error: studies.{name} is missing in params.yaml.")
        study = params.studies[name]
        listed = (*study.datasets, *study.slow_datasets)
        datasets = [dataset for dataset in listed if dataset in params.datasets]
        runs = {
            f"{dataset}-{seed}": {"dataset": dataset, "seed": seed}
            for dataset in datasets
            for seed in study.seeds_of(dataset)
        }
        # JSON is YAML
        content = {"runs": runs, "datasets": {dataset: {} for dataset in datasets}}
        write_json(ROOT / "studies" / name / "params.yaml", content)


if __name__ == "__main__":
    main()
