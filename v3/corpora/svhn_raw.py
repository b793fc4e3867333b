"""The raw archives of SVHN in one folder: the published ones, or the stand-in by the same names.

The folder holds `train.tar.gz`, `test.tar.gz` and `extra.tar.gz`, each with `<archive>/<n>.png` and
`<archive>/digitStruct.mat` (format 1, full numbers), and `index.json`: the source in words and each
archive's sha256.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from v3.corpora.svhn_mat import Row, write_digit_struct
from v3.corpora.svhn_params import ARCHIVES, DownloadParams, SampleParams
from v3.corpora.svhn_scene import House, draw_house
from v3.errors import V3Error
from v3.fetch import fetch
from v3.files import atomic_folder, file_digest, read_json, write_json
from v3.parallel import in_order

CHUNK = 50  # images that a process draws at a time; an image depends on its own number alone
MOST_BYTES = 16 * 2**30  # of an archive's contents; extra's are about 4 GiB
MOST_OF_IMAGE = 32 * 2**20  # bytes; a cut-out of a photograph has far fewer
# Bytes of a digitStruct.mat: 3,400 a digit or fewer, so extra's 531,131 should come to 1.8 GB.
MOST_OF_STRUCT = 3 * 2**30
MOST_MEMBERS = 400_000  # extra has 202,353 images
TIME = 1_323_129_600  # of the stand-in's files, that of the published ones: 6 December 2011


def bring_real(raw: str | Path, download: DownloadParams) -> None:
    """Fetch the three archives into the folder `raw`.

    `V3Error` of `fetch` if one cannot be had, or comes from the network and is not the published.
    """
    with atomic_folder(raw) as folder:
        digests, odd = {}, []
        for name in ARCHIVES:
            known = getattr(download.archives, name)
            fetched = fetch(
                f"{download.address}/{name}.tar.gz", sha256=known.sha256 or None, size=known.size
            )
            _take(fetched.path, folder / f"{name}.tar.gz", linked=not fetched.mirrored)
            digests[name] = fetched.sha256
            if not fetched.as_published:
                odd.append(f"{name} {fetched.sha256[:8]}")
        source = f"SVHN format 1: {', '.join(ARCHIVES)}"
        if odd:
            source += f"; not as published: sha256 {', '.join(odd)}"
        _write_index(folder, source, digests)


def draw_sample(raw: str | Path, sample: SampleParams) -> None:
    """Draw the stand-in's archives into the folder `raw`; the same bytes for any `workers`."""
    counts = {name: int(getattr(sample, name)) for name in ARCHIVES}
    with atomic_folder(raw) as folder:
        digests = {}
        for key, (name, count) in enumerate(counts.items()):
            path = folder / f"{name}.tar.gz"
            write_archive(path, name, _drawn(sample.seed, key, count, sample.workers))
            digests[name] = file_digest(path)
        sizes = " + ".join(str(count) for count in counts.values())
        _write_index(folder, f"stand-in: {sizes} drawn house numbers, seed {sample.seed}", digests)


def read_source(raw: str | Path) -> str:
    """Where the archives in the folder `raw` are from, in words."""
    path = Path(raw) / "index.json"
    index = read_json(path)
    if not isinstance(index, dict) or not isinstance(index.get("source"), str):
        raise V3Error(f"{path} names no source: delete it and run `dvc repro`.")
    return str(index["source"])


def most_of(name: str) -> int:
    """Bytes that the file `name` of an archive may have."""
    return MOST_OF_STRUCT if name.endswith("/digitStruct.mat") else MOST_OF_IMAGE


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
    with tqdm(total=count, unit="image", desc=ARCHIVES[archive], disable=None) as progress:
        for _, houses in in_order(_draw_chunk, chunks, workers, "svhn.sample.workers"):
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


def _take(source: Path, target: Path, linked: bool) -> None:
    """Put a file of the cache into the outputs, by a hard link where the disk allows it.

    A file of a mirror is copied: DVC may change the permissions of what it tracks.
    """
    if linked:
        try:
            os.link(source, target)
            return
        except OSError:  # another disk, or one without links
            pass
    shutil.copyfile(source, target)


def _write_index(folder: Path, source: str, digests: dict[str, str]) -> None:
    archives: dict[str, Any] = {name: {"sha256": digest} for name, digest in digests.items()}
    write_json(folder / "index.json", {"source": source, "archives": archives})
