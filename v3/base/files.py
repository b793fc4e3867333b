"""Files and folders written whole or not at all, small JSON files, digests.

Each is written under another name beside its place, brought to the disk (a rename alone does not
do that: after a power cut the name would stand for nothing) and renamed. What a process left behind
that was killed in between, the next one that writes the same thing clears up.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from v3.base.disk import disk_full
from v3.base.errors import REFUSED, V3Error

OLD = ".old"  # ends the name of a folder that is about to be replaced
LONGEST = 200  # bytes of a name that a process and its like can be added to
NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # of file systems that cannot: nothing is to be done
_in_use: set[Path] = set()  # temporary names of this process


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on error.

    The temporary name keeps the suffix, which some libraries read the format from. A full disk is
    a `V3Error` that names it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _right_to_write(path.parent):
        beside = _beside(path, path.stem, path.suffix)
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        mode = beside.stat().st_mode  # what the umask admits
        with _room_in(path.parent):
            yield beside
            # Some libraries put a file of their own there, for the owner only.
            beside.chmod(mode & 0o777)
            _sync(beside)
        os.replace(beside, path)
        _sync(path.parent)
    finally:
        _in_use.discard(beside)
        beside.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` whole on success.

    The former folder is there until the new one has its name. A full disk is a `V3Error` that
    names it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _right_to_write(path.parent):
        beside = _beside(path, path.name, "")
        old = beside.with_name(beside.name + OLD)
        _in_use.add(old)
        beside.mkdir()
    try:
        with _room_in(path.parent):
            yield beside
            _finish(beside)
        if os.path.lexists(path):
            os.replace(path, old)
        os.replace(beside, path)
        _sync(path.parent)
    finally:
        try:
            _put_back(old, path)
            _remove(beside)
        finally:
            _in_use.difference_update((beside, old))


def _beside(path: Path, stem: str, suffix: str) -> Path:
    """A new name beside `path`, which says whose it is; leftovers of others are cleared up."""
    if len(os.fsencode(stem)) > LONGEST:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()
    _clear_up(path, stem, suffix)
    beside = path.with_name(f".{stem}-{os.getpid()}-{secrets.token_hex(4)}{suffix}")
    _in_use.add(beside)
    return beside


def _clear_up(path: Path, stem: str, suffix: str) -> None:
    """Remove what killed processes left beside `path`; the only whole folder goes back."""
    ours = re.compile(rf"\.{re.escape(stem)}-(\d+)-[0-9a-f]{{8}}{re.escape(suffix)}({OLD})?")
    for left in list(path.parent.iterdir()):
        found = ours.fullmatch(left.name)
        if found is None or left in _in_use or _runs(int(found[1])):
            continue
        if found[2]:
            _put_back(left, path)
        else:
            _remove(left)


def _put_back(old: Path, path: Path) -> None:
    """A folder that was set aside takes its place again if nothing did."""
    if os.path.lexists(old) and not os.path.lexists(path):
        os.replace(old, path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether another process has this number now; what this one still needs is `_in_use`."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _finish(folder: Path) -> None:
    """Rights as the umask has them for whatever a library made, and all of it on the disk."""
    admitted = folder.stat().st_mode & 0o777
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place, name)
            if file.is_symlink():
                continue
            status = file.stat()
            if status.st_nlink == 1:  # the rights of a linked file are those of its other name
                file.chmod(status.st_mode & 0o777 | admitted & 0o666)
            _sync(file)
        Path(place).chmod(Path(place).stat().st_mode & 0o777 | admitted)
        _sync(Path(place))


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(handle)


@contextmanager
def _right_to_write(folder: Path) -> Iterator[None]:
    """`V3Error` by the folder into which nothing may be written: a temporary name says nothing."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        raise V3Error(
            f"nothing may be written into {folder} ({error.strerror}): give yourself the right to, "
            "and run the same command again."
        ) from None


@contextmanager
def _room_in(folder: Path) -> Iterator[None]:
    """A full disk is one sentence that names it, from whatever library within the block."""
    try:
        yield
    except Exception as error:
        full = disk_full(error, folder)
        if full is None:
            raise
        raise full from error


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
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: run `dvc repro` to make it.") from None
    except PermissionError:
        raise V3Error(f"{path} may not be read: give yourself the right to.") from None
    except IsADirectoryError:
        raise V3Error(
            f"{path} is a folder where a file should be: move it away and run `dvc repro`."
        ) from None
    except NotADirectoryError:
        raise V3Error(
            f"{path} is missing, for a file stands where a folder above it should be: move that "
            "away and run `dvc repro`."
        ) from None
    except (ValueError, RecursionError) as error:
        raise V3Error(
            f"{path} is no readable JSON ({error}): delete it and run `dvc repro`."
        ) from None


def _no_number(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON and nothing that a stage writes."""
    raise ValueError(f"{name} is no number")


def read_metrics(path: str | Path) -> dict[str, Any]:
    """A metric file: named values, and of which data they are; `V3Error` names one that is not."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("source"), str):
        raise V3Error(f"{path} does not tell its source: delete it and run `dvc repro`.")
    return content


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
