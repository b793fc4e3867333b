"""Archives that are whole, and archives that somebody made to do harm."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.download.archives import archive_members

FILES = {"train/1.png": b"one" * 1000, "train/2.png": b"", "train/digitStruct.mat": b"\0" * 5000}


def member(name: str, **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def archive(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.GNU_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=kind) as tar:
        for info, content in members:
            info.size = info.size or len(content)
            tar.addfile(info, io.BytesIO(content) if content else None)
    return packed.getvalue()


def good(kind: int = tarfile.GNU_FORMAT) -> bytes:
    return archive(
        (member("./train", type=tarfile.DIRTYPE), b""),
        *((member(f"./{name}"), content) for name, content in FILES.items()),
        kind=kind,
    )


def read(path: Path, content: bytes, most_bytes: int = 10**6, most_members: int = 10) -> dict:
    path.write_bytes(content)
    return dict(archive_members(path, most_bytes=most_bytes, most_members=most_members))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.tar.gz"


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_what_is_in_it_comes_out(path: Path, kind: int) -> None:
    for content in (good(kind), gzip.compress(good(kind))):
        found = read(path, content)
        assert found == FILES
        assert list(found) == list(FILES)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_long_names_and_exact_limits(path: Path) -> None:
    name = "/".join(["folder" * 5] * 20) + "/ä.png"
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        made = archive((member(name), b"x" * 100), kind=kind)
        assert read(path, made, most_bytes=100, most_members=1) == {name: b"x" * 100}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("../evil"), "leads out of"),
        (member("train/../../evil"), "leads out of"),
        (member("..", type=tarfile.DIRTYPE), "leads out of"),
        (member("/etc/evil"), "is absolute"),
        (member("//evil"), "is absolute"),
        (member("C:/evil"), "is absolute"),
        (member("..\\evil"), "is absolute"),
        (member("train/evil\nname"), "do not print"),
        (member("evil", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "'evil' is a link"),
        (member("evil", type=tarfile.SYMTYPE, linkname="train/1.png"), "'evil' is a link"),
        (member("evil", type=tarfile.LNKTYPE, linkname="train/1.png"), "'evil' is a link"),
        (member("evil", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "'evil' is a device"),
        (member("evil", type=tarfile.BLKTYPE), "'evil' is a device"),
        (member("evil", type=tarfile.FIFOTYPE), "'evil' is a device"),
        (member("evil", type=b"?"), "'evil' is a device"),
        (member("train/1.png"), "'train/1.png' comes twice"),
        (member("train//./1.png"), "'train/1.png' comes twice"),
    ],
)
def test_what_is_refused(path: Path, bad: tarfile.TarInfo, reason: str) -> None:
    first = (member("train/1.png"), b"one")
    packed = gzip.compress(archive(first, (bad, b"")))
    with pytest.raises(V3Error) as caught:
        read(path, packed)
    assert str(caught.value).startswith(f"{path} is refused, ")
    assert reason in str(caught.value)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_negative_size_is_refused(path: Path) -> None:
    made = bytearray(archive((member("evil"), b"x")))
    made[124:136] = b"\xff" * 12  # -1 in the binary form of the field
    made[148:156] = b"%06o\0 " % (sum(made[:148]) + 8 * 32 + sum(made[156:512]))
    with pytest.raises(V3Error, match=r"makes no sense|damaged"):
        read(path, bytes(made))


def test_too_much_of_it(path: Path) -> None:
    with pytest.raises(V3Error, match="more than 3 members"):
        read(path, good(), most_members=3)
    with pytest.raises(V3Error, match="come to more than 7999 bytes"):
        read(path, good(), most_bytes=7999)
    assert read(path, good(), most_bytes=8000, most_members=4) == FILES


def test_too_much_of_one(path: Path) -> None:
    path.write_bytes(good())
    limits = {"train/1.png": 3000, "train/2.png": 0, "train/digitStruct.mat": 4999}
    members = archive_members(
        path, most_bytes=10**6, most_members=9, most_of=lambda name: limits.get(name, 0)
    )
    assert next(members)[0] == "train/1.png"
    with pytest.raises(V3Error) as caught:
        list(members)
    assert f"{path} is refused, its member 'train/digitStruct.mat' has 5000 bytes" in str(
        caught.value
    )
    limits["train/digitStruct.mat"] = 5000
    members = archive_members(
        path, most_bytes=10**6, most_members=9, most_of=lambda name: limits.get(name, 0)
    )
    assert dict(members) == FILES


def test_what_is_not_wanted_is_checked_and_not_given(path: Path) -> None:
    path.write_bytes(good())
    members = archive_members(
        path, most_bytes=10**6, most_members=9, wanted=lambda name: name.endswith("2.png")
    )
    assert dict(members) == {"train/2.png": b""}
    path.write_bytes(archive((member("one"), b"x"), (member("../evil"), b"x")))
    with pytest.raises(V3Error, match="leads out of"):
        list(archive_members(path, most_bytes=9, most_members=9, wanted=lambda _: False))


def zeros(path: Path, size: int) -> None:
    """One member of so many zeros, in about a thousandth of that."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header("train/zeros.png", size, tarfile.REGTYPE))
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
        file.write(bytes(1024))


def test_a_huge_member_is_refused_without_being_told(path: Path) -> None:
    """The limit that callers get who name none: one member may have 64 MiB."""
    zeros(path, 65 * 2**20)
    tracemalloc.start()
    with pytest.raises(V3Error, match=r"'train/zeros.png' has 68157440 bytes, more than the 6710"):
        list(archive_members(path, most_bytes=2**40, most_members=9))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * 2**20


def test_what_is_not_wanted_takes_no_memory(path: Path) -> None:
    zeros(path, 60 * 2**20)
    tracemalloc.start()
    assert not list(archive_members(path, most_bytes=2**40, most_members=9, wanted=lambda _: False))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * 2**20


def header(name: str, size: int, kind: bytes) -> bytes:
    return member(name, size=size, type=kind).tobuf(tarfile.GNU_FORMAT)


ZEROS = 300 * 2**20


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (header("evil", ZEROS, tarfile.REGTYPE), "more than 1000000 bytes"),
        (header("evil", ZEROS, tarfile.XHDTYPE), "more than its headers declare"),
        (header("evil", ZEROS, tarfile.GNUTYPE_LONGNAME), "more than its headers declare"),
        (header("evil", ZEROS, tarfile.DIRTYPE), "makes no sense"),
        (header("evil", 8**11 - 1, tarfile.REGTYPE), "more than 1000000 bytes"),
        (archive((member("fine"), b"x")), "more than its headers declare"),
    ],
)
def test_a_bomb_is_stopped_before_it_swells(path: Path, bomb: bytes, reason: str) -> None:
    """300 MB of zeros in 300 kB: as a member, as a header, after the end."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bomb)
        for _ in range(ZEROS // 2**20):
            file.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(V3Error, match=reason):
        dict(archive_members(path, most_bytes=10**6, most_members=10))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * 2**20
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive at all, but some text that is long enough to be a header" * 20,
        b"\x1f\x8b",
        gzip.compress(b"no archive in it" * 100),
        gzip.compress(b""),
        bytes(100),
    ],
    # gzip writes the time of day, which must not be part of a test's name: workers compare these
    ids=["nothing", "text", "cut gzip", "gzip of text", "gzip of nothing", "zeros"],
)
def test_what_is_no_archive(path: Path, content: bytes) -> None:
    with pytest.raises(V3Error, match=f"{path} is cut off, damaged or no tar archive"):
        read(path, content)


def test_a_missing_archive_is_named(path: Path) -> None:
    with pytest.raises(V3Error, match=f"{path} is missing"):
        list(archive_members(path, most_bytes=1, most_members=1))


def test_a_cut_at_any_place_is_seen(path: Path) -> None:
    """At the borders of members and blocks, too, where `tarfile` says nothing."""
    plain = good()
    end = len(plain.rstrip(b"\0"))
    for cut in (*range(0, end, 512), 100, end - 1):
        with pytest.raises(V3Error, match="cut off"):
            read(path, plain[:cut])
    packed = gzip.compress(plain)
    for cut in range(0, len(packed), 7):
        with pytest.raises(V3Error, match="cut off"):
            read(path, packed[:cut])


def test_a_damaged_header_in_the_middle_is_seen(path: Path) -> None:
    """`tarfile` takes it for the end."""
    plain = bytearray(good())
    second = plain.index(b"train/2.png")
    plain[second] ^= 1
    with pytest.raises(V3Error, match="damaged"):
        read(path, bytes(plain))


def test_a_damaged_checksum_is_seen(path: Path) -> None:
    packed = bytearray(gzip.compress(good()))
    packed[-6] ^= 1
    with pytest.raises(V3Error, match="damaged"):
        read(path, bytes(packed))


@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=12))),
    kind=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_whatever_stands_in_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]], kind: int
) -> None:
    content = bytearray(good(kind))
    for place, put in changes:
        content[place : place + len(put)] = put
    path = tmp_path_factory.getbasetemp() / "changed.tar"
    try:
        found = read(path, bytes(content))
    except V3Error:
        return
    for name in found:
        assert not name.startswith("/")
        assert ".." not in name.split("/")
