"""SVHN: house numbers, each digit cut out along its box. A number is a sample, a digit a fragment.

Content is the digit, style the image (`train/12.png`), group the archive. The recipe is that of Wu
et al., ICLR 2025 (arXiv 2407.03824): numbers of two digits or more, crops resized to 48 x 32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from v3.base.errors import V3Error
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.corpora.svhn.annotations import Number, check_archives, read_annotations
from v3.corpora.svhn.params import ARCHIVES
from v3.corpora.svhn.raw import MOST_BYTES, MOST_MEMBERS, most_of
from v3.download.archives import archive_members
from v3.download.pictures import UnreadableError, read_png
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

HEIGHT, WIDTH = 48, 32
DIGITS = tuple(str(digit) for digit in range(10))
CHUNK = 100  # images that a process gets at a time

Images = NDArray[np.uint8]
Job = tuple[Path, list[Number], list[bytes]]  # the archive, and its images with their PNG files


def write_fragments(
    raw: str | Path, boxes: str | Path, path: str | Path, min_digits: int, workers: int
) -> None:
    """Cut the numbers of `min_digits` or more out of the archives in `raw` into a fragment file.

    Samples are in the order of the archives' images; the same file for any number of `workers`.
    `V3Error` names archive, image and row of a PNG that cannot be read.
    """
    annotated, source = read_annotations(boxes)
    kept = {number.name: number for number in annotated if len(number.digits) >= min_digits}
    if not kept:
        raise V3Error(
            f"no number has svhn.crop.min_digits = {min_digits} digits or more: lower it."
        )
    style = {name: row for row, name in enumerate(kept)}
    info = FragmentInfo(
        dataset="svhn",
        source=f"{source}; {len(kept)} numbers",
        content_names=DIGITS,
        style_names=tuple(kept),
        offset=0.0,
        scale=1 / 255,
        group_names=ARCHIVES,
    )
    with (
        FragmentWriter(path, info, (3, HEIGHT, WIDTH), np.uint8) as writer,
        Progress[None](total=len(kept), unit="image") as progress,
    ):
        for (_, numbers, _), cropped in in_order(_crop_all, _jobs(Path(raw), kept), workers):
            for number, crops in zip(numbers, cropped, strict=True):
                group = ARCHIVES.index(number.name.split("/")[0])
                writer.append(crops, number.digits, style[number.name], number.name, group)
                progress.update()
        check_archives(boxes, raw)  # last: what is wrong with an image says more


def crop_digits(image: Image.Image, boxes: NDArray[np.float64]) -> Images:
    """Crops (n, 3, 48, 32) of an RGB image along boxes (n, 4): left, top, width, height.

    What reaches outside the image is cut off before the rest is resized (bicubic, antialiased).
    """
    crops = np.empty((len(boxes), 3, HEIGHT, WIDTH), np.uint8)
    for crop, (left, top, width, height) in zip(crops, boxes, strict=True):
        inside = (
            *(max(left, 0.0), max(top, 0.0)),
            *(min(left + width, image.width), min(top + height, image.height)),
        )
        resized = image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, inside)
        crop[:] = np.asarray(resized).transpose(2, 0, 1)
    return crops


def _jobs(raw: Path, kept: dict[str, Number]) -> Iterator[Job]:
    """The PNG files that are wanted, in chunks, each archive streamed once."""
    for archive in ARCHIVES:
        path = raw / f"{archive}.tar.gz"
        numbers: list[Number] = []
        pngs: list[bytes] = []
        members = archive_members(
            path,
            most_bytes=MOST_BYTES,
            most_members=MOST_MEMBERS,
            most_of=most_of,
            wanted=kept.__contains__,
        )
        for name, content in members:
            numbers.append(kept[name])
            pngs.append(content)
            if len(pngs) == CHUNK:
                yield path, numbers, pngs
                numbers, pngs = [], []
        if pngs:
            yield path, numbers, pngs


def _crop_all(job: Job) -> list[Images]:
    path, numbers, pngs = job
    return [
        crop_digits(_decode(png, path, number), number.boxes)
        for number, png in zip(numbers, pngs, strict=True)
    ]


def _decode(png: bytes, path: Path, number: Number) -> Image.Image:
    """The image as RGB; `V3Error` if it is no whole PNG, or lets something shine through."""
    try:
        pixels = read_png(png)
        if pixels[..., 3].min() < 255:
            raise UnreadableError("parts of it are transparent, so their colours are not known")
    except UnreadableError as error:
        raise V3Error(
            f"{path}: {number.name} (row {number.row} of digitStruct) cannot be read as PNG "
            f"({error}): mend the archive, or leave the image out by adding "
            f"'{number.name}' to svhn.annotations.leave_out."
        ) from None
    return Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
