"""Writes studies/<name>/params.yaml: the runs that params.yaml lists for a study.

    python scripts/studies.py seeds     (`make studies` does it before each; without a name: all)
    python scripts/studies.py sweep --datasets mine     (those in place of the study's own list)

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
from v3.corpora.genuine import STUDY, show
from v3.params import Params, load_params

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="*", help="folders below studies/")
    parser.add_argument("--datasets", nargs="+", default=[], help="in place of the study's list")
    args = parser.parse_args()
    try:
        params = load_params(ROOT / "params.yaml")
        for name in args.studies or params.studies:
            write_runs(params, name, args.datasets)
    except V3Error as error:
        raise SystemExit(f"error: {error}") from None


def write_runs(params: Params, name: str, wanted: list[str]) -> None:
    """The runs of a study of the datasets `wanted`, or of those of its list that are made here."""
    if name not in params.studies:
        raise V3Error(f"studies.{name} is missing in params.yaml.")
    if name == STUDY.name:  # whose data is not that of `datasets`
        show(ROOT / "params.yaml")
        return
    study = params.studies[name]
    for dataset in wanted:
        own = (ROOT / "corpora" / dataset / "dvc.yaml").is_file() and dataset in params.sections
        if dataset not in params.datasets and not own:
            raise V3Error(f"{dataset} is not made here: add it to `datasets` in params.yaml.")
    listed = wanted or [*study.datasets, *study.slow_datasets]
    datasets = [name for name in listed if name in wanted or name in params.datasets]
    runs = {key: run for dataset in datasets for key, run in study.runs_of(dataset).items()}
    # JSON is YAML
    content = {"runs": runs, "datasets": {dataset: {} for dataset in datasets}}
    write_json(ROOT / "studies" / name / "params.yaml", content)


if __name__ == "__main__":
    main()
