"""Downloads that are whole, from a real server that breaks off, lies and changes its mind."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from fetching import BODY, DIGEST, OTHER, PARTIAL, WHOLE, get, names, private_cache
from http_server import Served, Site, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.download.fetch import Fetched


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return private_cache(tmp_path, monkeypatch)


def test_a_file_comes_once(site: Site, cache: Path) -> None:
    url = site.add("/data/a.tar", Served(BODY))
    got = get(url, DIGEST, len(BODY))
    assert got == Fetched(cache / site.host / "data" / "a.tar", DIGEST, False, True)
    assert got.path.read_bytes() == BODY
    assert names(cache) == WHOLE
    assert get(url, DIGEST) == get(url) == got
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("etag", "modified", "condition"),
    [
        ('"one"', None, '"one"'),
        ('W/"one"', "Tue, 01 Mar 2022 10:00:00 GMT", "Tue, 01 Mar 2022 10:00:00 GMT"),
        (None, None, None),
    ],
)
def test_a_break_resumes(
    site: Site, cache: Path, etag: str | None, modified: str | None, condition: str | None
) -> None:
    served = Served(BODY, etag, modified, faults=[1000, 20_000])
    got = get(site.add("/a.tar", served), DIGEST)
    assert got.path.read_bytes() == BODY
    assert site.firsts() == [0, 1000, 21_000]
    assert sum(asked.sent for asked in site.asked) == len(BODY)
    assert [asked.condition for asked in site.asked] == [None, condition, condition]
    assert names(cache) == WHOLE


def test_another_run_goes_on_with_what_is_there(site: Site, cache: Path) -> None:
    served = Served(BODY, faults=[1000, (404, {})])
    url = site.add("/a.tar", served)
    with pytest.raises(V3Error, match="404"):
        get(url, DIGEST)
    assert names(cache) == PARTIAL
    assert get(url, DIGEST).path.read_bytes() == BODY
    assert site.firsts() == [0, 1000, 1000]
    assert names(cache) == WHOLE


def test_a_download_killed_before_its_last_step_asks_for_nothing(site: Site, cache: Path) -> None:
    url = site.add("/a.tar", Served(BODY, faults=[1000, (404, {})]))
    with pytest.raises(V3Error, match="404"):
        get(url, DIGEST)
    (cache / site.host / "a.tar.part").write_bytes(BODY)
    assert get(url, DIGEST).sha256 == DIGEST
    assert len(site.asked) == 2


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("etag", ['"two"', None])
def test_a_changed_file_is_not_glued(site: Site, cache: Path, pinned: bool, etag: str) -> None:
    url = site.add("/a.tar", Served(OTHER, faults=[1000, (404, {})]))
    with pytest.raises(V3Error, match="404"):
        get(url)
    site.files["/a.tar"] = Served(BODY, etag)
    got = get(url, DIGEST if pinned else None, len(BODY))
    assert got.path.read_bytes() == BODY
    assert [asked.status for asked in site.asked] == [200, 404, 200]
    assert names(cache) == WHOLE


def test_without_digest_and_validator_nothing_is_glued(site: Site) -> None:
    got = get(site.add("/a.tar", Served(BODY, None, faults=[1000])), size=len(BODY))
    assert got.path.read_bytes() == BODY
    assert site.firsts() == [0, 0]


def test_a_server_without_ranges_sends_it_anew(site: Site) -> None:
    got = get(site.add("/a.tar", Served(BODY, ranges=False, faults=[1000])), DIGEST)
    assert got.path.read_bytes() == BODY
    assert [(asked.first, asked.status) for asked in site.asked] == [(0, 200), (1000, 200)]


def test_a_partial_file_that_is_no_beginning(site: Site, cache: Path) -> None:
    """Of which nothing is known, or longer than the whole."""
    place = cache / site.host
    place.mkdir(parents=True)
    (place / "a.tar.part").write_bytes(OTHER)
    assert get(site.add("/a.tar", Served(BODY)), DIGEST).path.read_bytes() == BODY
    assert site.firsts() == [0]

    url = site.add("/b.tar", Served(BODY[:500], None, faults=[100, (404, {})]))
    with pytest.raises(V3Error, match="404"):
        get(url, DIGEST)
    with open(place / "b.tar.part", "ab") as part:
        part.write(b"x" * 1000)
    got = get(url, hashlib.sha256(BODY[:500]).hexdigest())
    assert got.path.read_bytes() == BODY[:500]


@pytest.mark.parametrize("silent", [False, True])
def test_a_wrong_digest_keeps_nothing(site: Site, cache: Path, silent: bool) -> None:
    url = site.add("/a.tar", Served(OTHER, silent=silent))
    with pytest.raises(V3Error) as caught:
        get(url, DIGEST)
    said = str(caught.value)
    assert url in said
    assert DIGEST in said
    assert hashlib.sha256(OTHER).hexdigest() in said
    assert "params.yaml" in said
    assert names(cache) == set()


def test_a_wrong_size_is_refused_before_it_is_read(site: Site, cache: Path) -> None:
    url = site.add("/a.tar", Served(BODY))
    with pytest.raises(V3Error, match=f"announces {len(BODY)} bytes, 17 are wanted"):
        get(url, size=17)
    assert len(site.asked) == 1
    assert names(cache) == set()


@pytest.mark.parametrize("pinned", [True, False])
def test_a_length_that_is_too_long(site: Site, cache: Path, pinned: bool) -> None:
    url = site.add("/a.tar", Served(BODY, announced=len(BODY) + 10))
    with pytest.raises(V3Error, match=f"{url} could not be downloaded .*3 tries"):
        get(url, DIGEST if pinned else None, None if pinned else len(BODY) + 10)
    assert len(site.asked) <= 3
    assert "a.tar" not in names(cache)


def test_a_length_that_is_too_short(site: Site, cache: Path) -> None:
    url = site.add("/a.tar", Served(BODY, announced=len(BODY) - 10))
    with pytest.raises(V3Error, match="sha256"):
        get(url, DIGEST)
    with pytest.raises(V3Error, match=f"announces {len(BODY) - 10} bytes, {len(BODY)} are wanted"):
        get(url, size=len(BODY))
    assert names(cache) == set()


def test_a_size_alone_guards_a_server_that_tells_no_length(site: Site, cache: Path) -> None:
    url = site.add("/a.tar", Served(BODY, silent=True, faults=[1000]))
    assert get(url, size=len(BODY)).path.read_bytes() == BODY
    assert site.firsts() == [0, 1000]
    url = site.add("/b.tar", Served(BODY, silent=True))
    with pytest.raises(V3Error, match=r"sent more than the 100 bytes of the file, 3 tries"):
        get(url, size=100)
    assert names(cache) == WHOLE


@pytest.mark.parametrize(
    "note", ["[]", '"a"', "{}", '{"url": 1, "total": "1", "etag": 1, "modified": 1}', "", "{"]
)
def test_a_note_that_says_something_else(site: Site, cache: Path, note: str) -> None:
    url = site.add("/a.tar", Served(BODY))
    place = cache / site.host
    place.mkdir(parents=True)
    (place / "a.tar.part").write_bytes(OTHER[:1000])
    (place / "a.tar.part.json").write_text(note)
    assert get(url, DIGEST).path.read_bytes() == BODY
    assert site.firsts() == [0]
    assert names(cache) == WHOLE


@settings(max_examples=25)
@given(
    breaks=st.lists(st.integers(0, len(BODY)), max_size=2),
    ranges=st.booleans(),
    etag=st.sampled_from(['"one"', 'W/"one"', None]),
    silent=st.booleans(),
    pins=st.sampled_from([(DIGEST, None), (None, len(BODY)), (DIGEST, len(BODY))]),
)
def test_wherever_it_breaks_the_file_is_whole(
    breaks: list[int],
    ranges: bool,
    etag: str | None,
    silent: bool,
    pins: tuple[str | None, int | None],
) -> None:
    """Or is refused: a silent server that breaks off looks like one that is done."""
    with (
        serving() as site,
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("V3_CACHE", folder)
        served = Served(BODY, etag, ranges=ranges, silent=silent, faults=[*breaks])
        url = site.add("/a.tar", served)
        try:
            assert get(url, *pins).path.read_bytes() == BODY
            assert names(Path(folder)) == WHOLE
        except V3Error:
            assert silent
            assert pins[1] is None
            assert "a.tar" not in names(Path(folder))
