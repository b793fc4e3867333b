"""Downloads that are tried again or given up, and addresses and names that no file can have."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from fetching import BODY, DIGEST, WHOLE, get, names, private_cache
from http_server import Served, Site

from v3.base.errors import V3Error
from v3.download.fetch import fetch
from v3.download.http import ADVANCE, Patience


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_cache(tmp_path, monkeypatch)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_no_other_try_mends_is_final(site: Site, cache: Path, status: int) -> None:
    url = site.add("/a.tar", Served(BODY, faults=[(status, {})] * 9))
    with pytest.raises(V3Error, match=f"{url} could not be downloaded .*{status}") as caught:
        get(url, DIGEST)
    assert "V3_MIRROR" in str(caught.value)
    assert str(cache / site.host / "a.tar") in str(caught.value)
    assert len(site.asked) == 1
    assert names(cache) == set()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(site: Site, cache: Path, status: int) -> None:
    served = Served(BODY, faults=[(status, {})] * 2)
    assert get(site.add("/a.tar", served), DIGEST).path.read_bytes() == BODY
    assert len(site.asked) == 3
    url = site.add("/b.tar", Served(BODY, faults=[(status, {})] * 9))
    with pytest.raises(V3Error, match=f"{url} could not be downloaded .*{status}.*3 tries"):
        get(url, DIGEST)
    assert len(site.asked) == 6
    assert names(cache) == WHOLE


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("60", 60, 60),
        ("3600", 100, 100),
        (50, 40, 50),
        (-50, 0, 1),
        ("soon", 0, 1),
        ("", 0, 1),
        (f"Tue, 01 Mar {'9' * 30} 10:00:00 GMT", 0, 1),
    ],
)
def test_retry_after_is_kept_to_within_bounds(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    asked: str | int,
    least: float,
    most: float,
) -> None:
    """Seconds as text, or (a number here) a date so many seconds from now."""
    waited: list[float] = []
    monkeypatch.setattr("v3.download.http.time.sleep", waited.append)
    if isinstance(asked, int):
        asked = format_datetime(datetime.now(UTC) + timedelta(seconds=asked))
    url = site.add("/a.tar", Served(BODY, faults=[(status, {"Retry-After": asked})]))
    assert fetch(url, sha256=DIGEST, patience=Patience(longest_pause=100)).sha256 == DIGEST
    assert len(waited) == 1
    assert least <= waited[0] <= most


def test_pauses_grow_within_bounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("v3.download.http.time.sleep", waited.append)
    url = site.add("/a.tar", Served(BODY, faults=[(500, {})] * 9))
    with pytest.raises(V3Error, match="6 tries"):
        fetch(url, patience=Patience(tries=6, pause=1, longest_pause=5))
    for pause, longest in zip(waited, (1, 2, 4, 5, 5), strict=True):
        assert min(longest, 4) / 2 <= pause <= longest


def test_a_slow_line_is_not_a_dead_one(site: Site) -> None:
    """Each try gets further, so there are more of them than patience has in a row."""
    body = os.urandom(ADVANCE) * 6
    served = Served(body, faults=[ADVANCE] * 5)
    assert get(site.add("/a.tar", served), size=len(body)).path.read_bytes() == body
    assert site.firsts() == [ADVANCE * done for done in range(6)]


def test_no_network_is_one_sentence(cache: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/data/a.tar"
    with pytest.raises(V3Error) as caught:
        get(url, DIGEST)
    said = str(caught.value)
    assert url in said
    assert "refused" in said
    assert "V3_MIRROR" in said
    assert f"put the file at {cache / f'127.0.0.1:{port}' / 'data' / 'a.tar'}" in said
    assert "\n" not in said
    assert names(cache) == set()


def test_a_redirection_is_followed_but_not_to_a_file(site: Site) -> None:
    there = site.add("/there", Served(BODY))
    url = site.add("/a.tar", Served(BODY, faults=[(302, {"Location": there})]))
    assert get(url, DIGEST).path.name == "a.tar"
    url = site.add("/b.tar", Served(BODY, faults=[(302, {"Location": "file:///etc/passwd"})]))
    with pytest.raises(V3Error, match="could not be downloaded"):
        get(url, DIGEST)
    url = site.add("/c.tar", Served(BODY, faults=[(302, {"Location": "ftp://127.0.0.1/c"})]))
    with pytest.raises(V3Error, match="unknown url type: ftp"):
        get(url, DIGEST)


@pytest.mark.parametrize(
    "there",
    [
        "http://[::1/x",
        "http://exa..mple/x",
        f"http://{'a' * 64}.example/x",
        "http://127.0.0.1:x/x",
        "http://127.0.0.1:99999999/x",
    ],
)
def test_a_redirection_to_what_is_no_address(site: Site, cache: Path, there: str) -> None:
    url = site.add("/a.tar", Served(BODY, faults=[(302, {"Location": there})] * 9))
    with pytest.raises(V3Error, match="could not be downloaded") as caught:
        get(url, DIGEST)
    assert url in str(caught.value)
    assert names(cache) == set()


@pytest.mark.parametrize("path", ["a" * 234, "a" * 249, "a" * 300, f"{'é' * 117}", "a/" * 3000])
def test_a_name_that_is_too_long(site: Site, cache: Path, path: str) -> None:
    site.add(f"/{'a' * 233}", Served(BODY))
    assert get(f"{site.address}/{'a' * 233}").sha256 == DIGEST
    with pytest.raises(V3Error, match="cannot be kept under its name") as caught:
        get(f"{site.address}/{quote(path)}a")
    assert site.address in str(caught.value)
    assert len(names(cache)) == 2


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "example.org/a",
        "http:///a",
        "http://user:word@example.org/a",
        "http://[::1/a",
        "http://../a",
        "http://.mirrors/a",
        "http://exa..mple/a",
        f"http://{'a' * 64}.example/a",
        "http://example.org",
        "http://example.org/",
        "http://example.org/a/../../../b",
        "http://example.org/a/%2e%2E/b",
        "http://example.org/a%2f..%2f../b",
        "http://example.org//etc/a",
        "http://example.org/a\nb",
        "http://example.org/a%00b",
        "http://example.org/a b",
        "http://example.org/a#b",
    ],
)
def test_what_is_no_address_of_a_file(url: str) -> None:
    with pytest.raises(V3Error, match=r"no http or https address|names no file|no address as"):
        get(url)


def test_a_digest_that_can_never_fit(site: Site) -> None:
    with pytest.raises(V3Error, match="64 digits"):
        get(site.add("/a.tar", Served(BODY)), DIGEST[:-1])
    assert site.asked == []
