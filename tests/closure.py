"""Which modules of this project a stage's script imports, directly or through others."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("v3", "stages")
# Modules that import others by a name that they make up, and the files that this may be.
BY_NAME = {Path("v3/params_check.py"): "v3/corpora/*_params.py"}


def module_file(name: str) -> Path | None:
    """File of a module or package of this project, relative to its root."""
    base = Path(*name.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if name.split(".")[0] in PACKAGES and (ROOT / file).is_file():
            return file
    return None


def imported(file: Path) -> set[Path]:
    """Files that one file imports, the packages on the way included, wherever the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports are not used here"
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    if file in BY_NAME:
        made_up = (path.relative_to(ROOT) for path in ROOT.glob(BY_NAME[file]))
        names |= {".".join(path.with_suffix("").parts) for path in made_up}
    parts = [name.split(".") for name in names]
    prefixes = {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}
    return {found for name in prefixes for found in (module_file(name),) if found}


def closure(file: Path) -> set[Path]:
    """`file`, its package, and all that they import."""
    todo, seen = {file, file.parent / "__init__.py"}, set[Path]()
    while todo:
        current = todo.pop()
        seen.add(current)
        todo |= imported(current) - seen
    return seen


if __name__ == "__main__":  # python -m tests.closure train: what its deps must list
    print(*sorted(str(file) for file in closure(Path("stages") / f"{sys.argv[1]}.py")), sep="\n")
