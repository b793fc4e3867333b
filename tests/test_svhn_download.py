"""SVHN: archives that a server has made to do harm, from the download to the annotations."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from fetching import names, private_cache
from http_server import Served, Site
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from svhn_archives import archived, house

from v3.base.errors import V3Error
from v3.corpora.svhn.annotations import annotate
from v3.corpora.svhn.crop import write_fragments
from v3.corpora.svhn.params import ARCHIVES, Archive, Archives, DownloadParams
from v3.corpora.svhn.raw import bring_real


def with_member(archive: bytes, name: str, kind: bytes, size: int = 0) -> bytes:
    """The archive with one more member in front, of so many zeros."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, "/etc/passwd" * (kind == tarfile.SYMTYPE)
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, out) as packed:
        packed.write(entry.tobuf(tarfile.GNU_FORMAT))
        for _ in range(size // 2**20):
            packed.write(bytes(2**20))
        packed.write(gzip.decompress(archive))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "size", "sentence"),
    [
        ("../evil", tarfile.REGTYPE, 0, r"its member '\.\./evil' leads out of"),
        ("train/evil", tarfile.SYMTYPE, 0, "its member 'train/evil' is a link"),
        ("train/9.png", tarfile.REGTYPE, 40 * 2**20, "'train/9.png' has 41943040 bytes, more than"),
    ],
)
def test_a_harmful_archive_is_refused_after_its_download(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: bytes,
    size: int,
    sentence: str,
) -> None:
    private_cache(tmp_path, monkeypatch)
    good = archived(tmp_path / "good", house())
    known = {}
    for archive in ARCHIVES:
        body = (good / f"{archive}.tar.gz").read_bytes()
        if archive == "train":
            body = with_member(body, name, kind, size)
        site.add(f"/{archive}.tar.gz", Served(body))
        known[archive] = Archive(sha256=hashlib.sha256(body).hexdigest(), size=len(body))
    raw = tmp_path / "raw"
    bring_real(raw, DownloadParams(address=site.address, archives=Archives(**known)))
    assert names(raw) == {"index.json", *(f"{archive}.tar.gz" for archive in ARCHIVES)}
    with pytest.raises(V3Error, match=sentence) as caught:
        annotate(raw, tmp_path / "boxes.h5", ())
    assert str(caught.value).startswith(f"{raw / 'train.tar.gz'} is refused, ")
    assert {path.name for path in tmp_path.iterdir()} == {"cache", "good", "raw"}
    assert "evil" not in {path.stem for path in tmp_path.parent.rglob("*")}


@pytest.mark.parametrize("error", [IndexError("out of range"), KeyError()])
def test_whatever_pillow_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: object
) -> None:
    raw = archived(tmp_path / "raw", house())
    annotate(raw, tmp_path / "boxes.h5", ())

    def load(*_: object) -> None:
        raise error  # type: ignore[misc]

    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr(PngImageFile, "load", load)
    with pytest.raises(V3Error, match=r"train/1.png \(row 1 of digitStruct\) cannot be read"):
        write_fragments(raw, tmp_path / "boxes.h5", tmp_path / "fragments.h5", 2, 1)
