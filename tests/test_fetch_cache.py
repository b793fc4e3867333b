"""What is there already: files of the cache, and of a mirror in place of the public address."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fetching import BODY, DIGEST, OTHER, WHOLE, get, names, private_cache
from http_server import Served, Site

from v3.base.errors import V3Error
from v3.download.fetch import Fetched, mirror_root


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_cache(tmp_path, monkeypatch)


# --- the cache ---


def test_a_file_put_there_by_hand_is_used(cache: Path) -> None:
    place = cache / "nowhere.invalid" / "data" / "a.tar"
    place.parent.mkdir(parents=True)
    place.write_bytes(BODY)
    url = "https://nowhere.invalid/data/a.tar"
    assert get(url, DIGEST) == Fetched(place, DIGEST, False, True)
    assert get(url, size=len(BODY)).sha256 == DIGEST


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_that_no_longer_fits_is_had_again(site: Site, pinned: bool) -> None:
    url = site.add("/a.tar", Served(BODY))
    pins = (DIGEST, None) if pinned else (None, len(BODY))
    path = get(url, *pins).path
    path.write_bytes(OTHER)
    os.utime(path, ns=(0, 0))  # a file system may not see a change within one tick
    assert get(url, *pins).path.read_bytes() == BODY
    assert len(site.asked) == 2


def test_a_digest_is_not_taken_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    url = site.add("/a.tar", Served(BODY))
    get(url, DIGEST)
    monkeypatch.setattr(
        "v3.download.fetch.file_digest", lambda path: pytest.fail(f"{path} was read")
    )
    assert get(url, DIGEST).sha256 == DIGEST


@pytest.mark.parametrize(
    "said", ["{}", "[]", '"a"', '{"sha256": 1, "file": []}', f'{{"sha256": "{DIGEST}"}}', "", "{"]
)
def test_a_memory_that_says_something_else(site: Site, cache: Path, said: str) -> None:
    url = site.add("/a.tar", Served(BODY))
    memory = cache / site.host / "a.tar.sha256.json"
    get(url, DIGEST)
    right = memory.read_text()
    memory.write_text(said)
    assert get(url).sha256 == DIGEST
    assert memory.read_text() == right
    assert len(site.asked) == 1


@pytest.mark.parametrize("name", ["a.tar", "a.tar.sha256.json", "a.tar.part.json"])
def test_a_folder_where_a_file_belongs(site: Site, cache: Path, name: str) -> None:
    url = site.add("/a.tar", Served(BODY))
    (cache / site.host / name).mkdir(parents=True)
    with pytest.raises(V3Error, match=f"{name} is a folder where a file belongs"):
        get(url, DIGEST)
    assert site.asked == []
    assert names(cache) == set()


def test_a_cache_that_cannot_be_written_is_named(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file, no folder")
    with pytest.raises(V3Error, match="V3_CACHE"):
        get(site.add("/a.tar", Served(BODY)), DIGEST)
    monkeypatch.setenv("V3_CACHE", str(cache.parent / "other"))
    assert get(site.address + "/a.tar", DIGEST).sha256 == DIGEST


def test_two_processes_do_not_mix(site: Site, cache: Path) -> None:
    body = os.urandom(1 << 22)
    url = site.add("/a.tar", Served(body))
    line = f"from v3.download.fetch import fetch; print(fetch('{url}', size={len(body)}).sha256)"
    running = [
        subprocess.Popen([sys.executable, "-c", line], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate()[0].strip() for process in running]
    assert said == [hashlib.sha256(body).hexdigest()] * 3
    assert len(site.asked) == 1
    assert names(cache) == WHOLE


def test_a_download_is_on_the_disk_before_its_digest_is_remembered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves zeros under a name whose digest nobody takes again."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append(of(handle)), fsync(handle)))
    monkeypatch.setattr(
        os, "replace", lambda a, b: (done.append(f"to {Path(b).name}"), replace(a, b))
    )
    get(site.add("/a.tar", Served(BODY)), DIGEST)
    assert done.index("a.tar.part") < done.index("to a.tar") < done.index("to a.tar.sha256.json")


def of(handle: int) -> str:
    """The name of an open file, as far as the system tells."""
    return Path(f"/proc/self/fd/{handle}").readlink().name


# --- mirrors ---

PUBLIC = "https://nowhere.invalid/data/a.tar"


def test_a_folder_is_used_in_its_place(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mirror" / "nowhere.invalid" / "data" / "a.tar"
    file.parent.mkdir(parents=True)
    file.write_bytes(BODY)
    monkeypatch.setenv("V3_MIRROR", str(tmp_path / "mirror"))
    assert mirror_root() == str(tmp_path / "mirror")
    assert get(PUBLIC, DIGEST, len(BODY)) == Fetched(file, DIGEST, True, True)
    assert get(PUBLIC, size=len(BODY)).as_published
    assert not get(PUBLIC, "0" * 64, len(BODY)).as_published
    assert not get(PUBLIC, size=1).as_published
    assert not get(PUBLIC).as_published
    assert names(file.parent) == {"a.tar"}
    assert names(cache) == set()


def test_what_a_folder_does_not_hold_is_had_elsewhere(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V3_MIRROR", str(tmp_path))
    assert not get(site.add("/a.tar", Served(BODY)), DIGEST).mirrored


def test_an_address_is_a_mirror_too(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V3_MIRROR", f"{site.address}/pub/")
    site.add("/pub/nowhere.invalid/data/a.tar", Served(BODY, faults=[1000, (500, {})]))
    got = get(PUBLIC, DIGEST)
    place = cache / ".mirrors" / site.host / "pub" / "nowhere.invalid" / "data" / "a.tar"
    assert got == Fetched(place, DIGEST, True, True)
    assert not get(PUBLIC, "0" * 64).as_published  # a sample in its place
    assert site.firsts() == [0, 1000, 1000]


def test_what_an_address_does_not_hold_is_had_elsewhere(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V3_MIRROR", f"{site.address}/pub")
    url = site.add("/a.tar", Served(BODY))
    assert get(url, DIGEST) == Fetched(cache / site.host / "a.tar", DIGEST, False, True)
    assert [asked.path for asked in site.asked] == [f"/pub/{site.host}/a.tar", "/a.tar"]

    site.add(f"/pub/{site.host}/b.tar", Served(BODY, faults=[(500, {})] * 9))
    with pytest.raises(V3Error, match=f"{site.address}/pub/{site.host}/b.tar .*500"):
        get(site.add("/b.tar", Served(BODY)), DIGEST)
    assert names(cache) == WHOLE


def test_a_mirror_that_is_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mirror_root() is None
    monkeypatch.setenv("V3_MIRROR", str(tmp_path / "nothing"))
    with pytest.raises(V3Error, match=r"V3_MIRROR is '.*nothing', which is no folder"):
        get(PUBLIC, DIGEST)
    for address in ("http://[::1/x", "http://exa..mple", f"https://{'a' * 64}.example/pub"):
        monkeypatch.setenv("V3_MIRROR", address)
        with pytest.raises(V3Error, match=r"V3_MIRROR is 'http.*no http address"):
            get(PUBLIC, DIGEST)
