"""One file over HTTP into a partial file, which a later try goes on with.

Beside the partial file lies a note (JSON) of what the server said of the file when it began:
address, length, ETag and date. A try asks for the rest on condition (`If-Range`) that the file is
still that one; a server that says otherwise, or knows no ranges, sends the whole again.
"""

from __future__ import annotations

import random
import re
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, TypeVar
from urllib.error import HTTPError, URLError

from v3.base.errors import V3Error
from v3.base.files import read_json, write_json
from v3.base.progress import Progress
from v3.base.schema import Section, read

T = TypeVar("T")
BLOCK = 1 << 18  # bytes that are read at a time
ADVANCE = 1 << 20  # bytes further than ever: the line is slow, not dead, and tries count anew
LATER = (429, 503)  # "come back later", with a Retry-After perhaps
PASSING = (408, 500, 502, 504, *LATER)  # what another try may mend


@dataclass(frozen=True)
class Patience:
    """How often and how long a download is tried; times in seconds."""

    tries: int = 6  # in a row that get no further
    pause: float = 1.0  # before the second try; doubles from one to the next
    longest_pause: float = 120.0  # also where the server asks for more
    silence: float = 60.0  # without a byte: a try ends


class Unavailable(V3Error):
    """An address that gave no file: why, and the HTTP status if that was the reason."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class _Fault(Exception):
    """A try that failed and may go better the next time; `wait`: seconds the server asked for."""

    def __init__(self, reason: object, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _Remote(Section):
    """What a server said of a file."""

    url: str
    total: int | None  # bytes
    etag: str | None
    modified: str | None

    @property
    def validator(self) -> str | None:
        """Says by `If-Range` whether the file is the same byte by byte; a weak ETag does not."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def download(
    url: str, file: IO[bytes], note: Path, *, size: int | None, pinned: bool, patience: Patience
) -> None:
    """Complete `file` (open for appending) with what `url` holds; `note` lies beside it.

    `size` in bytes is checked against what the server announces before a byte is taken. `pinned`:
    the caller knows the digest, so that a rest may be asked for without a condition.
    `Unavailable` says why there is no file; what is there stays for the next call. A local
    `OSError`, such as a full disk, passes.
    """
    failures = furthest = 0
    while True:
        try:
            return _try(url, file, note, size, pinned, patience)
        except _Fault as fault:
            if _length(file) >= furthest + ADVANCE:
                failures, furthest = 0, _length(file)
            failures += 1
            if failures >= patience.tries:
                raise Unavailable(f"{fault}, {failures} tries in a row") from None
            # Jitter: many clients that failed together should not come back together.
            pause = patience.pause * 2 ** (failures - 1) * random.uniform(0.5, 1)
            time.sleep(min(max(pause, fault.wait), patience.longest_pause))


def noted(note: Path, kind: type[T]) -> T | None:
    """What a JSON file beside a download says; None if it is missing, damaged or another."""
    try:
        return read(kind, read_json(note), note.name)
    except V3Error:
        return None


def _try(
    url: str, file: IO[bytes], note: Path, size: int | None, pinned: bool, patience: Patience
) -> None:
    begun = _begun(url, file, note, pinned)
    done = _length(file)
    if begun and done == begun.total == (size or done):
        return
    headers = {}
    if begun:
        headers["Range"] = f"bytes={done}-"
        if begun.validator:
            headers["If-Range"] = begun.validator
    try:
        response = _opened(url, headers, patience)
    except HTTPError as error:
        if error.code == 416:  # no such range: what is here is no beginning of what is there
            _start_anew(file, note)
        raise _fault_of(error, patience) from None
    with closing(response):
        said = _said(url, response)
        if response.status == 206:
            first, total = _range(response)
            if first != done or (
                begun and None not in (begun.total, total) and begun.total != total
            ):
                _start_anew(file, note)
                raise _Fault("the server sent another part than was asked for")
            said = begun or said
        else:
            _start_anew(file, note)
        if size is not None and said.total not in (None, size):
            raise Unavailable(f"the server announces {said.total} bytes, {size} are wanted")
        write_json(note, said.model_dump())
        _receive(response, file, note, said.total if size is None else size)


def _receive(response: HTTPResponse, file: IO[bytes], note: Path, wanted: int | None) -> None:
    """Append the body; `wanted` is the length in bytes that `file` shall have at the end."""
    done = _length(file)
    name = note.name.removesuffix(".part.json")
    with Progress[None](unit="B", total=wanted, initial=done, name=name) as progress:
        for block in _blocks(response):
            file.write(block)
            done += len(block)
            progress.update(len(block))
            if wanted is not None and done > wanted:
                break
    file.flush()
    if wanted is not None and done < wanted:
        raise _Fault(f"the transfer broke off after {done} of {wanted} bytes")
    if wanted is not None and done > wanted:
        _start_anew(file, note)
        raise _Fault(f"the server sent more than the {wanted} bytes of the file")


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    """The body; a fault of the line is a `_Fault`, so that an `OSError` is one of the disk."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, HTTPException) as error:
            raise _Fault(f"the transfer broke off ({_plain(error)})") from None
        if not block:
            return
        yield block


def _opened(url: str, headers: dict[str, str], patience: Patience) -> HTTPResponse:
    """The server's answer; `HTTPError` for a status that is no success, else `_Fault`."""
    request = urllib.request.Request(
        url, headers={"User-Agent": "v3", "Accept-Encoding": "identity", **headers}
    )
    # By hand: what build_opener() makes follows redirections to ftp, too.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    try:
        response: HTTPResponse = opener.open(request, timeout=patience.silence)
        return response
    except HTTPError:
        raise
    except URLError as error:
        final = isinstance(error.reason, str | ssl.SSLCertVerificationError)
        reason = _plain(error.reason) if isinstance(error.reason, OSError) else error.reason
        raise (Unavailable(str(reason)) if final else _Fault(reason)) from None
    except (OSError, HTTPException) as error:
        raise _Fault(_plain(error)) from None
    except (ValueError, OverflowError) as error:  # of a redirection, mostly
        raise Unavailable(f"it leads to what is no address: {error}") from None


def _fault_of(error: HTTPError, patience: Patience) -> Exception:
    """What a status that is no success means for further tries."""
    reason = f"HTTP status {error.code} {error.reason}".strip()
    error.close()
    if error.code not in (*PASSING, 416):
        return Unavailable(reason, error.code)
    wait = _seconds(error.headers.get("Retry-After")) if error.code in LATER else 0.0
    return _Fault(reason, min(wait, patience.longest_pause))


def _seconds(text: str | None) -> float:
    """A Retry-After, which is a number of seconds or a date, as seconds from now; 0 if neither."""
    text = (text or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _said(url: str, response: HTTPResponse) -> _Remote:
    total: int | None
    if response.status == 206:
        total = _range(response)[1]
    else:
        length = re.fullmatch(r"\d{1,18}", response.headers.get("Content-Length", ""))
        total = int(length[0]) if length else None
    etag, modified = (response.headers.get(name) for name in ("ETag", "Last-Modified"))
    return _Remote(url=url, total=total, etag=etag, modified=modified)


def _range(response: HTTPResponse) -> tuple[int, int | None]:
    """First byte and total length of a partial answer; -1 if it does not say."""
    found = re.match(
        r"bytes (\d{1,18})-\d+/(\d{1,18}|\*)", response.headers.get("Content-Range", "")
    )
    if not found:
        return -1, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _begun(url: str, file: IO[bytes], note: Path, pinned: bool) -> _Remote | None:
    """What the beginning in `file` is a beginning of; None, and an empty file, if unknown."""
    begun = noted(note, _Remote) if _length(file) else None
    if begun:
        longer = begun.total is not None and _length(file) > begun.total
        if begun.url == url and (begun.validator or pinned) and not longer:
            return begun
    _start_anew(file, note)
    return None


def _start_anew(file: IO[bytes], note: Path) -> None:
    file.truncate(0)
    note.unlink(missing_ok=True)


def _length(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def _plain(error: Exception) -> str:
    """An error for a sentence: without its number."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)
