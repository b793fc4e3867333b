"""The raw archives of SVHN in one folder.

The folder holds `train.tar.gz`, `test.tar.gz` and `extra.tar.gz`, each with `<archive>/<n>.png` and
`<archive>/digitStruct.mat` (format 1, full numbers), and `index.json`: the source in words and each
archive's sha256.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, file_digest, link_or_copy, read_json, write_json
from v3.corpora.svhn.params import ARCHIVES, DownloadParams
from v3.download.fetch import fetch

MOST_BYTES = 16 * 2**30  # of an archive's contents; extra's are about 4 GiB
MOST_OF_IMAGE = 32 * 2**20  # bytes; a cut-out of a photograph has far fewer
# Bytes of a digitStruct.mat: 3,400 a digit or fewer, so extra's 531,131 should come to 1.8 GB.
MOST_OF_STRUCT = 3 * 2**30
MOST_MEMBERS = 400_000  # extra has 202,353 images


def bring_real(raw: str | Path, download: DownloadParams) -> None:
    """Fetch the three archives into the folder `raw`.

    `V3Error` of `fetch` if one cannot be had, or comes from the network and is not the published.
    """
    with atomic_folder(raw) as folder:
        digests, odd = {}, []
        for name in ARCHIVES:
            known = getattr(download.archives, name)
            fetched = fetch(
                f"{download.address}/{name}.tar.gz", sha256=known.sha256, size=known.size
            )
            link_or_copy(fetched.path, folder / f"{name}.tar.gz", link=not fetched.mirrored)
            digests[name] = fetched.sha256
            if not fetched.as_published:
                odd.append(f"{name} {fetched.sha256[:8]}")
        source = f"SVHN format 1: {', '.join(ARCHIVES)}"
        if odd:
            source += f"; not as published: sha256 {', '.join(odd)}"
        write_index(folder, source, digests)


def read_source(raw: str | Path) -> str:
    """Where the archives in the folder `raw` are from, in words."""
    path = Path(raw) / "index.json"
    index = read_json(path)
    if not isinstance(index, dict) or not isinstance(index.get("source"), str):
        raise V3Error(f"{path} names no source: delete it and run `dvc repro`.")
    return str(index["source"])


def read_digests(raw: str | Path) -> dict[str, str]:
    """sha256 of the archives that the folder `raw` holds now, by name."""
    return {name: file_digest(Path(raw) / f"{name}.tar.gz") for name in ARCHIVES}


def changed(raw: str | Path, digests: dict[str, str]) -> list[str]:
    """Names of the archives that are not as the folder's index says that they came."""
    index = read_json(Path(raw) / "index.json")
    came = index.get("archives") if isinstance(index, dict) else None
    if not isinstance(came, dict):
        return []
    return [name for name in ARCHIVES if name in came and came[name] != {"sha256": digests[name]}]


def most_of(name: str) -> int:
    """Bytes that the file `name` of an archive may have."""
    return MOST_OF_STRUCT if name.endswith("/digitStruct.mat") else MOST_OF_IMAGE


def write_index(folder: Path, source: str, digests: dict[str, str]) -> None:
    """Note in the folder where its archives are from, in words, and their sha256 by name."""
    archives: dict[str, Any] = {name: {"sha256": digest} for name, digest in digests.items()}
    write_json(folder / "index.json", {"source": source, "archives": archives})
