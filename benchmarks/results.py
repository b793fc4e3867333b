"""benchmarks/results/<label>.json: everything that one machine measured of one commit.

schema     "v3-benchmarks/1"
about      label, commit, length, precision, machine, versions
peaks      of the machine, in operations or bytes a second
measured   a row a benchmark: name, unit, per_second, items and seconds of a call, calls, shares
           (parts of the peaks that it reached), operations or bytes of a call
profiles   by benchmark: milliseconds and the operators of one training step
stages     a row a stage of `dvc repro`: seconds, cpu_seconds, idle
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from v3.base.errors import V3Error
from v3.base.files import read_json, write_json

SCHEMA = "v3-benchmarks/1"
FOLDER = Path(__file__).parent / "results"
# What must be the same for two measurements to stand in one file.
SAME = ("commit", "length", "train", "machine", "versions")
Results = dict[str, Any]


def begin(about: dict[str, Any]) -> Results:
    """Results with nothing in them yet."""
    return {
        "schema": SCHEMA,
        "about": about,
        "peaks": {},
        "measured": [],
        "profiles": {},
        "stages": [],
    }


def begin_or_go_on(path: Path, about: dict[str, Any], only: bool) -> Results:
    """What the file holds, to measure `only` some of it anew; else results with nothing in them.

    `V3Error` if what it holds was measured otherwise: what is not measured now would be lost.
    """
    if not only or not path.is_file():
        return begin(about)
    found = read_json(path)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise V3Error(f"{path} holds no {SCHEMA}: name another --label, or move the file away.")
    for name in SAME:
        if found["about"].get(name) != about[name]:
            raise V3Error(
                f"{path} was measured with another {name} ({found['about'].get(name)}, now "
                f"{about[name]}): name another --label, or leave out --only to measure all anew."
            )
    return found


def put(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """A row in the place of the one of its name, or at the end."""
    for place, other in enumerate(rows):
        if other["name"] == row["name"]:
            rows[place] = row
            return
    rows.append(row)


def save(path: Path, results: Results) -> None:
    """Whole or not at all."""
    write_json(path, results)
