"""The sounds of a page, as the stage `sounds` left them, and what was measured of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from v3.base.files import read_json

INDEX = "index.json"
KINDS = {
    "centroid": ("spectral centroid", "octaves"),
    "pitch": ("pitch, octaves aside", "semitones"),
}


def sounds(folder: Path, page: Path, measured: Mapping[str, Any]) -> dict[str, Any]:
    """What the template asks for: groups of players, and the rows of a table.

    folder: of the sounds, which the page in the folder `page` links. measured: sounds.json.
    """
    if not (folder / INDEX).is_file():
        return {"groups": []}
    index = read_json(folder / INDEX)
    rows = []
    for kind, (name, unit) in KINDS.items():
        found = measured.get(kind) or {}
        if found.get("share") is None:
            continue
        rows.append(
            {
                "means": f"{name}: nearer to the giver of style than to the giver of content",
                "value": f"{found['share']:.3f}",
                "chance": f"{found['chance']:.3f}",
            }
        )
        for to, said in (
            ("to_style", "from a swap to its giver of style"),
            ("to_content", "from a swap to its giver of content"),
            ("between", "between the two givers"),
        ):
            rows.append(
                {"means": f"{name}: {said}, {unit}", "value": f"{found[to]:.2f}", "chance": ""}
            )
    return {
        "about": index["about"],
        "groups": [_numbered(group, row) for row, group in enumerate(index["groups"])],
        "folder": Path(os.path.relpath(folder, page)).as_posix(),
        "figures": rows,
        "swaps": measured.get("recordings", 0),
    }


def _numbered(group: Mapping[str, Any], row: int) -> dict[str, Any]:
    """Every sound with an id of its own, by which its player is named."""
    heard = [{**one, "id": f"sound-{row}-{place}"} for place, one in enumerate(group["sounds"])]
    return {**group, "sounds": heard}
