"""How the drawn house numbers get their strokes: against Pillow's own filters, which are slow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image, ImageFilter

from v3.standins.svhn import scene


@pytest.mark.parametrize("pixels", [-5, 0, 5, 9])
def test_strokes_gain_and_lose_weight_as_pillow_filters_do(pixels: int) -> None:
    levels = default_rng(0).integers(0, 256, (40, 30), np.uint8)
    glyph = Image.fromarray(levels)
    kind = ImageFilter.MaxFilter if pixels > 0 else ImageFilter.MinFilter
    wanted = glyph.filter(kind(abs(pixels))) if pixels else glyph
    assert np.array_equal(np.asarray(scene._heavier(glyph, pixels)), np.asarray(wanted))


class Outlined:
    """A generator that chooses the outline where it can."""

    def __init__(self) -> None:
        self.rng = default_rng(0)

    def choice(self, of: Any, **how: Any) -> Any:
        return "outline" if "outline" in of else self.rng.choice(of, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rng, name)


def test_an_outline_goes_around_the_ink() -> None:
    ink = np.zeros((60, 60), np.float32)
    ink[20:40, 25:35] = 1
    picture = np.full((60, 60, 3), 128, np.float32)
    scene._apply_ink(Outlined(), picture, ink, np.zeros(3, np.float32), 50.0)  # type: ignore
    drawn = (picture != 128).any(2)
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    wide = 20 - int(rows[0])
    assert 1 <= wide <= round(50 * 0.04)
    assert (rows[-1] - 39, 25 - columns[0], columns[-1] - 34) == (wide, wide, wide)
