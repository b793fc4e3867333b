"""Fonts that draw the same everywhere.

FreeType heeds FREETYPE_PROPERTIES when Pillow loads it: with another hinting come other digits. So
this module is imported before anything of Pillow.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.pop("FREETYPE_PROPERTIES", None)

# isort: split
from PIL import ImageFont


def font_of(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """The font of a file; `size` in pixels."""
    # BASIC: the other way, which Pillow takes where it finds FriBidi, draws otherwise.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
