"""What draws digits draws them alike, whatever the system has beside Pillow."""

from __future__ import annotations

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
