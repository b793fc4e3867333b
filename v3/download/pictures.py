"""PNG files that come from somewhere else: read whole and rightly, or refused with a reason.

Pillow is lenient: it draws black where rows are missing, takes the default frame of an animation,
looks at few checksums, and turns 16 bits a channel of grey into white. So the file is checked here
from its first byte to its last (W3C, Portable Network Graphics, second edition), and Pillow is
handed only what has been checked, for the one thing it is quick at: to undo the filters of rows.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 2**26  # of a picture: some ten times a large photograph's
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of grey, colour, palette, grey and alpha, with alpha
GREY, COLOUR, PALETTE = 0, 2, 3
PASSES = (  # of an interlaced picture: first column and row, and the steps from there
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
FILTERS = 4  # the highest number of a row's filter
# What Pillow raises for broken files, by the place of the damage.
UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, OverflowError),
    *(EOFError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)
Pixels = NDArray[np.uint8]  # (H, W, 4): red, green, blue, alpha


class UnreadableError(ValueError):
    """Why a file is no whole PNG, in words."""


@dataclass
class _Parts:
    """What a PNG file holds, checked."""

    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool
    header: bytes
    palette: bytes = b""
    transparency: bytes = b""
    data: list[bytes] = field(default_factory=list)


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height as the file's header has them; (0, 0) if it is no PNG."""
    if len(png) < 24 or not png.startswith(SIGNATURE) or png[12:16] != b"IHDR":
        return 0, 0
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def read_png(png: bytes) -> Pixels:
    """The pixels of a PNG file, as red, green, blue and alpha in 8 bits: (H, W, 4).

    Of 16 bits a channel the upper 8 count. `UnreadableError` says what is wrong with the file.
    """
    parts = _parts(png)
    values = _unfiltered(parts, _rows(parts))
    levels = (values >> 8 if values.dtype == np.uint16 else values).astype(np.uint8)
    if parts.kind == PALETTE:
        return _painted(levels[..., 0], parts)
    channels = values.shape[-1]
    pixels = np.full((parts.height, parts.width, 4), 255, np.uint8)
    pixels[..., :3] = levels[..., : 1 if channels < 3 else 3]
    if channels in (2, 4):
        pixels[..., 3] = levels[..., -1]
    if parts.transparency:
        pixels[(values == _transparent(parts)).all(-1), 3] = 0
    return pixels


def _parts(png: bytes) -> _Parts:
    """The file's chunks, each with its checksum, in an order that makes sense."""
    if not png.startswith(SIGNATURE):
        raise UnreadableError("it does not begin as a PNG file")
    at = len(SIGNATURE)
    parts: _Parts | None = None
    before = b""
    while before != b"IEND":
        size = int.from_bytes(png[at : at + 4], "big")
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        if len(png) < at + 12 + size:
            raise UnreadableError("it is cut off")
        end = at + 12 + size
        if zlib.crc32(content, zlib.crc32(name)) != int.from_bytes(png[end - 4 : end], "big"):
            raise UnreadableError(f"the checksum of its chunk {name!r} is wrong")
        if (parts is None) != (name == b"IHDR"):
            raise UnreadableError("its header does not come first, and once")
        if name == b"IHDR":
            parts = _header(content)
        assert parts is not None, "the header came first"
        if name == b"IDAT":
            if parts.data and before != b"IDAT":
                raise UnreadableError("its chunks IDAT do not follow each other")
            parts.data.append(content)
        elif name in (b"PLTE", b"tRNS"):
            _add_colours(parts, name, content)
        elif name == b"acTL":
            raise UnreadableError("it is an animation of several pictures")
        elif name not in (b"IHDR", b"IEND") and not name[:1].islower():
            raise UnreadableError(f"it needs a chunk {name!r} that no standard knows")
        before, at = name, end
    if at != len(png):
        raise UnreadableError(f"{len(png) - at} bytes follow its end")
    assert parts is not None, "the header came first"
    if parts.kind == PALETTE and not parts.palette:
        raise UnreadableError("it has no palette")
    return parts


def _header(content: bytes) -> _Parts:
    if len(content) != 13:
        raise UnreadableError("its header has another length")
    width, height, depth, kind, packing, filtering, interlacing = struct.unpack(">IIBBBBB", content)
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise UnreadableError(f"its header claims {width} x {height} pixels")
    if width * height > MOST_PIXELS:
        raise UnreadableError(f"it claims {width} x {height} pixels, more than {MOST_PIXELS}")
    if depth not in DEPTHS.get(kind, ()):
        raise UnreadableError(f"its header claims {depth} bits of colour type {kind}")
    if packing or filtering or interlacing > 1:
        raise UnreadableError("its header claims an unknown compression, filter or interlacing")
    return _Parts(width, height, depth, kind, bool(interlacing), content)


def _add_colours(parts: _Parts, name: bytes, content: bytes) -> None:
    """The palette, or what is transparent."""
    if parts.data or (parts.palette if name == b"PLTE" else parts.transparency):
        raise UnreadableError(f"its chunk {name.decode()} comes twice or late")
    if name == b"PLTE":
        most = 2**parts.depth if parts.kind == PALETTE else 256
        if parts.kind in (0, 4) or len(content) % 3 or not 0 < len(content) // 3 <= most:
            raise UnreadableError(f"its palette of {len(content)} bytes makes no sense")
        parts.palette = content
        return
    lengths = {GREY: (2,), COLOUR: (6,), PALETTE: range(1, len(parts.palette) // 3 + 1)}
    if len(content) not in lengths.get(parts.kind, ()):
        raise UnreadableError(f"its transparency of {len(content)} bytes makes no sense")
    if parts.kind == COLOUR and parts.depth == 16:
        raise UnreadableError("it makes one colour of 16 bits a channel transparent, not read here")
    parts.transparency = content


def _transparent(parts: _Parts) -> NDArray[np.uint16]:
    """The colour (1,) or (3,) that is transparent, in units of what `_unfiltered` gives."""
    values = np.frombuffer(parts.transparency, ">u2") & (2**parts.depth - 1)
    return values * (255 // (2**parts.depth - 1)) if parts.depth < 8 else values


def _painted(indices: NDArray[np.uint8], parts: _Parts) -> Pixels:
    """Indices (H, W) into the palette as what they stand for."""
    colours = np.frombuffer(parts.palette, np.uint8).reshape(-1, 3)
    if indices.max() >= len(colours):
        raise UnreadableError(f"its palette has no colour {indices.max()}")
    table = np.full((len(colours), 4), 255, np.uint8)
    table[:, :3] = colours
    table[: len(parts.transparency), 3] = np.frombuffer(parts.transparency, np.uint8)
    return table[indices]


def _rows(parts: _Parts) -> bytes:
    """The filtered rows, as many bytes as the header asks for and none more."""
    bits = parts.depth * CHANNELS[parts.kind]
    rows = []  # of every pass: how many, and bytes of one, its filter's included
    for left, top, right, down in PASSES if parts.interlaced else ((0, 0, 1, 1),):
        width, height = -(-(parts.width - left) // right), -(-(parts.height - top) // down)
        if width > 0 and height > 0:
            rows.append((height, 1 + -(-width * bits // 8)))
    expected = sum(height * size for height, size in rows)
    unpack = zlib.decompressobj()
    try:
        unpacked = unpack.decompress(b"".join(parts.data), expected + 1)
    except zlib.error as error:
        raise UnreadableError(f"its pixels cannot be unpacked ({error})") from None
    if len(unpacked) < expected:
        raise UnreadableError(f"it holds {len(unpacked)} bytes of its {expected} of pixels")
    if len(unpacked) > expected or not unpack.eof or unpack.unused_data:
        raise UnreadableError(f"it holds more than its {expected} bytes of pixels, or no end")
    at = 0
    for height, size in rows:
        filters = np.frombuffer(unpacked, np.uint8, height * size, at)[::size]
        if filters.max() > FILTERS:
            raise UnreadableError(f"a row has the unknown filter {filters.max()}")
        at += height * size
    return unpacked


def _unfiltered(parts: _Parts, rows: bytes) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Channels (H, W, C) as the file has them, grey of fewer bits than 8 spread over all 8; of 16
    bits a channel all of grey, and the upper 8 of the others."""
    palette = _chunk(b"PLTE", parts.palette) if parts.kind == PALETTE else b""
    checked = SIGNATURE + _chunk(b"IHDR", parts.header) + palette
    checked += _chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b"")
    try:
        with Image.open(io.BytesIO(checked), formats=["PNG"]) as image:
            values = np.asarray(image.convert("L") if image.mode == "1" else image)
    except UNREADABLE as error:
        raise UnreadableError(" ".join(str(error).split()) or type(error).__name__) from None
    return values.reshape(parts.height, parts.width, -1)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
