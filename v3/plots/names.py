"""Names on pictures: data of the user's, drawn as they are and cut to the room that there is."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from textwrap import wrap

import matplotlib
from matplotlib.ft2font import FT2Font

LONGEST = 16  # characters of a name at a border or in a legend
CUT = "\u2026"


def printable(text: str) -> str:
    """The text as a picture can show it.

    What has no shape (a line break, a mark of direction) or none in the font is written as Python
    writes it, so that two names never look the same; a name of nothing stands in quotation marks.
    """
    if not text.strip():
        return repr(text)
    return "".join(
        char if _has_a_shape(char) else char.encode("unicode_escape").decode() for char in text
    )


def short(name: str) -> str:
    """A name that fits at a border: of a long one its beginning and its end."""
    name = printable(name)
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST // 2 - 1]}{CUT}{name[-LONGEST // 2 :]}"


def in_lines(name: str) -> str:
    """A name in two lines at most, at a border with room for them; a longer one is cut short."""
    lines = wrap(printable(name), LONGEST + 2)
    return "\n".join(lines) if len(lines) <= 2 else short(name)


def folded(text: str, width: int, lines: int) -> str:
    """A text in so many lines of so many characters at most; what is longer is cut."""
    return "\n".join(wrap(printable(text), max(width, 2), max_lines=lines, placeholder=CUT))


def _has_a_shape(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] != "C" and kind not in ("Zl", "Zp") and ord(char) in _glyphs()


@cache
def _glyphs() -> frozenset[int]:
    """The characters of the font that matplotlib brings and draws with."""
    return frozenset(FT2Font(font_file()).get_charmap())


def font_file(bold: bool = False) -> str:
    """The font that matplotlib brings and draws with: the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)
