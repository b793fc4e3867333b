"""A folder of pictures -> a fragment file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.download.pictures import UnreadableError
from v3.own.each import each_sample
from v3.own.params import ImagesParams
from v3.own.pixels import cells_of, read_picture, resized, suffixes
from v3.own.samples import Listing, Sample, list_samples, require_enough
from v3.own.write import Cut, write

LARGEST = 64  # pixels: the longer side of what fragments are resized to, unless told
SLACK = 0.1  # of a step of sizes by which a fragment may shrink to fit
WIDE = 1.8  # times as wide as high: a picture that may be a row of cells


@dataclass
class Look:
    """What a folder of pictures holds: fragments of each sample, sizes, files that are no use."""

    listing: Listing
    counts: list[int] = field(default_factory=list)  # fragments of each sample
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)  # (height, width) of fragments
    unusable: dict[str, str] = field(default_factory=dict)  # file: why


def listing_of(root: Path, params: ImagesParams) -> Listing:
    """The samples of the folder that `params` names, as found from `root`."""
    return list_samples(root, params, suffixes(), "pictures", alone=params.cells != 1)


def wide_ones(root: Path, folder: str) -> bool:
    """Whether a folder holds wide pictures and no subfolders: rows of cells, one a sample."""
    from PIL import Image

    files = [file for file in (root / folder).iterdir() if file.suffix.lower() in suffixes()]
    if not files or any(place.is_dir() for place in (root / folder).iterdir()):
        return False
    wide = 0
    for file in files:
        try:
            with Image.open(file) as image:
                wide += image.size[0] >= WIDE * image.size[1]
        except (OSError, ValueError):  # named when it is read
            continue
    return wide >= 0.9 * len(files)


def look(root: Path, params: ImagesParams, workers: int) -> Look:
    """Read everything once; files that cannot be used are named, nothing is refused for them."""
    found = Look(listing_of(root, params))
    samples = found.listing.samples
    work = partial(_sizes, root / params.folder, params)
    for _, (sizes, unusable) in each_sample(work, samples, workers, "looking"):
        found.counts.append(len(sizes))
        found.sizes.update(sizes)
        found.unusable |= unusable
    return found


def _sizes(
    folder: Path, params: ImagesParams, sample: Sample
) -> tuple[list[tuple[int, int]], dict[str, str]]:
    sizes: list[tuple[int, int]] = []
    unusable = {}
    for piece in sample.pieces:
        try:
            cells = cells_of(read_picture(folder / piece.file, params.paper), params.cells)
        except UnreadableError as error:
            unusable[piece.file] = str(error)
            continue
        sizes += [cell.shape[:2] for cell in cells]
    return sizes, unusable


def fitting_size(sizes: Counter[tuple[int, int]], strides: tuple[int, int]) -> tuple[int, int]:
    """Height and width that the strides divide, near the median of the sizes, 64 at most unless a
    stride is larger."""
    every = np.array(list(sizes.elements()))
    height, width = np.median(every, axis=0)
    scale = min(1.0, LARGEST / max(height, width))
    steps = [
        max(1, int(np.ceil(side * scale / step - SLACK)))
        for side, step in zip((height, width), strides, strict=True)
    ]
    return steps[0] * strides[0], steps[1] * strides[1]


def write_images(root: Path, params: ImagesParams, dataset: str, path: Path, workers: int) -> None:
    """Write the fragment file; `V3Error` names what cannot be used, unless it is passed over."""
    listing = listing_of(root, params)
    work = partial(_fragments, root / params.folder, params)
    shape = (3, *params.size)
    source = f"own pictures in {params.folder}"
    cuts = each_sample(work, listing.samples, workers)
    write(path, dataset, source, shape, np.dtype(np.uint8), (0.0, 1 / 255), listing.samples, cuts)


def _fragments(folder: Path, params: ImagesParams, sample: Sample) -> list[Cut]:
    cuts = []
    for piece in sample.pieces:
        file = folder / piece.file
        try:
            cells = cells_of(read_picture(file, params.paper), params.cells)
        except UnreadableError as error:
            if params.pass_over:
                continue
            raise V3Error(
                f"{file} cannot be used: {error}; mend or remove it, or set images.pass_over in "
                "params.yaml to true, which goes on without such files."
            ) from None
        for number, cell in enumerate(cells):
            origin = piece.file if len(cells) == 1 else f"{piece.file}#{number + 1}"
            cuts.append(Cut(resized(cell, params.size), piece.content, origin))
    return cuts


def require_images(found: Look) -> None:
    """`V3Error` if what was found is too little."""
    names = [sample.name for sample in found.listing.samples]
    require_enough([pair for pair in zip(names, found.counts, strict=True) if pair[1]], "pictures")


Fragments = NDArray[np.uint8]
