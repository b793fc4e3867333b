"""Files of the corpora from a mirror, from the cache, or from their public address.

Looked at in this order:

1. `V3_MIRROR`, a folder (whose files are used in their place) or a base address, with files by
   host and path: `https://example.org/a/b.tar` is `<mirror>/example.org/a/b.tar`. It may hold a
   sample of a corpus instead of what was published; `Fetched.as_published` tells.
2. The cache, `$V3_CACHE` (default `~/.cache/v3`), with the same layout; files may be put there by
   hand. What came from a mirror's address lies apart, below `.mirrors/`.
3. The address itself: with resume, retries and a check of digest or size (`v3/download/http.py`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from v3.base.errors import V3Error
from v3.base.files import file_digest, write_json
from v3.base.schema import Section
from v3.download.http import Patience, Unavailable, download, noted

NOT_THERE = (404, 410)  # statuses of a mirror that does not hold the file
PATIENCE = Patience()
HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?(:\d{1,5})?", re.ASCII)
LONGEST = (233, 2000)  # bytes of a name and of a path: names of what lies beside a file are longer


@dataclass(frozen=True)
class Fetched:
    """A file that is here, whole."""

    path: Path
    sha256: str
    mirrored: bool  # from V3_MIRROR
    as_published: bool  # by the pinned digest, else by the pinned size, else as its address has it


class _Memory(Section):
    """What is remembered beside a file of the cache: its digest, and the file that has it."""

    sha256: str
    file: tuple[int, int]  # as of `_stamp`


def fetch(
    url: str, *, sha256: str | None = None, size: int | None = None, patience: Patience = PATIENCE
) -> Fetched:
    """The file at `url` (http or https), from wherever it is had first (see above).

    `sha256` (hexadecimal) and `size` (bytes) are those of the published file. A file from the
    network that does not fit is a `V3Error` and is not kept; one of a mirror is taken as it is.
    `V3Error` names the address, why it gave nothing, and what helps.
    """
    place = _place(url)
    if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise V3Error(f"the sha256 of {url} must be 64 digits 0-9a-f, is {sha256!r}")
    cached = cache_folder() / place
    mirror = mirror_root()
    if mirror is not None:
        found = _mirrored(mirror, url, place, patience)
        if found is not None:
            path, digest = found
            pinned = (digest, sha256) if sha256 is not None else (path.stat().st_size, size)
            return Fetched(path, digest, mirrored=True, as_published=pinned[0] == pinned[1])
    try:
        digest = _through_cache(url, cached, sha256, size, patience)
    except Unavailable as error:
        raise _unavailable(url, error, cached) from None
    return Fetched(cached, digest, mirrored=False, as_published=True)


def mirror_root() -> str | None:
    """What V3_MIRROR names: a folder, or a base address without a slash at its end; None if unset.

    `V3Error` if it is neither.
    """
    mirror = os.environ.get("V3_MIRROR", "").strip()
    if not mirror:
        return None
    if _host(mirror):
        return mirror.rstrip("/")
    folder = Path(mirror).expanduser()
    if is_address(mirror) or not folder.is_dir():
        raise V3Error(
            f"V3_MIRROR is '{mirror}', which is no folder here and no http address: "
            "mend it or unset it."
        )
    return str(folder)


def is_address(text: str) -> bool:
    """Whether a text is an http or https address, and no folder."""
    return text.startswith(("http://", "https://"))


def cache_folder() -> Path:
    """Where downloads are kept, outside of what DVC deletes."""
    named = os.environ.get("V3_CACHE", "").strip()
    return Path(named).expanduser() if named else Path.home() / ".cache" / "v3"


def _place(url: str) -> Path:
    """host/path of an address, as a relative path that cannot lead elsewhere."""
    host = _host(url)
    if not host:
        raise V3Error(f"'{url}' is no http or https address: mend it in params.yaml.")
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.query:
        path += "?" + parts.query.replace("/", "%2F")
    steps = path.removeprefix("/").split("/")
    if not url.isascii() or not f"{path}{url}".isprintable() or " " in url or parts.fragment:
        raise V3Error(f"{url!r} is no address as it is written in a request: mend it.")
    if any(step in ("", ".", "..") for step in steps):
        raise V3Error(f"{url} names no file: mend the address in params.yaml.")
    if any(len(os.fsencode(step)) > LONGEST[0] for step in (host, *steps)) or (
        len(os.fsencode(path)) > LONGEST[1]
    ):
        raise V3Error(
            f"{url} cannot be kept under its name, of which {LONGEST[0]} bytes between two "
            f"slashes and {LONGEST[1]} in all are possible: mend the address in params.yaml."
        )
    return Path(host, *steps)


def _host(url: str) -> str:
    """The host of an http or https address, perhaps with a port; nothing if it has none."""
    try:
        host = urlsplit(url).netloc.lower()
    except ValueError:
        return ""
    return host if is_address(url) and HOST.fullmatch(host) else ""


def _mirrored(mirror: str, url: str, place: Path, patience: Patience) -> tuple[Path, str] | None:
    """File and digest from a mirror; None if the mirror does not hold it."""
    if not is_address(mirror):
        file = Path(mirror) / place
        return (file, file_digest(file)) if file.is_file() else None
    address = f"{mirror}/{url.split('://', 1)[1]}"
    copy = cache_folder() / ".mirrors" / _place(address)
    try:
        return copy, _through_cache(address, copy, None, None, patience)
    except Unavailable as error:
        if error.status in NOT_THERE:
            return None
        raise _unavailable(address, error, copy) from None


def _unavailable(url: str, error: Unavailable, place: Path) -> V3Error:
    return V3Error(
        f"{url} could not be downloaded ({error}): run the same command again later, set "
        f"V3_MIRROR to a folder or address that holds the file, or put the file at {place}."
    )


def _through_cache(
    url: str, path: Path, sha256: str | None, size: int | None, patience: Patience
) -> str:
    """Digest of `path`, which is downloaded unless it is there and fits."""
    for file in (path, _memory(path), _note(path)):
        if file.is_dir():
            raise V3Error(f"{file} is a folder where a file belongs: remove or rename it.")
    digest = _cached(path, sha256, size)
    if digest is not None:
        return digest
    with _alone(path) as part:
        digest = _cached(path, sha256, size)  # from a process that was here before
        if digest is not None:
            return digest
        beside, note = Path(part.name), _note(path)
        download(url, part, note, size=size, pinned=sha256 is not None, patience=patience)
        digest = file_digest(beside)
        if sha256 not in (None, digest):
            part.truncate(0)
            raise V3Error(
                f"{url} has the sha256 {digest}, {sha256} is wanted; it was not kept: run the same "
                "command again, and if that does not help, the published file has changed or is "
                f"changed on the way: mend the digest in params.yaml or put the file at {path}."
            )
        # To the disk first: after a power cut the digest would be remembered of a file of zeros.
        os.fsync(part.fileno())
        os.replace(beside, path)
        note.unlink(missing_ok=True)
        _remember(path, digest)
    return digest


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """The partial file of `path`, open for appending by this process alone.

    What it holds at the end stays for the next time; it is removed if that is nothing.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(part)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise V3Error(
            f"the cache cannot be written ({part}: {error.strerror}): "
            "set V3_CACHE to a folder that can."
        ) from None
    with file:
        try:
            yield file
        finally:
            if part.exists() and file.seek(0, os.SEEK_END) == 0:
                part.unlink()
                _note(path).unlink(missing_ok=True)


def _locked(part: Path) -> IO[bytes]:
    while True:
        file = open(part, "ab")  # noqa: SIM115 (the caller closes it)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that downloads {part}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_still(file, part):
            return file
        file.close()  # who held the lock has renamed or removed it: it guards nothing


def _is_still(file: IO[bytes], path: Path) -> bool:
    """Whether the open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _cached(path: Path, sha256: str | None, size: int | None) -> str | None:
    """Digest of a file in the cache if that is the one that is wanted.

    The digest is remembered beside the file, or gigabytes would be read before each use.
    """
    if not path.is_file():
        return None
    known = noted(_memory(path), _Memory)
    if known is not None and known.file == _stamp(path):
        digest = known.sha256
    else:
        digest = file_digest(path)
        if sha256 is None and known is not None and known.sha256 != digest:
            return None  # no longer what was downloaded
        if os.access(path.parent, os.W_OK):  # a shared cache may be for reading alone
            _remember(path, digest)
    fits = digest == sha256 if sha256 is not None else size in (None, path.stat().st_size)
    return digest if fits else None


def _remember(path: Path, digest: str) -> None:
    write_json(_memory(path), {"sha256": digest, "file": _stamp(path)})


def _stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in ns: they tell whether a file was touched."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _memory(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256.json")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.json")
