"""Put a model on the Hugging Face Hub: weights, network, card, picture, as one commit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelCardData, RepoFile, constants
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json, read_metrics
from v3.model.stored import ABOUT, WEIGHTS
from v3.model.v3 import V3
from v3.report.card import STAGES, Shared, card
from v3.sharing.hub import address, brief, check_id, explained, new_token, token_place

CARD, PICTURE = "README.md", "swap.png"
BARE = {".gitattributes", CARD}  # what a repository has from its first moment


@dataclass(frozen=True)
class Results:
    """What a project holds of a model beside its folder: nothing, for one that is no project's."""

    metrics: dict[str, dict[str, Any]]  # by stage
    picture: Path | None
    artifact: Mapping[str, Any]  # of dvc.yaml: desc, labels, meta with license and terms


def push(
    folder: str | Path,
    repo: str,
    *,
    private: bool = False,
    licence: str | None = None,
    terms: str | None = None,
    message: str = "V3 model",
) -> str:
    """Upload a model folder to the Hub as `repo` (user/name), which is made if it is not there.

    Beside weights and network goes a card with data, terms, figures with chance, and the swap grid,
    from the `metrics/` and `plots/` that the project of the folder has of this dataset. `licence`
    (as the Hub calls it: mit, cc-by-4.0) and `terms` (in words) of the data are by default those
    that `artifacts` in dvc.yaml tells. All is one commit, there whole or not at all.

    Returns the address of the commit. `V3Error` says in one sentence what is wrong with the folder,
    the id, the token or the network; then nothing was published.
    """
    folder = Path(folder)
    check_id(repo)
    model = _whole(folder)
    results = find_results(folder, model)
    if token_place() is None:
        raise V3Error(f"there is no token for {constants.ENDPOINT}: {new_token('write')}.")
    with tempfile.TemporaryDirectory(prefix="v3-push-") as name:
        beside = Path(name)
        for file in (ABOUT, WEIGHTS):
            shutil.copyfile(folder / file, beside / file)
        if results.picture is not None:
            shutil.copyfile(results.picture, beside / PICTURE)
        text = hub_card(folder, repo, results, licence, terms)
        (beside / CARD).write_text(text, encoding="utf-8")
        return _upload(beside, repo, private, message)


def _whole(folder: Path) -> V3:
    if not folder.is_dir():
        raise V3Error(
            f"{folder} is no folder of a model: give one that training wrote (`dvc repro` writes "
            "models/<dataset>)."
        )
    return V3.load(folder)


def find_results(folder: Path, model: V3) -> Results:
    """Metrics, swap grid and artifact of `<project>/models/<dataset>`; `V3Error` if the metrics are
    of another training than the folder."""
    folder = folder.resolve()
    root, dataset = folder.parent.parent, model.info.dataset
    if folder.parent.name != "models" or folder.name != dataset:
        return Results({}, None, {})
    own = root / "metrics" / dataset
    metrics = {
        stage: read_metrics(own / f"{stage}.json")
        for stage in STAGES
        if (own / f"{stage}.json").is_file()
    }
    if (own / "train.json").is_file():
        trained = read_metrics(own / "train.json")
        if any(trained.get(name) != value for name, value in model.figures.items()):
            raise V3Error(
                f"{own} is of another training than {folder}: run `dvc repro`, which measures this "
                "one."
            )
    picture = root / "plots" / dataset / "swap" / PICTURE
    return Results(metrics, picture if picture.is_file() else None, _artifact(root, folder))


def _artifact(root: Path, folder: Path) -> Mapping[str, Any]:
    """What `artifacts` in dvc.yaml says of the folder; nothing if it does not."""
    file = root / "dvc.yaml"
    if not file.is_file():
        return {}
    try:
        listed = YAML(typ="safe").load(file.read_text(encoding="utf-8"))["artifacts"].values()
        return next((one for one in listed if root / one["path"] == folder), {})
    except (YAMLError, UnicodeDecodeError) as error:
        raise V3Error(f"{file} cannot be read as YAML ({brief(error)}): mend it.") from None
    except (KeyError, TypeError, AttributeError):  # it lists none
        return {}


def hub_card(
    folder: Path, repo: str, results: Results, licence: str | None, terms: str | None
) -> str:
    """README.md of the repository: what the Hub reads of it, then what people do."""
    meta = results.artifact.get("meta") or {}
    licence = licence or meta.get("license")
    told = terms or meta.get("terms")
    if not told:
        told = f"licence {licence}" if licence else "not told; ask who shares this model"
    data = ModelCardData(
        license=licence,
        library_name="v3",
        tags=list(dict.fromkeys(["v3", "content-style", *results.artifact.get("labels", [])])),
    )
    shared = Shared(
        model=repo,
        desc=str(results.artifact.get("desc", "")).rstrip("."),
        terms=str(told),
        picture=PICTURE if results.picture else "",
    )
    text = card(read_json(folder / ABOUT), results.metrics, shared)
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def _upload(beside: Path, repo: str, private: bool, message: str) -> str:
    """The files as one commit, looked at afterwards; its address."""
    api = HfApi()
    with explained(repo, "write"):
        api.create_repo(repo, private=private or None, exist_ok=True)
        there = api.model_info(repo)
    names = {one.rfilename for one in there.siblings or ()}
    if names - BARE and ABOUT not in names:
        raise V3Error(
            f"{address(repo)} holds {', '.join(sorted(names - BARE)[:5])} and no model of V3: take "
            "another name."
        )
    if private and not there.private:
        raise V3Error(
            f"{address(repo)} is there and public: make it private in its settings there, or take "
            "another name."
        )
    with explained(repo, "write"):
        commit = api.upload_folder(repo_id=repo, folder_path=str(beside), commit_message=message)
        listed = {
            file.path: file
            for file in api.list_repo_tree(repo, revision=commit.oid)
            if isinstance(file, RepoFile)
        }
    for file in sorted(beside.iterdir()):
        if not _arrived(file, listed.get(file.name)):
            raise V3Error(
                f"{file.name} is not at {address(repo)} as it is here: run the same command again."
            )
    return f"{address(repo)}/commit/{commit.oid}"


def _arrived(file: Path, listed: RepoFile | None) -> bool:
    if listed is None or listed.size != file.stat().st_size:
        return False
    return listed.lfs is None or listed.lfs.sha256 == file_digest(file)
