"""Writes the tables of figures in README.md and docs/ anew, from metrics/, studies/ and
benchmarks/results/.

    python scripts/tables.py            write them (`make docs`)
    python scripts/tables.py --check    write nothing; exit code 1 if one is not what it should be

A table stands between `<!-- table: <name> -->` and `<!-- /table -->`; TABLES has the names. What
lies outside these marks is left alone. What was not measured is shown as a dash.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.tables import tables as benchmark_tables
from scripts.figures import pipeline, studies
from scripts.figures.cells import WORDS
from scripts.figures.results import results
from scripts.figures.sources import ROOT

MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)

TABLES: dict[str, Callable[[], str]] = {
    "results": results,
    "codes": pipeline.codes,
    "unseen": pipeline.unseen,
    "unseen-styles": pipeline.unseen_styles,
    "baseline": pipeline.baseline,
    "retrieval": pipeline.retrieval,
    "leakage": pipeline.leakage,
    "swap": pipeline.swap,
    "attributes": pipeline.attributes,
    "verification": pipeline.verification,
    "training": pipeline.training,
    "published": studies.published,
    "study-code": studies.study_code,
    "sizes-phonenums": lambda: studies.sizes("phonenums"),
    "sizes-insnotes": lambda: studies.sizes("insnotes"),
    "sweep": studies.sweep,
    **{f"seeds-{name}": (lambda name=name: studies.seeds_table(name)) for name in WORDS},
    **{name: (lambda text=text: text) for name, text in benchmark_tables().items()},
}


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def renewed(text: str) -> str:
    """A document with all its tables written anew; KeyError for a table that is not known."""
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of README.md and docs/ anew.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    stale = []
    for file in documents():
        before = file.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            stale.append(file.relative_to(ROOT).as_posix())
            if not check:
                file.write_text(after, encoding="utf-8")
    sources = "metrics/, studies/ and benchmarks/results/"
    said = f"its tables are not those of {sources}" if check else "renewed"
    for name in stale:
        print(f"{name}: {said}")
    if check and stale:
        print("error: run `make docs`.", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
