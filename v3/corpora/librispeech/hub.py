"""Shards of Librispeech with alignments, from the Hugging Face Hub or from a mirror of it.

Which shards a split has is asked, never known: the Hub has 14 of train_clean_100, a mirror may have
one. What is looked at, in this order:

1. `V3_MIRROR`, if it is a folder: `huggingface.co/datasets/<repo>/resolve/<revision>/data/` in it;
   that it has this corpus, but at other revisions alone, is an error. If it is an address, the Hub
   is asked for there, below `huggingface.co/`: a server of mere files does not tell its shards, and
   is refused if it has them. A mirror that lacks this corpus is passed over.
2. The Hub through `huggingface_hub`, with its cache (`HF_HOME`), its address (`HF_ENDPOINT`) and
   its offline mode (`HF_HUB_OFFLINE=1`: shards are those that the cache has).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx2  # what huggingface_hub speaks HTTP with, and whose errors it lets through
from huggingface_hub import (
    HfApi,
    RepoFile,
    constants,
    get_session,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, file_digest, link_or_copy
from v3.base.progress import Progress
from v3.corpora.librispeech.access import (
    FORBIDDEN,
    LOG_IN,
    OFFLINE,
    brief,
    check_token,
    forbidden,
    status_of,
)
from v3.corpora.librispeech.params import DownloadParams
from v3.corpora.librispeech.shards import write_index
from v3.download.fetch import NOT_THERE, PATIENCE, is_address, mirror_root

FOLDER = "data"  # of the repository, that holds the shards
HOST = "huggingface.co"
MIRROR = (
    "a mirror of this corpus must be a folder or speak the Hub's API: set V3_MIRROR to such a one "
    "or unset it"
)


def download(folder: str | Path, params: DownloadParams) -> None:
    """Put the shards of `params.splits` and their index into a folder that appears whole.

    Shards in our own cache are linked where the file system can (a hard link costs no room); those
    of a mirror are copied, for DVC makes what it keeps read-only. `V3Error` names the split that
    has no shard, or the address that gave nothing.
    """
    mirror = mirror_root()
    of_folder = _of_folder(Path(mirror), params) if mirror and not is_address(mirror) else None
    of_address = _of_address(mirror, params) if mirror and is_address(mirror) else None
    shards, source = of_folder or of_address or _of_hub(params, None)
    with atomic_folder(folder) as beside:
        for path in shards:
            link_or_copy(path, beside / path.name, link=not of_folder)
        write_index(beside, params.splits, source)


def _of_folder(mirror: Path, params: DownloadParams) -> tuple[list[Path], str] | None:
    """The shards in a folder; None if it does not hold this corpus at all."""
    base = mirror / HOST / "datasets" / params.repo / "resolve"
    folder = base / params.revision / FOLDER
    if not folder.is_dir():
        others = sorted(
            str(one.parent.relative_to(base)) for one in base.rglob(FOLDER) if one.is_dir()
        )
        if others:
            raise V3Error(
                f"V3_MIRROR has no folder {folder}, of {params.repo} it has "
                f"{', '.join(others)} alone: set librispeech.download.revision to what it has, or "
                "unset V3_MIRROR."
            )
        return None
    names = _wanted([path.name for path in folder.iterdir()], params.splits, str(folder))
    count = f"{len(names)} shard" + ("s" if len(names) > 1 else "")
    source = f"LibriSpeech ({params.repo}): {', '.join(params.splits)}; {count} of a mirror"
    return [folder / name for name in names], source


def _of_address(mirror: str, params: DownloadParams) -> tuple[list[Path], str] | None:
    """The shards of the Hub at a mirror's address; None if that does not hold this corpus."""
    endpoint = f"{mirror}/{HOST}"
    api = f"{endpoint}/api/datasets/{params.repo}"
    if constants.HF_HUB_OFFLINE or _status(api) not in NOT_THERE:
        return _of_hub(params, endpoint)
    folder = f"{endpoint}/datasets/{params.repo}/resolve/{params.revision}/{FOLDER}/"
    if _status(folder) in NOT_THERE:
        return None
    raise V3Error(f"V3_MIRROR has {folder}, but no list of its shards: {MIRROR}.")


def _status(url: str) -> int:
    """HTTP status of an address below V3_MIRROR."""
    try:
        return get_session().head(url, timeout=PATIENCE.silence).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:  # the last of a redirection
        raise V3Error(
            f"{url} gave nothing ({brief(error)}): try again later, or mend or unset V3_MIRROR."
        ) from None


def _of_hub(params: DownloadParams, endpoint: str | None) -> tuple[list[Path], str]:
    address = f"{endpoint or constants.ENDPOINT}/datasets/{params.repo}"
    check_token()
    try:
        if constants.HF_HUB_OFFLINE:
            commit, paths = _of_cache(params)
        else:
            commit, paths = _of_network(params, endpoint)
    except OIDCError as error:
        raise V3Error(
            f"no token for {address} can be had ({brief(error)}): unset HF_OIDC_RESOURCE."
        ) from None
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        if status_of(error) in FORBIDDEN:
            raise forbidden(address, error) from None
        raise V3Error(
            f"{address} has no revision '{params.revision}' ({brief(error)}): "
            "mend librispeech.download."
        ) from None
    except LocalEntryNotFoundError as error:
        if status_of(error) in FORBIDDEN:
            raise forbidden(address, error) from None
        again = "unset HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else "try again later"
        raise V3Error(
            f"{address} cannot be had, and the cache {constants.HF_HUB_CACHE} lacks it "
            f"({brief(error.__cause__ or error)}): {again}, {OFFLINE}."
        ) from None
    except (
        EntryNotFoundError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        httpx2.HTTPError,
        httpx2.InvalidURL,
        OSError,
    ) as error:
        if status_of(error) in FORBIDDEN:
            raise forbidden(address, error) from None
        raise V3Error(
            f"{address} gave nothing ({brief(error)}): try again, what is complete is kept; or "
            f"{OFFLINE}."
        ) from None
    source = f"LibriSpeech ({params.repo}): {', '.join(params.splits)}; revision {commit[:12]}"
    return paths, source


def _of_network(params: DownloadParams, endpoint: str | None) -> tuple[str, list[Path]]:
    files = _listed(params, endpoint)
    wanted = _wanted(list(files), params.splits, f"{params.repo} at {params.revision}")
    paths = [_shard(params, files[name], endpoint) for name in Progress(wanted, unit="shard")]
    commits = {path.parent.parent.name for path in paths}  # .../snapshots/<commit>/data/<name>
    if len(commits) > 1:
        raise V3Error(
            f"{params.repo} was changed during the download ({', '.join(sorted(commits))}): "
            "run it again, or set librispeech.download.revision to one of these."
        )
    return commits.pop(), paths


def _listed(params: DownloadParams, endpoint: str | None) -> dict[str, RepoFile]:
    """What the Hub says of the files in the folder of shards, by their names."""
    api = HfApi(endpoint=endpoint)
    try:
        tree = list(
            api.list_repo_tree(
                params.repo, recursive=True, repo_type="dataset", revision=params.revision
            )
        )
    except (HfHubHTTPError, HFValidationError):
        raise
    except (ValueError, TypeError, KeyError) as error:
        raise V3Error(
            f"{api.endpoint}/datasets/{params.repo} answers, but not as the Hub does "
            f"({brief(error)}): {MIRROR if endpoint else LOG_IN}."
        ) from None
    return {
        file.path.removeprefix(f"{FOLDER}/"): file
        for file in tree
        if isinstance(file, RepoFile) and file.path.startswith(f"{FOLDER}/")
    }


def _shard(params: DownloadParams, listed: RepoFile, endpoint: str | None) -> Path:
    """A shard, from the cache or the network, that is byte by byte what the Hub lists.

    One that is not (a damaged cache, say) is downloaded once more, and not kept if it is no better.
    """
    fault = ""
    for again in (False, True):
        path = Path(
            hf_hub_download(
                params.repo,
                listed.path,
                repo_type="dataset",
                revision=params.revision,
                endpoint=endpoint,
                force_download=again,
            )
        )
        fault = _difference(path, listed)
        if not fault:
            return path
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise V3Error(
        f"{listed.path} of {params.repo} came {fault}, and so again when it was downloaded anew: "
        f"try again later, or {OFFLINE}."
    )


def _difference(path: Path, listed: RepoFile) -> str:
    """What a file has that is not as the Hub lists it; nothing if all is."""
    if listed.lfs is not None:
        what, has, wanted = "sha256", file_digest(path), listed.lfs.sha256
    else:
        what, has, wanted = "size", str(path.stat().st_size), str(listed.size)
    return "" if has == wanted else f"with the {what} {has}, where the Hub lists {wanted}"


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
