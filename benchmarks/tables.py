"""The tables of docs/performance.md, from what lies in a folder of results (`make docs`).

A column a file: the runs of several machines, or of two commits on one (`--before`), side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
NOTHING = "Not measured yet: `make bench`.\n"
NONE = "-"
TOP = 6  # operators of each profile
GROUPS = {
    "train": "training, of a network's fragments",
    "published": "the published network, loss and style channel",
    "embed": "embeddings for the evaluation",
    "data": "making the data",
    "evaluate": "evaluation",
    "retrieval": "retrieval",
}
Results = dict[str, Any]


def read(folder: Path = FOLDER) -> list[Results]:
    """All results, `before` first."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda one: (one["about"]["label"] != "before", one["about"]["label"]))


def machines(results: Sequence[Results]) -> str:
    """What measured, and its peaks."""
    if not results:
        return NOTHING
    rows = []
    for name, value in (
        ("commit", lambda one: f"`{one['about']['commit']}`"),
        ("machine", lambda one: _machine(one["about"]["machine"])),
        ("threads", lambda one: str(one["about"]["machine"]["threads"])),
        ("PyTorch", lambda one: one["about"]["versions"]["torch"]),
        ("training otherwise", lambda one: _otherwise(one["about"]["train"])),
        ("length of a measurement", lambda one: one["about"]["length"]),
    ):
        rows.append([name, *map(value, results)])
    for peak in dict.fromkeys(name for one in results for name in one["peaks"]):
        unit = "GB/s" if peak.startswith("memory") else "GFLOP/s"
        values = (one["peaks"].get(peak) for one in results)
        rows.append([f"{peak}, {unit}", *(NONE if v is None else _figure(v / 1e9) for v in values)])
    return _table(["", *_labels(results)], rows)


def group(results: Sequence[Results], name: str) -> str:
    """Rows of the benchmarks whose names begin so: a rate and, in brackets, parts of the peaks."""
    found = [
        {row["name"]: row for row in one["measured"] if row["name"].startswith(f"{name}/")}
        for one in results
    ]
    listed = list(dict.fromkeys(key for rows in found for key in rows))
    if not listed:
        return NOTHING
    peaks = dict.fromkeys(peak for rows in found for row in rows.values() for peak in row["shares"])
    rows = []
    for key in listed:
        unit = next(rows[key]["unit"] for rows in found if key in rows)
        cells = [_rate(rows.get(key), list(peaks)) for rows in found]
        rows.append([f"`{key}`", unit, *cells])
    said = f": a second (part of: {'; '.join(peaks)})" if peaks else ": a second"
    return _table([GROUPS[name], "unit", *(f"{label}{said}" for label in _labels(results))], rows)


def profiles(results: Sequence[Results]) -> str:
    """The operators that take most of one training step, by their own time."""
    rows = []
    for one in results:
        for name, found in one["profiles"].items():
            operators = ", ".join(
                f"`{row['operator']}` {row['share']:.0%} ({row['calls']})"
                for row in found["operators"][:TOP]
            )
            milliseconds = f"{found['milliseconds']:.0f}"
            rows.append([f"`{name}`", one["about"]["label"], milliseconds, operators])
    if not rows:
        return NOTHING
    return _table(["a step of", "run", "ms", "operators: part of the step (calls)"], rows)


def stages(results: Sequence[Results]) -> str:
    """Seconds of every stage of `dvc repro`, the longest first, and of all together."""
    found = [{row["name"]: row for row in one["stages"]} for one in results]
    found = [rows for rows in found if rows]
    labels = [one["about"]["label"] for one in results if one["stages"]]
    if not found:
        return "Not measured yet: `python -m benchmarks --repro`.\n"
    listed = dict.fromkeys(key for rows in found for key in rows)
    order = sorted(
        listed, key=lambda key: -max(rows[key]["seconds"] for rows in found if key in rows)
    )
    table = [[f"`{key}`", *(_seconds([rows.get(key)]) for rows in found)] for key in order]
    table.append(["all", *(_seconds(list(rows.values())) for rows in found)])
    said = "seconds (of processors; of DVC where nothing is to be done)"
    return _table(["stage", *(f"{label}: {said}" for label in labels)], table)


def tables(folder: Path = FOLDER) -> dict[str, str]:
    """All of them by their names in the document."""
    results = read(folder)
    return {
        "bench-machines": machines(results),
        **{f"bench-{name}": group(results, name) for name in GROUPS},
        "bench-profiles": profiles(results),
        "bench-repro": stages(results),
    }


def _machine(about: dict[str, Any]) -> str:
    host = f"{about['processor']}, {about['cores']} cores, {about['vectors']}"
    return f"{about['gpu']} ({host})" if "gpu" in about else host


def _otherwise(train: dict[str, Any]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in _flat(train)) or "as params.yaml"


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values by their dotted names."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _labels(results: Sequence[Results]) -> list[str]:
    return [one["about"]["label"] for one in results]


def _rate(row: dict[str, Any] | None, peaks: Sequence[str]) -> str:
    if row is None:
        return NONE
    shares = [row["shares"].get(peak) for peak in peaks]
    said = "; ".join(NONE if share is None else _part(share) for share in shares)
    rate = _figure(row["per_second"])
    return f"{rate} ({said})" if peaks else rate


def _part(share: float) -> str:
    return f"{share:.2f}" if share >= 0.1 else f"{share:.2g}"


def _figure(value: float) -> str:
    """Three digits, as the measurement has no more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _seconds(rows: Sequence[dict[str, Any] | None]) -> str:
    there = [row for row in rows if row is not None]
    if not there:
        return NONE
    wall, cpu, idle = (sum(row[key] for row in there) for key in ("seconds", "cpu_seconds", "idle"))
    return f"{wall:.1f} ({cpu:.1f}; {idle:.1f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
