"""Shards of Librispeech with alignments, from the Hugging Face Hub or from a mirror of it.

Which shards a split has is asked, never known: the Hub has 14 of train_clean_100, a mirror may have
one. What is looked at, in this order:

1. `V3_MIRROR`, if it is a folder: `huggingface.co/datasets/<repo>/resolve/<revision>/data/` in
   it. If it is an address, the Hub is asked for there, below `huggingface.co/`.
2. The Hub through `huggingface_hub`, with its cache (`HF_HOME`), its address (`HF_ENDPOINT`) and
   its offline mode (`HF_HUB_OFFLINE=1`: shards are those that the cache has).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import httpx2  # what huggingface_hub speaks HTTP with, and whose errors it lets through
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from tqdm import tqdm

from v3.corpora.librispeech_params import DownloadParams
from v3.corpora.librispeech_shards import write_index
from v3.errors import V3Error
from v3.fetch import is_address, mirror_root
from v3.files import atomic_folder, file_digest

FOLDER = "data"  # of the repository, that holds the shards
HOST = "huggingface.co"
OFFLINE = "set V3_MIRROR to a mirror, or librispeech.source to sample"


def download(folder: str | Path, params: DownloadParams) -> None:
    """Put the shards of `params.splits` and their index into a folder that appears whole.

    Shards in our own cache are linked where the file system can (a hard link costs no room); those
    of a mirror are copied, for DVC makes what it keeps read-only. `V3Error` names the split that
    has no shard, or the address that gave nothing.
    """
    mirror = mirror_root()
    of_folder = mirror is not None and not is_address(mirror)
    if mirror is not None and of_folder:
        shards, source = _of_folder(Path(mirror), params)
    else:
        shards, source = _of_hub(params, f"{mirror}/{HOST}" if mirror else None)
    with atomic_folder(folder) as beside:
        for path in shards:
            if of_folder:
                shutil.copyfile(path, beside / path.name)
            else:
                link_or_copy(path, beside / path.name)
        write_index(beside, params.splits, source)


def link_or_copy(path: Path, to: Path) -> None:
    """A hard link to what `path` is, after all symbolic links; a copy where links cannot be made.

    (A file system of its own has no links to others, and some forbid them to strangers.)
    """
    real = path.resolve()
    try:
        os.link(real, to)
    except OSError:
        shutil.copyfile(real, to)


def _of_folder(mirror: Path, params: DownloadParams) -> tuple[list[Path], str]:
    base = mirror / HOST / "datasets" / params.repo / "resolve"
    folders = [base / revision / FOLDER for revision in (params.revision, "main")]
    folder = next((one for one in folders if one.is_dir()), None)
    if folder == folders[1] and params.revision != "main":
        raise V3Error(
            f"V3_MIRROR has no revision '{params.revision}' of {params.repo}, only main: set "
            f"librispeech.download.revision to main, or put that revision at {folders[0]}."
        )
    if folder is None:
        raise V3Error(
            f"V3_MIRROR has no folder {folders[0]}: put shards of {params.repo} there, "
            "or unset V3_MIRROR."
        )
    names = _wanted([path.name for path in folder.iterdir()], params.splits, str(folder))
    count = f"{len(names)} shard" + ("s" if len(names) > 1 else "")
    source = f"LibriSpeech ({params.repo}): {', '.join(params.splits)}; {count} of a mirror"
    return [folder / name for name in names], source


def _of_hub(params: DownloadParams, endpoint: str | None) -> tuple[list[Path], str]:
    address = f"{endpoint or constants.ENDPOINT}/datasets/{params.repo}"
    try:
        if constants.HF_HUB_OFFLINE:
            commit, paths = _of_cache(params)
        else:
            commit, paths = _of_network(params, endpoint)
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise V3Error(
            f"{address} has no revision '{params.revision}' ({_brief(error)}): "
            "mend librispeech.download."
        ) from None
    except LocalEntryNotFoundError as error:
        raise V3Error(
            f"{address} cannot be had, and the cache {constants.HF_HUB_CACHE} lacks it "
            f"({_brief(error)}): {OFFLINE}."
        ) from None
    except (
        EntryNotFoundError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        httpx2.HTTPError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        OSError,
    ) as error:
        raise V3Error(
            f"{address} gave nothing ({_brief(error)}): try again, what is complete is kept; or "
            f"{OFFLINE}."
        ) from None
    source = f"LibriSpeech ({params.repo}): {', '.join(params.splits)}; revision {commit[:12]}"
    return paths, source


def _of_network(params: DownloadParams, endpoint: str | None) -> tuple[str, list[Path]]:
    listed = HfApi(endpoint=endpoint).list_repo_tree(
        params.repo, repo_type="dataset", revision=params.revision, recursive=True
    )
    files = {
        file.path.removeprefix(f"{FOLDER}/"): file
        for file in listed
        if isinstance(file, RepoFile) and file.path.startswith(f"{FOLDER}/")
    }
    wanted = _wanted(list(files), params.splits, f"{params.repo} at {params.revision}")
    paths = [
        Path(
            hf_hub_download(
                params.repo,
                f"{FOLDER}/{name}",
                repo_type="dataset",
                revision=params.revision,
                endpoint=endpoint,
            )
        )
        for name in tqdm(wanted, unit="shard", disable=None)
    ]
    for name, path in zip(wanted, paths, strict=True):
        large = files[name].lfs  # what the Hub keeps beside git has a digest
        if large is not None and file_digest(path) != large.sha256:
            raise V3Error(
                f"{name} of {params.repo} is not what the Hub lists, its sha256 differs: delete "
                f"{path.resolve()} and {path}, and run it again."
            )
    commits = {path.parent.parent.name for path in paths}  # .../snapshots/<commit>/data/<name>
    if len(commits) > 1:
        raise V3Error(
            f"{params.repo} was changed during the download ({', '.join(sorted(commits))}): "
            "run it again, or set librispeech.download.revision to one of these."
        )
    return commits.pop(), paths


def _of_cache(params: DownloadParams) -> tuple[str, list[Path]]:
    """The commit and the shards that the cache has: some of a split's may be missing there."""
    snapshot = Path(
        snapshot_download(
            params.repo, repo_type="dataset", revision=params.revision, local_files_only=True
        )
    )
    folder = snapshot / FOLDER
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    wanted = _wanted(names, params.splits, f"{snapshot} (HF_HUB_OFFLINE is set)")
    return snapshot.name, [folder / name for name in wanted]


def _wanted(names: Sequence[str], splits: Sequence[str], where: str) -> list[str]:
    """Those of `names` that are shards of the splits, by split and then by number.

    `<split>-00003-of-00014.parquet` says how many there are: one that lacks is a `V3Error`.
    """
    wanted = []
    for split in splits:
        shards = sorted(n for n in names if n.startswith(f"{split}-") and n.endswith(".parquet"))
        if not shards:
            raise V3Error(
                f"{where} has no shard of the split '{split}': mend librispeech.download.splits."
            )
        total = shards[0].removesuffix(".parquet").rpartition("-of-")[2]
        if total.isdecimal() and int(total) != len(shards):
            raise V3Error(
                f"{where} has {len(shards)} shards of the split '{split}', whose names say "
                f"that there are {int(total)}: bring the rest there."
            )
        wanted += shards
    return wanted


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(". ")
