"""The stand-in for SVHN: archives of drawn house numbers, by the published names and format."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from v3.base.files import atomic_folder, file_digest
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.corpora.svhn.digit_struct import Row, write_digit_struct
from v3.corpora.svhn.params import ARCHIVES, StandInParams
from v3.corpora.svhn.raw import write_index
from v3.standins.svhn.scene import House, draw_house

CHUNK = 50  # images that a process draws at a time; an image depends on its own number alone
TIME = 1_323_129_600  # of the files, that of the published ones: 6 December 2011


def draw_archives(raw: str | Path, params: StandInParams, workers: int) -> None:
    """Draw the stand-in's archives into the folder `raw`; the same bytes for any `workers`."""
    counts = {name: int(getattr(params, name)) for name in ARCHIVES}
    with atomic_folder(raw) as folder:
        digests = {}
        for key, (name, count) in enumerate(counts.items()):
            path = folder / f"{name}.tar.gz"
            write_archive(path, name, _drawn(params.seed, key, count, workers))
            digests[name] = file_digest(path)
        sizes = " + ".join(str(count) for count in counts.values())
        write_index(folder, f"stand-in: {sizes} drawn house numbers, seed {params.seed}", digests)


def write_archive(path: str | Path, name: str, houses: Iterator[House]) -> None:
    """A tar.gz of `<name>/1.png`, ... and `<name>/digitStruct.mat`, as SVHN has them."""
    rows = []
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", 1, file, mtime=TIME) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        tar.addfile(_entry(name, tarfile.DIRTYPE))
        for number, house in enumerate(houses, 1):
            _add(tar, f"{name}/{number}.png", house.png)
            labels = np.array([digit or 10 for digit in house.digits])  # 10 means 0
            rows.append(Row(f"{number}.png", np.c_[house.boxes, labels].astype(np.float64)))
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            mat = Path(folder) / "digitStruct.mat"
            write_digit_struct(mat, rows)
            _add(tar, f"{name}/digitStruct.mat", mat.read_bytes())


def _drawn(seed: int, archive: int, count: int, workers: int) -> Iterator[House]:
    chunks = [(seed, archive, first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    with Progress[None](total=count, unit="image", name=ARCHIVES[archive]) as progress:
        for _, houses in in_order(_draw_chunk, chunks, workers):
            yield from houses
            progress.update(len(houses))


def _draw_chunk(chunk: tuple[int, int, int, int]) -> list[House]:
    seed, archive, first, last = chunk
    return [draw_house(np.random.default_rng((seed, archive, i))) for i in range(first, last)]


def _entry(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mtime = kind, TIME
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return entry


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = _entry(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
