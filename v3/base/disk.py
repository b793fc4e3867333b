"""A full disk, whatever library met it: which folder it holds, and a mend that loses nothing."""

from __future__ import annotations

import errno
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from v3.base.errors import V3Error

FULL = (errno.ENOSPC, errno.EDQUOT)
SAID = re.compile(
    "|".join(
        (
            *(os.strerror(number) for number in FULL),  # HDF5, Arrow, safetensors, most others
            "disk is full",  # SQLite
            "No usable temporary directory",  # Python: it tries to write in each
            "out of shared memory",  # PyTorch, of a loader that the system ended for that
        )
    ),
    re.IGNORECASE,
)
# Libraries that say neither ("unexpected pos", "System error.", "9 requested and 7 written"): then
# the disk is looked at. Errors of these kinds and modules come from writing; others are mistakes.
KINDS = (OSError, RuntimeError, EOFError)
MODULES = ("sqlite3", "safetensors", "pickle", "_pickle")
ROOM = 1 << 16  # bytes: with fewer left, the next block of a library does not fit


class DiskFull(V3Error):
    """No room to write: the folder whose disk is full, and what helps."""


def disk_full(error: BaseException, folder: str | Path | None = None) -> DiskFull | None:
    """What to say if `error` comes from a full disk; None if it does not.

    `folder`: where something was being written. Called before that is removed, since the disk is
    looked at.
    """
    if isinstance(error, V3Error):
        return error if isinstance(error, DiskFull) else None
    said = any(_says_so(link) for link in _chain(error))
    written = isinstance(error, KINDS) or type(error).__module__.split(".")[0] in MODULES
    if not (said or written):
        return None
    places = _one_a_disk([*_named(error), *([Path(folder)] if folder else []), *_usual()])
    full = [place for place in places if _free(place) < ROOM]
    if not said and not full:
        return None
    # The disk of the file that the error names, else a full one, else the fullest: what was cut
    # off there may be gone already.
    named = _one_a_disk(list(_named(error))) if said else []
    place = (named or full or [min(places, key=_free)])[0]
    return DiskFull(
        f"no room is left on the disk that holds {place} ({_reason(error)}): {_mend(place)}, then "
        "run the same command again."
    )


def _reason(error: BaseException) -> str:
    for link in _chain(error):
        if isinstance(link, OSError) and link.errno in FULL:
            return os.strerror(link.errno)
    last = str(error).strip().splitlines()[-1:]  # of a whole traceback, if a loader failed
    return "".join(last)[:120] or type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _says_so(error: BaseException) -> bool:
    if isinstance(error, V3Error):
        return False
    return (isinstance(error, OSError) and error.errno in FULL) or bool(SAID.search(str(error)))


def _named(error: BaseException) -> Iterator[Path]:
    """Folders of files that were being written, as far as the error tells."""
    for link in _chain(error):
        if isinstance(link, OSError):
            # Of two names the first is what was read (shutil.copyfile).
            name = link.filename2 or link.filename
            if isinstance(name, str | bytes):
                yield _folder(Path(os.fsdecode(name)))
        for found in re.findall("filename = '([^']+)'", str(link)):  # HDF5
            yield _folder(Path(found))


def _folder(file: Path) -> Path:
    """The nearest folder above a file that is there."""
    return next((place for place in file.absolute().parents if _is_folder(place)), Path.cwd())


def _usual() -> list[Path]:
    """Folders that stages write to, whether their authors know or not."""
    here = Path.cwd()
    names = ("data", "models", "metrics", "plots", "scratch", ".dvc", ".dvc/cache")
    caches = [_cache(name) for name in CACHES]
    told = [_folder(Path(word) / "x") for word in sys.argv[1:] if os.sep in word]  # such as --run
    return [*told, here, *(here / name for name in names), *caches, _temporary(), *ELSEWHERE]


# Folders that a variable moves: its name, and where they are without, below the home folder.
CACHES = {"V3_CACHE": ".cache/v3", "HF_HOME": ".cache/huggingface"}
SHARED_MEMORY = Path("/dev/shm")
ELSEWHERE = (SHARED_MEMORY, Path(os.environ.get("DVC_SITE_CACHE_DIR", "/var/tmp")))


def _cache(name: str) -> Path:
    place = Path(os.environ.get(name) or Path("~") / CACHES[name])
    try:
        return place.expanduser()
    except RuntimeError:  # somebody who has no home
        return place


def _temporary() -> Path:
    try:
        return Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    except OSError:  # every candidate is full
        return Path("/tmp")


def _one_a_disk(places: list[Path]) -> list[Path]:
    """Those that are there, as far as we may look, the first of each file system."""
    disks: dict[int, Path] = {}
    for place in places:
        if _is_folder(place):
            disks.setdefault(place.stat().st_dev, place.absolute())
    return list(disks.values())


def _free(place: Path) -> int:
    """Bytes that may still be written; 0 where no further file can be made."""
    state = os.statvfs(place)
    no_more_files = state.f_files > 0 and state.f_favail == 0
    return 0 if no_more_files else state.f_bavail * state.f_frsize


def _mend(place: Path) -> str:
    if place.is_relative_to(SHARED_MEMORY):
        return "set machine.workers to 1 and machine.loaders to 0 in params.yaml, or give it more"
    moved = {name: _cache(name) for name in CACHES} | {"TMPDIR": _temporary()}
    for name, folder in moved.items():
        if _share_a_disk(place, folder) and not _share_a_disk(place, Path.cwd()):
            return f"make room there or set {name} to a folder on another disk"
    return "make room there (files that are not of this project will do)"


def _is_folder(place: Path) -> bool:
    """Whether it is one, as far as we may look."""
    try:
        return place.is_dir()
    except OSError:
        return False


def _share_a_disk(one: Path, other: Path) -> bool:
    both = _is_folder(one) and _is_folder(other)
    return both and len(_one_a_disk([one, other])) == 1
