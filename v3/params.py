"""The whole of params.yaml, put together from the parameters of every room.

What every parameter means stands beside it in params.yaml; its type and its bounds stand in the
room that reads it. Datasets are not known by name: `datasets` lists those that run, and every other
section with a `train` is one, too. What only one corpus has, its own module says
(`v3/corpora/<dataset>/params.py`, SECTIONS); a dataset without such a module is somebody's own, and
may say where it comes from (`v3/own/params.py`, SECTIONS).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from v3.base.errors import V3Error
from v3.base.params_file import (
    DEFAULTS,
    PARAMS,
    Machine,
    read_machine,
    read_params_file,
    read_section,
)
from v3.base.schema import SomeNames, mapping, read, unknown
from v3.evaluation.params import (
    BaselineParams,
    BoundParams,
    FewShotParams,
    LeakageParams,
    RetrievalParams,
    StudyParams,
    SwapParams,
    TsneParams,
    read_studies,
)
from v3.model.spec import Spec, Specs, chosen_spec
from v3.own.params import own_sections
from v3.splits import SplitParams
from v3.training.params import TrainParams

# What every dataset has.
SHARED: dict[str, Any] = {
    "split": SplitParams,
    "spec": str,
    "specs": Specs,
    "train": TrainParams,
    "retrieval": RetrievalParams,
    "tsne": TsneParams,
    "few_shot": FewShotParams,
    "leakage": LeakageParams,
    "swap": SwapParams,
    "baseline": BaselineParams,
    "bound": BoundParams,
}
CORPORA = Path(__file__).parent / "corpora"
NAME = re.compile(r"\w[\w-]*")
OTHER = ("datasets", "machine", DEFAULTS, "studies")  # sections that are no dataset's


@dataclass(frozen=True)
class Params:
    """All of params.yaml, checked: `datasets` run in the main pipeline, `sections` are all there,
    each with its parameters by name."""

    datasets: tuple[str, ...]
    machine: Machine
    sections: dict[str, dict[str, Any]]
    studies: dict[str, StudyParams]


def load_params(path: Path = PARAMS) -> Params:
    """Read and check the whole file; V3Error names the first parameter that does not fit."""
    return parse_params(read_params_file(path))


def parse_params(raw: Any) -> Params:
    """The same of the plain values of params.yaml."""
    raw = mapping(raw, "params.yaml")
    for key in raw:
        if not isinstance(key, str):
            raise V3Error(f"the name of a section must be text, is {key!r}: put it into quotes")
    for key in OTHER:
        if key not in raw:
            raise V3Error(f"{key} is missing")
    datasets: tuple[str, ...] = read(SomeNames, raw["datasets"], "datasets")
    for name in datasets:
        if not NAME.fullmatch(name):
            raise V3Error(
                f"datasets: {name!r} is no name of a dataset: take letters, digits, _ and -, for "
                "DVC and the shell read other characters as something else"
            )
    for key, value in raw.items():
        if key in OTHER or key in datasets or (isinstance(value, dict) and "train" in value):
            continue
        raise unknown("", key, [*OTHER, *datasets])
    defaults = mapping(raw[DEFAULTS], DEFAULTS)
    for key in defaults:
        if key not in SHARED:
            raise unknown(DEFAULTS, key, SHARED)
    studies = read_studies(raw)
    studied = [
        name for study in studies.values() for name in (*study.datasets, *study.slow_datasets)
    ]
    for name in (*datasets, *studied):
        if name not in raw or name in OTHER:
            raise V3Error(f"{name} is missing: it is listed as a dataset and has no section")
    sections = {name: _read_dataset(raw, name) for name in raw if name not in OTHER}
    for key, study in studies.items():
        for name in (*study.datasets, *study.slow_datasets):
            read_section(raw, name, "train", TrainParams, key)
            spec = chosen_spec(sections[name]["spec"], sections[name]["specs"], name)
            Spec.from_dict(spec.to_dict() | study.spec, f"studies.{key}.spec")
        for name in study.codebooks:
            if name not in sections:
                raise V3Error(f"studies.{key}.codebooks has {name}, which is no dataset's section")
    return Params(datasets, read_machine(raw), sections, studies)


def corpus_sections(dataset: str) -> dict[str, Any]:
    """The sections that only this corpus has, by name, each with its type."""
    if not (CORPORA / dataset / "params.py").is_file():
        return {}
    sections: dict[str, Any] = import_module(f"v3.corpora.{dataset}.params").SECTIONS
    return sections


def _read_dataset(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = mapping(raw[name], name)
    known = SHARED | (corpus_sections(name) or own_sections(section))
    for key in section:
        if key not in known:
            raise unknown(name, key, known)
    found = {key: read_section(raw, name, key, kind) for key, kind in known.items()}
    chosen_spec(found["spec"], found["specs"], name)
    return found
