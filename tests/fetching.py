"""What the tests of downloads share: a body, its digest, and an impatient way to fetch it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from v3.download.fetch import Fetched, fetch
from v3.download.http import Patience

QUICK = Patience(tries=3, pause=0.002, longest_pause=0.3, silence=5)
BODY = bytes(range(256)) * 300
DIGEST = hashlib.sha256(BODY).hexdigest()
OTHER = BODY[::-1]
WHOLE = {"a.tar", "a.tar.sha256.json"}
PARTIAL = {"a.tar.part", "a.tar.part.json"}


def get(url: str, sha256: str | None = None, size: int | None = None) -> Fetched:
    return fetch(url, sha256=sha256, size=size, patience=QUICK)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file()}


def private_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache below `folder`, no mirror, and no proxy before the local server."""
    monkeypatch.setenv("V3_CACHE", str(folder / "cache"))
    monkeypatch.delenv("V3_MIRROR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder / "cache"
