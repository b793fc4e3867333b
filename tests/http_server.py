"""Web servers on this machine that misbehave on demand, for the tests of downloads."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar


@dataclass
class Served:
    """A file, and how the server gets it wrong."""

    body: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    announced: int | None = None  # Content-Length of the whole, instead of the truth
    silent: bool = False  # about the length
    # One entry a request, used up in order: a status with headers, or bytes after which it breaks.
    faults: list[tuple[int, dict[str, str]] | int] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A request as it came in, and the bytes of the file that went out."""

    path: str
    first: int  # byte of the range, 0 for the whole
    condition: str | None  # If-Range
    status: int
    sent: int


class Site:
    """Files by path, and what was asked for."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []

    def add(self, path: str, served: Served) -> str:
        self.files[path] = served
        return self.address + path

    def firsts(self) -> list[int]:
        return [asked.first for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        served = self.site.files.get(self.path)
        fault = served.faults.pop(0) if served and served.faults else None
        if served is None:
            self._send(404, {}, b"")
        elif isinstance(fault, tuple):
            self._send(*fault, b"")
        else:
            self._serve(served, fault)

    def _serve(self, served: Served, breaks: int | None) -> None:
        total = len(served.body)
        whole = total if served.announced is None else served.announced
        same = self.headers.get("If-Range") in (None, served.etag, served.modified)
        first = self._first() if served.ranges and same else 0
        headers = {"ETag": served.etag, "Last-Modified": served.modified}
        if first >= total:
            self._send(416, {"Content-Range": f"bytes */{total}"}, b"")
            return
        if not served.silent:
            headers["Content-Length"] = str(whole - first)
        if first:
            headers["Content-Range"] = f"bytes {first}-{total - 1}/{whole}"
        sent = served.body[first:] if breaks is None else served.body[first : first + breaks]
        self._send(206 if first else 200, {k: v for k, v in headers.items() if v}, sent)

    def _first(self) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(asked[1]) if asked else 0

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        condition = self.headers.get("If-Range")
        # Before the answer: the test may look as soon as it has it.
        self.site.asked.append(Asked(self.path, self._first(), condition, status, len(content)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `Site.asked`."""


@contextmanager
def serving() -> Iterator[Site]:
    """A server on a free port of this machine, for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    site = Site(server.server_address[1])
    handler.site = site  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- the Hugging Face Hub ---

REPO = "gilkeyio/librispeech-alignments"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARDS = {
    "data/train_clean_100-00000-of-00002.parquet": b"first" * 100,
    "data/train_clean_100-00001-of-00002.parquet": b"second" * 100,
    "data/train_clean_360-00000-of-00001.parquet": b"not wanted",
    "data/test_clean-00000-of-00001.parquet": b"test" * 100,
    "README.md": b"read me",
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as `huggingface_hub` asks for; `asked` lists the paths."""

    asked: ClassVar[list[str]] = []
    # What goes wrong with paths that end so: a status; html: a page to log in, as networks of
    # hotels have; lost: a redirection to no host; json: something else than was asked; cut: half of
    # it; other, short: other bytes.
    broken: ClassVar[dict[str, int | str]] = {}
    lfs = True  # whether the listing tells the sha256

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].removeprefix("/huggingface.co")
        self.asked.append(f"{self.command} {path}")
        fault = next((self.broken[end] for end in self.broken if path.endswith(end)), "")
        base = f"/datasets/{REPO}/resolve/"
        if isinstance(fault, int):
            self.send(fault, b"", {})
        elif fault == "html":
            self.send(200, b"<html>Please log in.</html>", {"Content-Type": "text/html"})
        elif fault == "lost":
            self.send(302, b"", {"Location": "http://exa..mple/x"})
        elif fault == "json":
            self.send(200, b'{"welcome": true}', {})
        elif path.startswith(f"/api/datasets/{REPO}"):
            self.answer_api(path)
        elif path.startswith(base):
            revision, _, name = path.removeprefix(base).partition("/")
            if revision in ("main", COMMIT) and name in SHARDS:
                self.answer_shard(SHARDS[name], fault)
            else:
                self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            self.send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def answer_shard(self, content: bytes, fault: str) -> None:
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if fault == "cut":
            self.send(200, content[:100], {**headers, "Content-Length": str(len(content))})
        else:
            sent = {"other": content[::-1], "short": content[:-1]}.get(fault, content)
            self.send(200, sent, headers)

    def answer_api(self, path: str) -> None:
        rest = path.removeprefix(f"/api/datasets/{REPO}").strip("/").split("/")
        if rest[-1] not in ("", "main", COMMIT):
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif rest[0] == "tree":
            tree = [self.entry(name, content) for name, content in SHARDS.items()]
            self.send(200, json.dumps(tree).encode(), {})
        else:
            siblings = [{"rfilename": name} for name in SHARDS]
            info = {"id": REPO, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
            self.send(200, json.dumps(info).encode(), {})

    def entry(self, name: str, content: bytes) -> dict[str, object]:
        size = len(content)
        entry: dict[str, object] = {"type": "file", "path": name, "size": size, "oid": "0" * 40}
        if self.lfs and name.endswith(".parquet"):
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": digest, "size": size, "pointerSize": 134}
        return entry

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at `asked`."""


@contextmanager
def serving_hub() -> Iterator[str]:
    """The address of a Hub on a free port of this machine, for as long as the block lasts."""
    Hub.asked, Hub.broken = [], {}
    with serving_by(Hub) as address:
        yield address


@contextmanager
def serving_folder(folder: Path) -> Iterator[str]:
    """The address of a plain web server over a folder, which lists what folders hold."""

    class Plain(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with serving_by(Plain) as address:
        yield address


@contextmanager
def serving_by(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on a free port whose requests a handler answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
