"""A web server on this machine that misbehaves on demand, for the tests of downloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


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
