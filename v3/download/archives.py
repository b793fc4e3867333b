"""The files of a tar archive, one after the other in memory: nothing is ever unpacked to disk.

An archive comes from somewhere else, so it is not believed. What no corpus needs is refused by
name: names that lead out of the archive, links, devices, a name twice, more members or bytes
than the caller expects, in all or in one member. The uncompressed stream is read only as far as
its headers declare, so that a small file that swells to a huge one is stopped before it fills the
memory, and a member is in memory only if the caller wants it.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from v3.base.errors import V3Error

BLOCK = 512  # bytes of a tar header; whatever follows is padded to a multiple of it
READ_AHEAD = 128 * BLOCK  # bytes that are asked of the stream at a time
HEADERS = 1 << 17  # bytes that the headers of one member, long names included, may take
MOST_OF_ONE = 64 * 2**20  # bytes of a member, unless the caller knows better: beyond any image here
PADDING = 1 << 20  # bytes of zeros that may follow the last member
GZIP = b"\x1f\x8b"

Wanted = Callable[[str], bool]  # whether a member of this name is read
MostOf = Callable[[str], int]  # bytes that a member of this name may have

# What the standard library raises for bytes that make no sense, header fields included.
_DAMAGE: tuple[type[Exception], ...] = (
    *(tarfile.TarError, zlib.error, struct.error, EOFError),
    *(OSError, ValueError, LookupError, OverflowError),
)


def archive_members(
    path: str | Path,
    *,
    most_bytes: int,
    most_members: int,
    most_of: MostOf = lambda _: MOST_OF_ONE,
    wanted: Wanted = lambda _: True,
) -> Iterator[tuple[str, bytes]]:
    """The regular files of a .tar or .tar.gz as (relative name, content), in archive order.

    `most_bytes` bounds the sum of all contents, `most_members` the number of entries, folders
    included, `most_of` each content, by name and before it is read. What is not `wanted` is checked
    like the rest, but left out and never in memory. `V3Error` names the archive, and the member, if
    it is missing, cut off, damaged or holds what is refused; what came before has then been yielded
    already.
    """
    path = Path(path)
    try:
        with _opened(path) as plain:
            members = _members(path, _Stream(plain), most_bytes, most_members, most_of)
            yield from ((name, file.read()) for name, file in members if wanted(name))
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: run `dvc repro` to make it.") from None
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of what stands in the archive
        raise V3Error(
            f"{path} is cut off, damaged or no tar archive ({error or type(error).__name__}): "
            "delete it and run `dvc repro`; if the same comes again, replace it where it was "
            "fetched from."
        ) from None


class _Stream:
    """Uncompressed bytes for `tarfile`, no more of them than were allowed so far."""

    def __init__(self, plain: IO[bytes]) -> None:
        self.plain = plain
        self.allowed = READ_AHEAD + HEADERS
        self.count = 0
        self.last = b""

    def allow(self, size: int) -> None:
        """A member of `size` bytes was announced: it, and the headers of the next, may follow."""
        self.allowed += size + BLOCK + HEADERS

    def read(self, size: int) -> bytes:
        self.last = self.plain.read(size)
        self.count += len(self.last)
        if self.count > self.allowed:
            raise tarfile.ReadError("it holds more than its headers declare")
        return self.last

    def check_end(self, offset: int) -> None:
        """A whole archive ends in zeros from `offset` on; `tarfile` also stops at anything else."""
        start = offset - (self.count - len(self.last))
        end = self.last[max(start, 0) :]
        if start < 0 or len(end) < BLOCK:
            raise tarfile.ReadError("it has no end")
        self.allowed = self.count + PADDING
        while end:  # to the end, where gzip keeps a checksum
            if any(end):
                raise tarfile.ReadError(f"what follows byte {offset} is no member")
            end = self.read(READ_AHEAD)


def _opened(path: Path) -> IO[bytes]:
    with open(path, "rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    return cast(IO[bytes], gzip.open(path)) if packed else open(path, "rb")


def _members(
    path: Path, stream: _Stream, most_bytes: int, most_members: int, most_of: MostOf
) -> Iterator[tuple[str, IO[bytes]]]:
    seen: set[str] = set()
    count = total = 0
    # A stream ("r|"): read once from front to back, so that no member can point back.
    file = cast(IO[bytes], stream)
    with tarfile.open(fileobj=file, mode="r|", bufsize=READ_AHEAD) as archive:
        while (member := archive.next()) is not None:
            # A list of all that came by would grow for nothing.
            archive.members = []  # type: ignore[attr-defined]
            count += 1
            if count > most_members:
                raise _refused(path, f"it has more than {most_members} members")
            name = _checked_name(path, member)
            if name in seen:
                raise _refused(path, f"its member '{name}' comes twice")
            seen.add(name)
            total += member.size
            if total > most_bytes:
                raise _refused(path, f"its members come to more than {most_bytes} bytes")
            if member.size > most_of(name):
                raise _refused(
                    path,
                    f"its member '{name}' has {member.size} bytes, more than the {most_of(name)} "
                    "that such a file may have",
                )
            stream.allow(member.size)
            if member.isdir():
                continue
            content = archive.extractfile(member)
            assert content is not None, "a regular file has content"
            yield name, content
        stream.check_end(archive.offset)


def _checked_name(path: Path, member: tarfile.TarInfo) -> str:
    """The member's name without `./` and the like; `V3Error` for what is refused of a member."""
    name = member.name
    if not name.isprintable():
        raise _refused(path, f"the name of its member {name!r} has characters that do not print")
    if name.startswith("/") or "\\" in name or name[1:2] == ":":
        raise _refused(path, f"the name of its member '{name}' is absolute")
    if ".." in name.split("/"):
        raise _refused(path, f"the name of its member '{name}' leads out of the archive")
    if member.issym() or member.islnk():
        raise _refused(path, f"its member '{name}' is a link")
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise _refused(path, f"its member '{name}' is a device or another special file")
    if member.size < 0 or (member.isdir() and member.size):
        raise _refused(path, f"the size of its member '{name}' makes no sense")
    return str(PurePosixPath(name))


def _refused(path: Path, reason: str) -> V3Error:
    return V3Error(
        f"{path} is refused, {reason}: replace it by the published archive and run `dvc repro`."
    )
