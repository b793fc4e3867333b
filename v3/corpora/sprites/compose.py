"""Sprites: characters in nine poses, put together from sheets of body parts, clothes and hair.

A *sheet* is one layer of a figure in every pose of the Liberated Pixel Cup: 13 x 21 cells of 64 x
64 pixels, transparent around the layer. Content is the pose, style the character: one body, pair of
trousers, shirt and head of hair of each kind, over black. Recipe: Wu et al., ICLR 2025 (arXiv
2407.03824), with the sheets that Li and Mandt (ICML 2018, arXiv 1803.02991) collected.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.files import file_digest
from v3.base.progress import Progress
from v3.corpora.sprites.params import PartsParams
from v3.corpora.sprites.sheet import CELL, COLUMNS, INDEX, ROWS, Sheet, read_index, read_sheet
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

FRAME = 4  # the cell of a row that is taken: a still of the movement, four after the first
POSES = {  # row of the sheet, from the top; the figure's back (rows 0, 8, 12) is not used
    "walk front": 10,
    "walk left": 9,
    "walk right": 11,
    "spellcard front": 2,
    "spellcard left": 1,
    "spellcard right": 3,
    "slash front": 14,
    "slash left": 13,
    "slash right": 15,
}
Layer = NDArray[np.uint8]  # (9, 64, 64, 4): one sheet's cells of the nine poses


def write_fragments(raw: str | Path, path: str | Path, parts: PartsParams) -> None:
    """Compose all characters from the sheets in `raw` into a fragment file.

    Samples are characters, in the order of hair, body, bottomwear and topwear; each holds the nine
    poses in the order of `POSES`. The group of a character is its hair. `V3Error` names a sheet
    that is missing, damaged, of another size or not the one that `raw/index.json` tells of.
    """
    raw = Path(raw)
    layers = read_layers(raw, parts)
    looks = list(product(parts.hair, parts.body, parts.bottomwear, parts.topwear))
    info = FragmentInfo(
        dataset="sprites",
        source=str(read_index(raw)["source"]),
        content_names=tuple(POSES),
        style_names=tuple(name_of(*look) for look in looks),
        offset=0.0,
        scale=1 / 255,
        group_names=tuple(f"hair {hair}" for hair in parts.hair),
    )
    contents = np.arange(len(POSES))
    with FragmentWriter(path, info, (3, CELL, CELL), np.uint8) as writer:
        for style, (hair, body, bottom, top) in enumerate(Progress(looks, unit="character")):
            character = compose(
                layers[f"body/{body}.png"],
                layers[f"shoes/{parts.shoes}.png"],
                layers[f"bottomwear/{bottom}.png"],
                layers[f"topwear/{top}.png"],
                layers[f"hair/{hair}.png"],
            )
            writer.append(
                character.transpose(0, 3, 1, 2),
                contents,
                style,
                info.style_names[style],
                parts.hair.index(hair),
            )


def name_of(hair: int, body: int, bottom: int, top: int) -> str:
    """A character's name."""
    return f"body {body}, bottom {bottom}, top {top}, hair {hair}"


def compose(*layers: Layer) -> NDArray[np.uint8]:
    """Layers (9, 64, 64, 4) on top of one another, the first lowest, over black: (9, 64, 64, 3).

    "Over" of Porter and Duff (1984) on an opaque ground: colour * alpha + ground * (1 - alpha).
    """
    ground = np.zeros((*layers[0].shape[:-1], 3), np.float32)
    for layer in layers:
        alpha = layer[..., 3:].astype(np.float32) / 255
        ground += (layer[..., :3] - ground) * alpha
    return np.rint(ground).astype(np.uint8)


def read_layers(raw: Path, parts: PartsParams) -> dict[str, Layer]:
    """The nine poses of every sheet that `parts` names, by the name of the sheet."""
    digests = read_index(raw)["sheets"]
    layers = {}
    for name in parts.sheets():
        path = raw / name
        if name not in digests or not path.is_file():
            raise V3Error(f"{path} is missing: run `dvc repro` to bring the sheets.")
        if file_digest(path) != digests[name]["sha256"]:
            raise V3Error(
                f"{path} is not the sheet that {raw / INDEX} tells of (its sha256 differs): "
                f"delete {raw} and run `dvc repro`."
            )
        layers[name] = poses(read_sheet(path))
    _check_differ(raw, layers)
    return layers


def _check_differ(raw: Path, layers: dict[str, Layer]) -> None:
    """V3Error if two sheets show the same: two styles would be one."""
    first: dict[tuple[str, bytes], str] = {}
    for name, layer in layers.items():
        shown = np.where(layer[..., 3:] > 0, layer, 0).tobytes()
        other = first.setdefault((Path(name).parent.name, shown), name)
        if other != name:
            part, number = Path(name).parent.name, Path(name).stem
            raise V3Error(
                f"{raw / name} shows the same as {other}, so that characters would be there twice: "
                f"take {number} out of sprites.parts.{part}, or bring the right sheet."
            )


def poses(sheet: Sheet) -> Layer:
    """The cells (9, 64, 64, 4) of the nine poses of a sheet."""
    cells = sheet.reshape(ROWS, CELL, COLUMNS, CELL, 4).swapaxes(1, 2)
    return cells[list(POSES.values()), FRAME]
