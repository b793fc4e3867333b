"""The genuine corpora of studies/genuine: by which recipe each is trained, and where its files lie.

Raw files come from what the variable V3_MIRROR names, and from nowhere else: the mirror of one
corpus, or a folder that holds several. Each corpus is looked for in that folder's subfolder of the
corpus's name, in the folder itself, beside it and beside the folder that it lies in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from v3.base.errors import V3Error
from v3.base.files import write_json
from v3.base.params_file import DEFAULTS, PARAMS, read_params_file
from v3.base.schema import Names, Section, Seed, read
from v3.download.fetch import is_address

VARIABLE = "V3_MIRROR"
STUDY = Path("studies") / "genuine"
WORK = STUDY / "work"  # what is made of the corpora: kept by DVC, not by git
PIPELINE = STUDY / "corpora" / "dvc.yaml"
ALIGNED = "huggingface.co/datasets/gilkeyio/librispeech-alignments"


@dataclass(frozen=True)
class Corpus:
    """A genuine corpus: the section of params.yaml that it is made and trained by, a file or folder
    that its mirror holds, and what that mirror's folder may be called."""

    recipe: str
    sign: str
    folders: tuple[str, ...]
    named: bool = False  # told from another corpus by the name of its folder alone


class _Seeds(Section):
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    slow_datasets: Names = ()
    slow_seeds: tuple[Seed, ...] = ()


CORPORA = {
    "svhn": Corpus("svhn", "ufldl.stanford.edu/housenumbers", ("svhn",)),
    "librispeech": Corpus("librispeech", ALIGNED, ("librispeech",)),
    "timit": Corpus("librispeech", ALIGNED, ("timit",), named=True),
    "mnist_writers": Corpus("mnist_writers", "mnist_writers.npz", ("mnist_writers",)),
    "sprites": Corpus(
        "sprites", "raw.githubusercontent.com/YingzhenLi/Sprites", ("sprites", "mirror")
    ),
}


def find(name: str, mirror: str | None) -> Path:
    """The folder that holds the files of a genuine corpus, by host and path.

    `mirror` is what V3_MIRROR says. `V3Error` if it says nothing or names no folder, or if the
    corpus is nowhere that it is looked for.
    """
    corpus = CORPORA[name]
    if not (mirror or "").strip():
        raise V3Error(
            f"{VARIABLE} is not set, and {name} comes from a mirror alone: "
            f"`{VARIABLE}=<folder> dvc repro {STUDY}/dvc.yaml:corpus@{name}`, with the folder that "
            f"holds {corpus.sign}, or one above or beside it."
        )
    named = Path(mirror or "").expanduser()
    if is_address(mirror or "") or not named.exists():
        raise V3Error(
            f"{VARIABLE} is '{mirror}', which is no folder here: set it to the folder that holds "
            f"{corpus.sign}, or to one above or beside it."
        )
    base = (named if named.is_dir() else named.parent).resolve()
    looked = _places(corpus, base)
    for folder in looked:
        if (folder / corpus.sign).exists():
            return folder
    raise V3Error(
        f"{VARIABLE} ('{mirror}') leads to no {name}: {corpus.sign} is in none of "
        f"{', '.join(map(str, looked))}; put it there, or name its mirror in {VARIABLE} and run "
        f"`dvc repro {STUDY}/dvc.yaml:corpus@{name}`."
    )


def _places(corpus: Corpus, base: Path) -> list[Path]:
    """Where a corpus is looked for, in this order, each once."""
    others = CORPORA.keys() - {*corpus.folders}
    above = [base, *base.parents[:2]]
    places = [level / folder for level in above[:1] for folder in corpus.folders]
    if base.name in corpus.folders or not (corpus.named or base.name in others):
        places.append(base)
    places += [level / folder for level in above[1:] for folder in corpus.folders]
    if not corpus.named:
        places += above[1:]  # a file, or hosts, beside the folder that is named
    return list(dict.fromkeys(places))


def require_files(name: str, folder: Path, addresses: list[str]) -> None:
    """`V3Error` if the mirror lacks the file of an address, which would else be downloaded."""
    for address in addresses:
        file = folder / address.split("://", 1)[-1]
        if not file.is_file():
            raise V3Error(
                f"{file} is missing in the mirror of {name}: put it there, or name another mirror "
                f"in {VARIABLE}."
            )


def use_mirror(name: str) -> Path:
    """Find a corpus and name its folder in V3_MIRROR, which what brings corpora reads."""
    folder = find(name, os.environ.get(VARIABLE))
    os.environ[VARIABLE] = str(folder)
    return folder


def params_of(name: str) -> Path:
    """The params.yaml of a corpus, in the folder in which its stages run."""
    return WORK / name / "params.yaml"


def material_of(name: str) -> Path:
    """What of them says how its fragments are made: a file of its own, for no training reads it."""
    return params_of(name).with_name("material.yaml")


def data_of(name: str) -> Path:
    """The folder of a corpus's raw files and fragments."""
    return WORK / name / "data" / name


def recipe_of(name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of params.yaml as a corpus needs them: its section is that of its recipe,
    with the one fact that differs: the source is the real one.
    """
    section = dict(raw[CORPORA[name].recipe])
    if "source" in section:
        section["source"] = "real"
    kept = {key: raw[key] for key in ("machine", DEFAULTS)}
    return {"datasets": [name], **kept, name: section, "studies": {}}


def material(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Of what `recipe_of` gives the sections that only this corpus has."""
    (name,) = recipe["datasets"]
    shared = {*recipe[DEFAULTS], "spec"}
    return {name: {key: value for key, value in recipe[name].items() if key not in shared}}


def show(path: Path = PARAMS) -> None:
    """Write the params.yaml beside the pipeline of the corpora, by which DVC sees their stages.

    It has the corpora and their trainings, one for each of its seeds in studies.genuine of `path`.
    """
    raw = read_params_file(path)
    seeds = {name: read_seeds(raw, name) for name in CORPORA}
    runs = {
        f"{name}-{seed}": {"corpus": name, "seed": seed} for name in CORPORA for seed in seeds[name]
    }
    corpora = {name: {"first": seeds[name][0]} for name in CORPORA}
    write_json(path.parent / PIPELINE.with_name("params.yaml"), {"runs": runs, "corpora": corpora})


def read_seeds(raw: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """The training seeds of a corpus in the study, from the plain values of params.yaml."""
    section = raw.get("studies", {}).get(STUDY.name, {})
    known = {key: section[key] for key in _Seeds.model_fields if key in section}
    found = read(_Seeds, {"seeds": ()} | known, f"studies.{STUDY.name}")
    if CORPORA[name].recipe not in found.slow_datasets:
        return found.seeds
    if not found.slow_seeds:
        raise V3Error(
            f"studies.{STUDY.name}.slow_seeds in params.yaml is empty, and {name} is trained with "
            f"those: list one there, or take {CORPORA[name].recipe} out of slow_datasets."
        )
    return found.slow_seeds
