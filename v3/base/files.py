"""Files written whole or not at all, small JSON files, digests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from v3.base.errors import V3Error


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on error.

    The temporary name keeps the suffix, which some libraries read the format from.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes files for the owner only; results are for everybody the umask admits.
        beside.chmod(0o666 & ~_umask())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` whole on success."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        if path.exists():
            shutil.rmtree(path)
        os.replace(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def link_or_copy(source: Path, target: Path, link: bool = True) -> None:
    """Put a file where DVC will track it: a hard link, which takes no room, where one can be made.

    Without `link` it is copied: DVC changes the permissions of what it tracks, which a file that
    is somebody else's should keep. Symbolic links are followed.
    """
    source = source.resolve()
    if link:
        try:
            os.link(source, target)
            return
        except OSError:  # another disk, one without links, or one that forbids them to strangers
            pass
    shutil.copyfile(source, target)


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all; NaN is refused (it is not JSON)."""
    with atomic_file(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a missing or damaged one is a `V3Error` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: run `dvc repro` to make it.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise V3Error(
            f"{path} is no readable JSON ({error}): delete it and run `dvc repro`."
        ) from None


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
