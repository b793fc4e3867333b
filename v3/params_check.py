"""All of params.yaml, the corpora's own sections included: unknown names, senseless values.

A corpus says in `v3/corpora/<dataset>_params.py` which sections it has beside those of every
dataset (`SECTIONS`). A dataset without such a module has none.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from v3.errors import V3Error
from v3.params import SHARED, Params, parse_params
from v3.params_file import PARAMS, read_params_file
from v3.schema import mapping, read, unknown


def check_params_file(path: Path = PARAMS) -> Params:
    """Read the whole file; V3Error names the first parameter that does not fit."""
    return check_params(read_params_file(path))


def check_params(raw: Any) -> Params:
    """The same of the plain values of params.yaml."""
    raw = mapping(raw, "params.yaml")
    listed = raw.get("datasets")
    for name in listed if isinstance(listed, list) else ():
        _check_names(name, raw.get(name))
    params = parse_params(raw)
    for name in params.sections:
        _check_names(name, raw[name])
        for key, kind in corpus_sections(name).items():
            if key not in raw[name]:
                raise V3Error(f"{name}.{key} is missing")
            read(kind, raw[name][key], f"{name}.{key}")
    return params


def corpus_sections(dataset: str) -> dict[str, Any]:
    """The sections that only this corpus has, by name, each with its type."""
    module = f"v3.corpora.{dataset}_params"
    if not dataset.isidentifier() or find_spec(module) is None:
        return {}
    sections: dict[str, Any] = import_module(module).SECTIONS
    return sections


def _check_names(dataset: str, values: Any) -> None:
    if not isinstance(values, dict):
        return  # which parse_params has a word for
    known = [*SHARED, "spec", "specs", *corpus_sections(dataset)]
    for key in values:
        if key not in known:
            raise unknown(dataset, key, known)
