"""Sprites: sheets read, checked and composed; the genuine ones where they are at hand."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json
from v3.base.schema import read
from v3.corpora.sprites.compose import POSES, compose, poses, write_fragments
from v3.corpora.sprites.params import DownloadParams, PartsParams
from v3.corpora.sprites.raw import DIGESTS, PINNED, TEXTS, bring_real
from v3.corpora.sprites.sheet import read_sheet, save_sheet, write_index
from v3.fragments.labels import LabelledFragments, validate
from v3.standins.sprites.sheets import draw_standin


def replace(parts: PartsParams, **changes: object) -> PartsParams:
    return PartsParams(**(parts.model_dump() | changes))


FEW = PartsParams(body=(0, 3), bottomwear=(1,), topwear=(0, 2), hair=(2, 9), shoes=1)
HOST = "https://raw.githubusercontent.com/YingzhenLi/Sprites"
DOWNLOAD = DownloadParams(address=HOST, commit=PINNED)
ROOT = Path(__file__).parent.parent
MIRROR = Path(os.environ.get("V3_TEST_MIRROR", ROOT.parent / "shared" / "mirror"))
GENUINE = MIRROR / "raw.githubusercontent.com" / "YingzhenLi" / "Sprites" / PINNED
genuine = pytest.mark.skipif(
    not GENUINE.is_dir(), reason=f"the genuine sheets are not at {GENUINE} (V3_TEST_MIRROR)"
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in's sheets of `FEW`; tests must not change them."""
    folder = tmp_path_factory.mktemp("sprites") / "raw"
    draw_standin(folder, FEW, seed=0)
    return folder


@pytest.fixture
def raw(drawn: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(drawn, tmp_path / "raw")
    return tmp_path / "raw"


def refusal(raw: Path, name: str, tmp_path: Path) -> str:
    """What composing says once the sheet `name` has changed and the index tells of the change."""
    write_index(raw, "altered", dict.fromkeys(FEW.sheets(), False))
    with pytest.raises(V3Error) as error:
        write_fragments(raw, tmp_path / "fragments.h5", FEW)
    assert not (tmp_path / "fragments.h5").exists()
    assert str(raw / name) in str(error.value)
    return str(error.value)


def characters(path: Path) -> dict[str, np.ndarray]:
    """Fragments (9, 3, 64, 64) by the name of the character."""
    with LabelledFragments(path) as file:
        fragments, _ = file.read_samples(range(len(file.style)))
        return dict(zip(file.sample_id, fragments.reshape(-1, 9, 3, 64, 64), strict=True))


def test_every_combination_is_a_character_in_nine_poses(drawn: Path, tmp_path: Path) -> None:
    write_fragments(drawn, tmp_path / "fragments.h5", FEW)
    info = validate(tmp_path / "fragments.h5")
    assert info.source.startswith("stand-in: ")
    assert info.content_names == tuple(POSES)
    assert info.group_names == ("hair 2", "hair 9")
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        assert file.shape == (3, 64, 64)
        assert file.dtype == np.uint8
        assert len(file.style) == len(set(file.sample_id)) == 8
        assert (file.content.reshape(8, 9) == np.arange(9)).all()
        assert [info.style_names[style] for style in file.style] == file.sample_id
        for name, group in zip(file.sample_id, file.group, strict=True):
            assert name.endswith(info.group_names[group])
    assert "body 3, bottom 1, top 2, hair 9" in info.style_names


def test_poses_are_the_named_cells() -> None:
    """Row-major index of the row's first cell, 13 cells a row, and four cells on."""
    cells = np.zeros((21, 64, 13, 64, 4), np.uint8)
    cells[..., 0] = (np.arange(21)[:, None] * 13 + np.arange(13))[:, None, :, None] % 256
    taken = poses(cells.reshape(21 * 64, 13 * 64, 4))[:, 0, 0, 0]
    firsts = {"walk left": 117, "spellcard front": 26, "spellcard right": 39, "slash left": 169}
    for name, first in firsts.items():
        assert taken[list(POSES).index(name)] == first + 4


def test_layers_lie_over_one_another_on_black() -> None:
    layers = np.zeros((3, 9, 64, 64, 4), np.uint8)
    layers[0, :, :32] = (200, 100, 50, 255)
    layers[1, :, :16] = (0, 0, 255, 255)
    layers[2, :, :, :32] = (255, 255, 255, 51)  # a fifth
    composed = compose(*layers)
    assert (composed[:, 40:, 40:] == 0).all()
    assert (composed[:, 20, 40] == (200, 100, 50)).all()
    assert (composed[:, 10, 40] == (0, 0, 255)).all()
    assert (composed[:, 20, 10] == (211, 131, 91)).all()
    assert (composed[:, 40, 10] == 51).all()


def test_drawn_poses_and_looks_differ(drawn: Path, tmp_path: Path) -> None:
    write_fragments(drawn, tmp_path / "fragments.h5", FEW)
    made = characters(tmp_path / "fragments.h5")
    one = made["body 0, bottom 1, top 0, hair 2"].astype(int)
    for a in range(9):
        for b in range(a):
            assert (np.abs(one[a] - one[b]).max(0) > 0).sum() > 100
    left, right = (list(POSES).index(f"walk {side}") for side in ("left", "right"))
    assert (one[left] == one[right][:, :, ::-1]).all()
    other = made["body 0, bottom 1, top 0, hair 9"].astype(int)
    assert (one[:, :, 50:] == other[:, :, 50:]).all()  # hair changes no leg
    assert (one[:, :, :30] != other[:, :, :30]).any()
    other = made["body 3, bottom 1, top 0, hair 2"].astype(int)
    assert (one[:, :, 25:35] != other[:, :, 25:35]).any(axis=(1, 2, 3)).all()  # a face each


def test_drawn_sheets_are_of_the_raw_format_and_of_the_seed_alone(
    drawn: Path, tmp_path: Path
) -> None:
    fewer = replace(FEW, body=(3,), topwear=(2,), hair=(2,))
    draw_standin(tmp_path / "again", fewer, seed=0)
    draw_standin(tmp_path / "other", replace(fewer, body=(0,)), seed=1)
    for name in fewer.sheets():
        with Image.open(drawn / name) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "P", (832, 1344))
            assert image.has_transparency_data
        assert file_digest(drawn / name) == file_digest(tmp_path / "again" / name)
    assert file_digest(drawn / "hair/2.png") != file_digest(tmp_path / "other" / "hair/2.png")


def test_drawn_sheets_fill_the_rows_of_the_three_movements(drawn: Path) -> None:
    cells = read_sheet(drawn / "body/0.png").reshape(21, 64, 13, 64, 4).swapaxes(1, 2)
    filled = cells[..., 3].any(axis=(2, 3)).sum(1)
    assert filled.tolist() == [7] * 4 + [0] * 4 + [9] * 4 + [6] * 4 + [0] * 5


def test_stand_in_has_so_many_sheets(tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"sprites\.parts\.hair asks for sheet 10.*0 to 9"):
        draw_standin(tmp_path / "raw", replace(FEW, hair=(0, 10)), seed=0)
    assert not (tmp_path / "raw").exists()


def test_truncated_sheet(raw: Path, tmp_path: Path) -> None:
    sheet = raw / "hair/9.png"
    sheet.write_bytes(sheet.read_bytes()[:900])
    assert "is no readable PNG" in refusal(raw, "hair/9.png", tmp_path)


def with_chunk(png: bytes, name: bytes, content: bytes) -> bytes:
    """A PNG one of whose chunks has another content."""
    at = png.index(name) - 4
    end = at + 12 + int.from_bytes(png[at : at + 4], "big")
    check = zlib.crc32(name + content).to_bytes(4, "big")
    return png[:at] + len(content).to_bytes(4, "big") + name + content + check + png[end:]


@pytest.mark.parametrize("name", [b"PLTE", b"tRNS"])
@pytest.mark.parametrize("content", [b"", b"\1", bytes(600), bytes(1000)])
def test_sheet_with_an_odd_palette(raw: Path, name: bytes, content: bytes) -> None:
    """It is read or refused by name, whatever Pillow makes of it."""
    sheet = raw / "hair/9.png"
    sheet.write_bytes(with_chunk(sheet.read_bytes(), name, content))
    try:
        read_sheet(sheet)
    except V3Error as error:
        refused = str(error)
    else:
        return
    assert refused.startswith(f"{sheet} is ")


@pytest.mark.parametrize("error", [IndexError("out of range"), struct.error("x"), KeyError()])
def test_whatever_pillow_raises(raw: Path, monkeypatch: pytest.MonkeyPatch, error: object) -> None:
    def load(*_: object) -> None:
        raise error  # type: ignore[misc]

    monkeypatch.setattr(Image.Image, "load", load)
    monkeypatch.setattr(PngImageFile, "load", load)
    with pytest.raises(V3Error, match=r"hair/9\.png is no readable PNG \([^)]+\): .*take 9 out"):
        read_sheet(raw / "hair/9.png")


def test_sheet_of_more_pixels_than_any_memory(raw: Path, tmp_path: Path) -> None:
    size = struct.pack(">IIBBBBB", 20000, 20000, 8, 3, 0, 0, 0)
    sheet = raw / "hair/9.png"
    sheet.write_bytes(with_chunk(sheet.read_bytes(), b"IHDR", size))
    assert "is 20000 x 20000 pixels, not 832" in refusal(raw, "hair/9.png", tmp_path)


def test_sheet_of_wrong_size(raw: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (832, 1280)).save(raw / "body/3.png")
    assert "832 x 1280 pixels, not 832 x 1344" in refusal(raw, "body/3.png", tmp_path)


def test_opaque_sheet(raw: Path, tmp_path: Path) -> None:
    sheet = read_sheet(raw / "topwear/2.png")
    Image.fromarray(np.ascontiguousarray(sheet[..., :3])).save(raw / "topwear/2.png")
    assert "is opaque: a layer must be transparent" in refusal(raw, "topwear/2.png", tmp_path)


def test_one_picture_by_two_numbers(raw: Path, tmp_path: Path) -> None:
    """Hair 9 would be an unseen style in name alone; the files may differ, what they show not."""
    save_sheet(raw / "hair/9.png", read_sheet(raw / "hair/2.png"))
    said = refusal(raw, "hair/9.png", tmp_path)
    assert "shows the same as hair/2.png" in said
    assert "take 9 out of sprites.parts.hair" in said


def test_a_sheet_is_named_once() -> None:
    with pytest.raises(V3Error, match=r"^parts\.hair must hold each sheet once, repeats 2$"):
        read(PartsParams, FEW.model_dump() | {"hair": [2, 9, 2]}, "parts")


def test_sheet_with_missing_rows(raw: Path, tmp_path: Path) -> None:
    """Well formed, but its pixels end half way: Pillow would leave the rest transparent."""
    sheet = raw / "hair/9.png"
    pixels = zlib.compress(bytes(833 * 600))
    sheet.write_bytes(with_chunk(sheet.read_bytes(), b"IDAT", pixels))
    assert "is no readable PNG (it holds 499800 bytes of its" in refusal(
        raw, "hair/9.png", tmp_path
    )


def test_sheet_of_another_mode(raw: Path) -> None:
    """Grey and alpha, as some tools save what has no colours."""
    grey = np.zeros((1344, 832, 2), np.uint8)
    grey[100:200, 100:200] = (90, 200)
    Image.fromarray(grey, "LA").save(raw / "hair/9.png")
    sheet = read_sheet(raw / "hair/9.png")
    assert (sheet[100:200, 100:200] == (90, 90, 90, 200)).all()
    assert not sheet[:100].any()


def test_missing_sheet(raw: Path, tmp_path: Path) -> None:
    (raw / "shoes/1.png").unlink()
    with pytest.raises(V3Error, match=r"shoes/1\.png is missing: run `dvc repro`"):
        write_fragments(raw, tmp_path / "fragments.h5", FEW)
    with pytest.raises(V3Error, match=r"hair/4\.png is missing"):
        write_fragments(raw, tmp_path / "fragments.h5", replace(FEW, hair=(2, 4)))


def test_exchanged_sheet(raw: Path, tmp_path: Path) -> None:
    shutil.copyfile(raw / "body/0.png", raw / "body/3.png")
    with pytest.raises(V3Error, match=r"body/3\.png is not the sheet that .*index\.json tells of"):
        write_fragments(raw, tmp_path / "fragments.h5", FEW)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "{", '{"source": "x", "sheets": null}', '{"source": 1, "sheets": {}}']
)
def test_broken_index(raw: Path, tmp_path: Path, text: str) -> None:
    (raw / "index.json").write_text(text)
    with pytest.raises(V3Error, match=r"index\.json"):
        write_fragments(raw, tmp_path / "fragments.h5", FEW)


def mirror_of(sheets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror that holds the sheets in `sheets` at the published address."""
    place = tmp_path / "mirror" / HOST.removeprefix("https://") / PINNED
    shutil.copytree(sheets, place)
    for text in TEXTS:
        if not (place / text).exists():
            (place / text).write_text("terms")
    monkeypatch.setenv("V3_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("V3_CACHE", str(tmp_path / "cache"))
    return place


def test_other_sheets_in_a_mirror_are_told(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A digest that is not the pinned one lands in the index and in the source."""
    mirror_of(drawn, tmp_path, monkeypatch)
    bring_real(tmp_path / "real", FEW, DOWNLOAD)
    index = read_json(tmp_path / "real" / "index.json")
    assert not index["sheets"]["body/0.png"]["as_published"]
    assert index["sheets"]["body/0.png"]["sha256"] == file_digest(drawn / "body/0.png")
    assert "not as published: body/0.png, body/3.png" in index["source"]
    assert {path.name for path in (tmp_path / "real").iterdir() if path.is_file()} == {
        "index.json",
        *TEXTS,
    }


@genuine
def test_genuine_sheets_are_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V3_MIRROR", str(MIRROR))
    six = tuple(range(6))
    all_parts = PartsParams(body=six, bottomwear=six, topwear=six, hair=tuple(range(10)), shoes=1)
    assert set(all_parts.sheets()) == set(DIGESTS)
    bring_real(tmp_path / "raw", all_parts, DOWNLOAD)
    index = read_json(tmp_path / "raw" / "index.json")
    assert all(sheet["as_published"] for sheet in index["sheets"].values())
    assert "not as published" not in index["source"]
    assert "GNU GENERAL PUBLIC" in (tmp_path / "raw" / TEXTS[2]).read_text(encoding="utf-8")


@genuine
def test_genuine_sheets_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hair changes only hair: the shirt stays, and what a sheet shows on top is in the picture."""
    monkeypatch.setenv("V3_MIRROR", str(MIRROR))
    bring_real(tmp_path / "raw", FEW, DOWNLOAD)
    write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", FEW)
    made = characters(tmp_path / "fragments.h5")
    assert len(made) == 8
    hairs = {hair: poses(read_sheet(tmp_path / "raw" / f"hair/{hair}.png")) for hair in (2, 9)}
    one = made["body 0, bottom 1, top 2, hair 2"].transpose(0, 2, 3, 1)
    other = made["body 0, bottom 1, top 2, hair 9"].transpose(0, 2, 3, 1)
    changed = (one != other).any(-1)
    assert changed.any(axis=(1, 2)).all()
    assert not changed[(hairs[2][..., 3] == 0) & (hairs[9][..., 3] == 0)].any()
    covered = hairs[2][..., 3] == 255
    assert (one[covered] == hairs[2][covered][:, :3]).all()
    corners = one[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 0).all()
    shirt = poses(read_sheet(tmp_path / "raw" / "topwear/2.png"))
    seen = (shirt[..., 3] == 255) & ~covered
    assert (one[seen] == shirt[seen][:, :3]).all()


@genuine
def test_genuine_sheets_survive_our_palette(tmp_path: Path) -> None:
    sheet = read_sheet(GENUINE / "hair/0.png")
    save_sheet(tmp_path / "again.png", sheet)
    assert (read_sheet(tmp_path / "again.png") == sheet).all()
