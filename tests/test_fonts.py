"""What draws digits draws them alike, whatever the system has beside Pillow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from v3.corpora.phonenums import pages
from v3.standins.svhn import scene


def banks() -> list[np.ndarray]:
    pages._glyph_bank.cache_clear()
    scene._bank.cache_clear()
    return [pages._glyph_bank(), *map(np.asarray, scene._bank().values())]


def test_digits_do_not_depend_on_fribidi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow lays text out with it where the system has it, and in a way of its own elsewhere."""
    before = banks()
    monkeypatch.setattr(ImageFont.core, "HAVE_RAQM", not ImageFont.core.HAVE_RAQM)
    monkeypatch.setattr(ImageFont.core, "HAVE_FRIBIDI", not ImageFont.core.HAVE_FRIBIDI)
    for one, other in zip(before, banks(), strict=True):
        assert np.array_equal(one, other)


DIGEST = """
import hashlib
from v3.standins.svhn.scene import _bank
print(hashlib.sha256(b"".join(glyph.tobytes() for glyph in _bank().values())).hexdigest())
"""


def test_digits_do_not_depend_on_freetype_properties() -> None:
    """With this one FreeType 2.14 would draw house numbers otherwise."""
    plain = {name: value for name, value in os.environ.items() if name != "FREETYPE_PROPERTIES"}
    odd = plain | {"FREETYPE_PROPERTIES": "truetype:interpreter-version=35"}
    one, other = (
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=Path(__file__).parent.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for environment in (plain, odd)
    )
    assert one == other
