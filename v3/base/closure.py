"""Which files of this project a script imports, directly or through others, by reading their code.

What a stage depends on in dvc.yaml is compared with this, and the checkpoints of a training are
found by it: neither is a list that somebody has to keep.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]  # of the project
PACKAGES = ("v3", "stages")
# A module that imports others by a name that it makes up, and the files which these may be.
BY_NAME = {"v3/params.py": "v3/corpora/*/params.py"}


def closure(script: str | Path) -> set[Path]:
    """`script` (relative to the project) and all that it imports, relative to the project.

    Packages that are a docstring and no more change nothing and are left out.
    """
    todo, seen = {Path(script)}, set[Path]()
    while todo:
        current = todo.pop()
        seen.add(current)
        todo |= imported(current) - seen
    return {file for file in seen if file.name != "__init__.py"}


def module_file(name: str) -> Path | None:
    """File of a module or package of this project, relative to its root."""
    base = Path(*name.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if base.parts[0] in PACKAGES and (ROOT / file).is_file():
            return file
    return None


@cache
def imported(file: Path) -> frozenset[Path]:
    """Files that one file imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    found = {module_file(name) for name in names}
    if str(file) in BY_NAME:
        found |= {path.relative_to(ROOT) for path in ROOT.glob(BY_NAME[str(file)])}
    return frozenset(path for path in found if path)
