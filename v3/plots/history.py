"""The curves of training as DVCLive left them: one table a name, one line a step."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from v3.base.errors import V3Error
from v3.base.files import atomic_file

Row = dict[str, float]


def read_history(folder: str | Path) -> list[Row]:
    """Tables `<name>.tsv` below `folder` -> rows by rising step, each with its `step` and names.

    A name is the table's place below the folder, such as loss/total. `V3Error` names a table that
    is damaged, or the folder if it holds none.
    """
    folder = Path(folder)
    rows: dict[float, Row] = {}
    for table in sorted(folder.rglob("*.tsv")):
        name = table.relative_to(folder).with_suffix("").as_posix()
        try:
            with open(table, encoding="utf-8", newline="") as file:
                points = [_point(line) for line in csv.DictReader(file, delimiter="\t")]
            if not points:
                raise ValueError("no line")
        except (KeyError, ValueError, TypeError, csv.Error):
            raise V3Error(
                f"{table} is damaged (no step and value a line): delete {folder}, run `dvc repro`."
            ) from None
        for step, value in points:
            rows.setdefault(step, {"step": step})[name] = value
    if not rows:
        raise V3Error(f"{folder} holds no curves of training: run `dvc repro` to train.")
    return [rows[step] for step in sorted(rows)]


def _point(line: dict[str, str]) -> tuple[float, float]:
    """Step and value of a line of a table."""
    step = float(line.pop("step"))
    if not step.is_integer():
        raise ValueError(f"{step} is no step")
    line.pop("timestamp", None)
    (value,) = line.values()
    return step, float(value)


def write_curve(path: str | Path, rows: Sequence[Mapping[str, float]], name: str) -> None:
    """One curve of the history as a table: `step`, and the value below the file's own name.

    In six digits, which no chart shows more of: the table is in git.
    """
    path = Path(path)
    with atomic_file(path) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(["step", path.stem])
        points = ((int(row["step"]), row[name]) for row in rows if name in row)
        table.writerows([step, f"{value:.6g}"] for step, value in points)
