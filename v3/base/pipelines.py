"""Which of the pipelines in corpora/ DVC sees: those of the datasets that params.yaml lists.

Plain `dvc status`, `pull`, `checkout` and `exp apply` go through every pipeline that DVC sees, and
fail or go on at length where its data was never made. DVC passes over what .dvcignore names.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from v3.base.errors import V3Error

CORPORA = Path("corpora")
COMMAND = "python scripts/corpora.py"
WHOLE = "python -m stages.train "  # in a pipeline that makes all of its dataset, listed or not
HEAD = f"# Corpora that `datasets` in params.yaml does not list, out of DVC's sight: `{COMMAND}`.\n"


def hide_unlisted(datasets: Collection[str], corpora: Path = CORPORA) -> None:
    """Write corpora/.dvcignore, if it does not already say what `datasets` does."""
    unlisted = [name for name in _folders(corpora) if name not in datasets]
    text = HEAD + "".join(f"/{name}\n" for name in unlisted)
    file = corpora / ".dvcignore"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def check_hidden(datasets: Collection[str], corpora: Path = CORPORA) -> str | None:
    """V3Error if a listed corpus is hidden; advice, or None, where one that is not is in sight."""
    hidden = _hidden(corpora)
    both = [name for name in datasets if name in hidden]
    if both:
        raise V3Error(
            f"datasets lists {both[0]}, but {corpora / '.dvcignore'} hides the stages that make "
            f"it: `{COMMAND}` shows them again"
        )
    seen = [name for name in _folders(corpora) if name not in datasets and name not in hidden]
    if not seen:
        return None
    return (
        f"datasets does not list {', '.join(seen)}: `{COMMAND}` takes their stages out of the "
        "sight of plain dvc status, pull, checkout and exp apply, which otherwise look for their "
        "data."
    )


def _folders(corpora: Path) -> list[str]:
    """Corpora that `datasets` decides about: not the own data that has a whole pipeline there."""
    return sorted(
        file.parent.name
        for file in corpora.glob("*/dvc.yaml")
        if WHOLE not in file.read_text(encoding="utf-8")
    )


def _hidden(corpora: Path) -> set[str]:
    file = corpora / ".dvcignore"
    if not file.is_file():
        return set()
    lines = file.read_text(encoding="utf-8").splitlines()
    return {line.strip().strip("/") for line in lines if not line.startswith("#")}
