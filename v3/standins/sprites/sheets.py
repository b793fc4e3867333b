"""The stand-in: sheets in the format of the real ones, drawn from nothing.

It has the same parts by the same file names, thirteen columns and twenty-one rows of cells, and a
palette with transparency. The rows of walk, spellcard and slash are drawn, every frame of them;
thrust, shoot and hurt are left transparent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from v3.base.errors import V3Error
from v3.base.files import atomic_folder
from v3.base.progress import Progress
from v3.corpora.sprites.params import PartsParams
from v3.corpora.sprites.sheet import CELL, COLUMNS, ROWS, Sheet, save_sheet, write_index
from v3.standins.sprites.figure import FIRST_ROW, FRAMES, VIEWS, Figure, figure
from v3.standins.sprites.hair import Hair, draw_hair, strands
from v3.standins.sprites.paint import Cell, Tones
from v3.standins.sprites.wardrobe import (
    Body,
    Bottom,
    Top,
    draw_body,
    draw_bottom,
    draw_shoes,
    draw_top,
)

SOURCE = "stand-in: drawn sheets in the format of the Liberated Pixel Cup's"
BEHIND = 1  # pixel that a figure seen from the side stands behind the middle of its cell
SKINS = (  # hue, saturation, value
    (0.07, 0.35, 0.96),
    (0.08, 0.48, 0.80),
    (0.07, 0.55, 0.62),
    (0.06, 0.60, 0.42),
    (0.66, 0.18, 0.78),
    (0.28, 0.42, 0.66),
)
BUILDS = ((5.6, 10.0, 0.0), (6.2, 9.6, 0.0), (5.2, 10.2, 3.5), (6.0, 10.4, 0.0), (5.4, 9.8, 4.5),
          (6.2, 10.4, 3.0))  # width of limbs, half the head's width, length of ears  # fmt: skip
CUTS = ("spikes", "bob", "afro", "mohawk", "long", "ponytail", "bun", "fringe", "tufts", "curls")
STRANDS = ((5, 0.4), (7, 0.0), (1, 0.0), (4, -0.3), (9, 0.1), (6, 0.3), (4, 0.0), (6, -0.6),
           (5, -0.4), (2, 0.2))  # pixels and slant, by cut  # fmt: skip


def draw_standin(raw: str | Path, parts: PartsParams, seed: int) -> None:
    """Draw the sheets that `parts` names, and their index, into the folder `raw`."""
    with atomic_folder(raw) as folder:
        draw_sheets(folder, parts, seed)
        write_index(folder, SOURCE, dict.fromkeys(parts.sheets(), False))


def draw_sheets(folder: str | Path, parts: PartsParams, seed: int) -> None:
    """Draw every sheet that `parts` names into `folder`; colours and strands hang on the seed."""
    layers = {
        name: layer(Path(name).parent.name, int(Path(name).stem), seed) for name in parts.sheets()
    }
    for name, draw in Progress(layers.items(), unit="sheet"):
        save_sheet(Path(folder) / name, draw_sheet(draw))


def layer(part: str, number: int, seed: int) -> Callable[[Figure], Cell]:
    """What draws one layer of a figure; V3Error if the stand-in has no such sheet."""
    kinds = {"body": 6, "bottomwear": 6, "topwear": 6, "hair": len(CUTS), "shoes": 3}
    if number >= kinds[part]:
        raise V3Error(
            f"sprites.parts.{part} asks for sheet {number}, but the stand-in has "
            f"0 to {kinds[part] - 1}: choose among these."
        )
    rng = np.random.default_rng((seed, list(kinds).index(part), number))
    if part == "body":
        body = Body(Tones.of(*SKINS[number]), Tones.of(rng.random(), 0.7, 0.5), *BUILDS[number])
        return lambda one: draw_body(one, body)
    if part == "bottomwear":
        bottom = _bottoms(rng)[number]
        return lambda one: draw_bottom(one, bottom)
    if part == "topwear":
        top = _tops(rng)[number]
        return lambda one: draw_top(one, top)
    if part == "hair":
        colour = Tones.of((0.31 * number + rng.uniform(0, 0.1)) % 1, *_bright(rng, number))
        hair = Hair(CUTS[number], colour, strands(rng, *STRANDS[number]))
        return lambda one: draw_hair(one, hair)
    leather = Tones.of(0.09, 0.75, (0.35, 0.9, 0.6)[number])
    return lambda one: draw_shoes(one, leather)


def draw_sheet(draw: Callable[[Figure], Cell]) -> Sheet:
    """A sheet of one layer."""
    cells = np.zeros((ROWS, COLUMNS, CELL, CELL, 4), np.uint8)
    for movement, frames in FRAMES.items():
        first = FIRST_ROW[movement]
        for row, view in enumerate(VIEWS):
            for frame in range(frames):
                cells[first + row, frame] = draw(figure(movement, view, frame))
        left = first + VIEWS.index("left")
        cells[left] = np.roll(cells[left], BEHIND, 2)
        cells[first + 3] = cells[left, :, :, ::-1]
    return cells.swapaxes(1, 2).reshape(ROWS * CELL, COLUMNS * CELL, 4)


def _bright(rng: np.random.Generator, number: int) -> tuple[float, float]:
    """Saturation and value: pale, vivid and dark ones take turns."""
    saturation, value = ((0.85, 0.85), (0.35, 0.97), (0.75, 0.45))[number % 3]
    return saturation + rng.uniform(-0.1, 0.1), value + rng.uniform(-0.03, 0.03)


def _colour(rng: np.random.Generator, saturation: float, value: float) -> Tones:
    return Tones.of(rng.random(), saturation, value)


def _bottoms(rng: np.random.Generator) -> tuple[Bottom, ...]:
    belt = Tones.of(0.1, 0.6, 0.35)
    return (
        Bottom(_colour(rng, 0.08, 0.95), 0.85, 7.8),
        Bottom(_colour(rng, 0.7, 0.8), 0.45, 8.2),
        Bottom(_colour(rng, 0.65, 0.45), 0.9, 7.6, belt=belt),
        Bottom(_colour(rng, 0.6, 0.75), 0.3, 7.4, skirt=8.5),
        Bottom(_colour(rng, 0.45, 0.85), 0.95, 7.0, stripes=2),
        Bottom(_colour(rng, 0.5, 0.3), 0.9, 8.2, skirt=11.5, belt=belt),
    )


def _tops(rng: np.random.Generator) -> tuple[Top, ...]:
    trim = _colour(rng, 0.6, 0.85)
    return (
        Top(_colour(rng, 0.75, 0.5), 0.85, 0.0),
        Top(_colour(rng, 0.1, 0.95), 0.4, 1.0, trim, "sash"),
        Top(_colour(rng, 0.7, 0.85), 0.85, 0.5, None, "stripes"),
        Top(Tones.of(0.65, 0.08, 0.6), 0.0, 0.0, Tones.of(0.65, 0.05, 0.85), "plates"),
        Top(_colour(rng, 0.6, 0.35), 0.9, 3.0, trim, "buttons"),
        Top(_colour(rng, 0.5, 0.95), 0.5, 2.0),
    )
