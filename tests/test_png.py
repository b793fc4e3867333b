"""PNG files: every mode is read rightly or refused, and nothing that is not whole is drawn."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from svhn_archives import archived, house

from v3.base.errors import V3Error
from v3.corpora.svhn.annotations import annotate
from v3.corpora.svhn.crop import write_fragments
from v3.download.pictures import CHANNELS, DEPTHS, UnreadableError, read_png
from v3.fragments.labels import LabelledFragments

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEIGHT, WIDTH = 40, 60  # of svhn_archives.house
MODES = [(kind, depth) for kind, depths in DEPTHS.items() for depth in depths]
PALETTE = np.random.default_rng(1).integers(256, size=(256, 3), dtype=np.uint8)


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def rows_of(values: np.ndarray, depth: int) -> bytes:
    """Unfiltered rows of values (H, W, C), each of `depth` bits."""
    rows = b""
    for row in values.reshape(len(values), -1):
        if depth == 16:
            packed = row.astype(">u2").tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            packed = np.packbits(bits.astype(np.uint8)).tobytes()
        rows += b"\0" + packed
    return rows


def made(
    values: np.ndarray,
    kind: int,
    depth: int,
    *,
    palette: bytes | None = None,
    transparent: bytes = b"",
    rows: bytes | None = None,
    more: bytes = b"",
    data: bytes | None = None,
    interlaced: int = 0,
) -> bytes:
    """A PNG file, or what might be taken for one."""
    height, width = values.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    if palette is None and kind == 3:
        palette = PALETTE[: 2**depth].tobytes()
    if data is None:
        data = chunk(b"IDAT", zlib.compress(rows_of(values, depth) if rows is None else rows))
    return (
        SIGNATURE
        + chunk(b"IHDR", header)
        + more
        + (chunk(b"PLTE", palette) if palette is not None else b"")
        + (chunk(b"tRNS", transparent) if transparent else b"")
        + data
        + chunk(b"IEND", b"")
    )


def drawn(kind: int, depth: int) -> np.ndarray:
    """Noise (40, 60, C) of `depth` bits a value."""
    rng = np.random.default_rng(0)
    values = rng.integers(2**depth, size=(HEIGHT, WIDTH, CHANNELS[kind]))
    return np.asarray(values, np.uint16)


def expected(values: np.ndarray, kind: int, depth: int) -> np.ndarray:
    """Red, green, blue and alpha (H, W, 4), worked out from the standard."""
    if kind == 3:
        colours = PALETTE[values[..., 0]]
        return np.dstack([colours, np.full(values.shape[:2], 255, np.uint8)])
    levels = values.astype(int) * 255 / (2**depth - 1)
    levels = levels.round() if depth < 16 else values >> 8
    grey, alpha = kind in (0, 4), kind in (4, 6)
    colours = levels[..., :1].repeat(3, axis=-1) if grey else levels[..., :3]
    last = levels[..., -1:] if alpha else np.full((*values.shape[:2], 1), 255)
    return np.concatenate([colours, last], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(("kind", "depth"), MODES)
def test_every_mode_is_read_as_the_standard_says(kind: int, depth: int) -> None:
    values = drawn(kind, depth)
    assert (read_png(made(values, kind, depth)) == expected(values, kind, depth)).all()


@pytest.mark.parametrize(("kind", "depth"), [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8)])
def test_the_transparent_colour_is_found(kind: int, depth: int) -> None:
    values = drawn(kind, depth)
    key = values[3, 4]
    pixels = read_png(made(values, kind, depth, transparent=key.astype(">u2").tobytes()))
    assert ((pixels[..., 3] == 0) == (values == key).all(-1)).all()
    assert (pixels[..., :3] == expected(values, kind, depth)[..., :3]).all()


def test_a_palette_with_transparency() -> None:
    values = drawn(3, 4)
    pixels = read_png(made(values, 3, 4, transparent=bytes([0, 128])))
    alpha = np.array([0, 128, *[255] * 14])
    assert (pixels[..., 3] == alpha[values[..., 0]]).all()


def test_what_libraries_write_is_read() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(256, size=(HEIGHT, WIDTH, 4), dtype=np.uint8)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = Image.fromarray(noise).convert(mode)
        out = io.BytesIO()
        image.save(out, "PNG", optimize=True)
        assert (read_png(out.getvalue()) == np.asarray(image.convert("RGBA"))).all(), mode


GREY = drawn(0, 8)
ROWS = rows_of(GREY, 8)
PACKED = zlib.compress(ROWS)
WHOLE = made(GREY, 0, 8)
BROKEN = {
    "half of the rows": (made(GREY, 0, 8, rows=ROWS[: len(ROWS) // 2]), "holds 1220 bytes of its"),
    "one byte less": (made(GREY, 0, 8, rows=ROWS[:-1]), "holds 2439 bytes of its 2440"),
    "one byte more": (made(GREY, 0, 8, rows=ROWS + b"\0"), "holds more than its 2440"),
    "rows interlaced in name alone": (made(GREY, 0, 8, interlaced=1), "holds 2440 bytes of its"),
    "no pixels": (made(GREY, 0, 8, data=b""), "holds 0 bytes"),
    "zlib's checksum": (
        made(GREY, 0, 8, data=chunk(b"IDAT", PACKED[:-1] + bytes([PACKED[-1] ^ 1]))),
        "cannot be unpacked",
    ),
    "zlib's end": (made(GREY, 0, 8, data=chunk(b"IDAT", PACKED[:-4])), "no end"),
    "an unknown filter": (made(GREY, 0, 8, rows=b"\5" + ROWS[1:]), "unknown filter 5"),
    "a chunk between the pixels": (
        made(
            GREY,
            0,
            8,
            data=chunk(b"IDAT", PACKED[:9]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", PACKED[9:]),
        ),
        "do not follow each other",
    ),
    "a chunk's checksum": (WHOLE[:-1] + b"x", "checksum of its chunk b'IEND'"),
    "the header's checksum": (WHOLE[:29] + b"x" + WHOLE[30:], "checksum of its chunk b'IHDR'"),
    "text with a wrong checksum": (
        made(GREY, 0, 8, more=chunk(b"tEXt", b"a\0b")[:-1] + b"x"),
        "checksum of its chunk b'tEXt'",
    ),
    "no end": (WHOLE[:-12], "cut off"),
    "something after the end": (WHOLE + b"more", "4 bytes follow its end"),
    "an animation": (made(GREY, 0, 8, more=chunk(b"acTL", bytes(8))), "animation"),
    "a chunk that decoders must know": (made(GREY, 0, 8, more=chunk(b"ABCD", b"")), "b'ABCD'"),
    "two headers": (made(GREY, 0, 8, more=WHOLE[8:33]), "header does not come first, and once"),
    "no palette": (made(drawn(3, 8), 3, 8, palette=b"")[:33] + WHOLE[33:], "no palette"),
    "a short palette": (made(drawn(3, 8), 3, 8, palette=bytes(30)), "its palette has no colour 25"),
    "half a colour": (made(drawn(3, 8), 3, 8, palette=bytes(31)), "its palette of 31 bytes"),
    "a long palette": (made(drawn(3, 2), 3, 2, palette=bytes(15)), "its palette of 15 bytes"),
    "a palette of grey": (made(GREY, 0, 8, palette=bytes(30)), "its palette of 30 bytes"),
    "transparency of alpha": (
        made(drawn(6, 8), 6, 8, transparent=bytes(6)),
        "its transparency of 6 bytes",
    ),
    "a mode that does not exist": (made(GREY, 3, 16, palette=bytes(30)), "16 bits of colour type"),
    "no width": (made(np.zeros((2, 0, 1), int), 0, 8), "claims 0 x 2 pixels"),
    "more than any memory": (
        SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0)),
        "pixels, more than",
    ),
    "a key of 16 bits of colour": (
        made(drawn(2, 16), 2, 16, transparent=bytes(6)),
        "transparent, not read here",
    ),
    "nothing": (b"", "does not begin"),
    "a GIF": (b"GIF89a" + bytes(40), "does not begin"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_not_whole_is_refused(what: str) -> None:
    png, reason = BROKEN[what]
    with pytest.raises(UnreadableError) as caught:
        read_png(png)
    assert reason in str(caught.value)


def test_interlaced_pictures() -> None:
    """Eight by eight pixels in seven passes, by the table of the standard."""
    values = drawn(0, 8)[:8, :8]
    passes = np.array(
        [
            [1, 6, 4, 6, 2, 6, 4, 6],
            [7] * 8,
            [5, 6] * 4,
            [7] * 8,
            [3, 6, 4, 6, 3, 6, 4, 6],
            [7] * 8,
            [5, 6] * 4,
            [7] * 8,
        ]
    )
    rows = b""
    for number in range(1, 8):
        for row, of_pass in zip(values, passes == number, strict=True):
            if of_pass.any():
                rows += b"\0" + row[of_pass, 0].astype(np.uint8).tobytes()
    png = made(values, 0, 8, rows=rows, interlaced=1)
    assert (read_png(png) == expected(values, 0, 8)).all()
    with pytest.raises(UnreadableError, match="bytes of its"):
        read_png(made(values, 0, 8, rows=rows[:-9], interlaced=1))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1))
def test_no_changed_byte_goes_by_unseen(changes: list[tuple[int, int]]) -> None:
    png = bytearray(WHOLE)
    for place, value in changes:
        png[place] = value
    if bytes(png) == WHOLE:
        return
    with pytest.raises(UnreadableError):
        read_png(bytes(png))


# --- the readers -----------------------------------------------------------------------------


def fragments_of(tmp_path: Path, png: bytes) -> None:
    """Cut an archive whose second image in train is `png`."""
    raw = archived(tmp_path / "raw", house(image=png))
    annotate(raw, tmp_path / "boxes.h5", ())
    write_fragments(raw, tmp_path / "boxes.h5", tmp_path / "fragments.h5", 2, 1)


@pytest.mark.parametrize(
    "png",
    [
        made(drawn(0, 8), 0, 8, rows=ROWS[: len(ROWS) // 2]),
        BROKEN["text with a wrong checksum"][0],
        BROKEN["an animation"][0],
        made(drawn(4, 8), 4, 8),  # transparent: what colour is it?
        made(drawn(6, 16), 6, 16),
        made(drawn(3, 8), 3, 8, transparent=bytes(1)),
        made(drawn(0, 16), 0, 16, transparent=drawn(0, 16)[0, 0].astype(">u2").tobytes()),
    ],
)
def test_a_house_number_that_is_not_whole_is_refused_by_image_and_row(
    tmp_path: Path, png: bytes
) -> None:
    with pytest.raises(V3Error, match=r"train/2\.png \(row 2 of digitStruct\) cannot be re") as e:
        fragments_of(tmp_path, png)
    assert str(e.value).startswith(f"{tmp_path / 'raw' / 'train.tar.gz'}: ")
    assert "svhn.annotations.leave_out" in str(e.value)
    assert not (tmp_path / "fragments.h5").exists()


@pytest.mark.parametrize(("kind", "depth"), [(kind, depth) for kind, depth in MODES if kind < 4])
def test_a_house_number_of_any_opaque_mode_is_scaled_right(
    tmp_path: Path, kind: int, depth: int
) -> None:
    values = drawn(kind, depth)
    fragments_of(tmp_path, made(values, kind, depth))
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        found, _ = file.read_samples([file.sample_id.index("train/2.png")])
    image = Image.fromarray(np.ascontiguousarray(expected(values, kind, depth)[..., :3]))
    box = image.resize((32, 48), Image.Resampling.BICUBIC, (5, 5, 15, 25))
    assert (found[0] == np.asarray(box).transpose(2, 0, 1)).all()
