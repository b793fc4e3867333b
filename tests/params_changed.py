"""params.yaml as it is and with one thing changed, for the tests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from v3.base.errors import V3Error
from v3.base.params_file import read_section
from v3.params import parse_params
from v3.training.params import TrainParams

FILE = Path(__file__).parent.parent / "params.yaml"
RAW: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
DATASETS: list[str] = RAW["datasets"]


def leaves(value: Any, name: str = "") -> list[str]:
    """Dotted names of all keys, sections included; lists are taken as they are."""
    if not isinstance(value, dict):
        return []
    names = []
    for key, item in value.items():
        full = f"{name}.{key}" if name else key
        names += [full, *leaves(item, full)]
    return names


NAMES = leaves(RAW)


def place(raw: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    *path, last = name.split(".")
    for key in path:
        raw = raw.setdefault(key, {})
    return raw, last


def changed(name: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    section, last = place(raw, name)
    section[last] = value
    return raw


def without(name: str, instead: str | None = None) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    section, last = place(raw, name)
    value = section.pop(last)
    if instead is not None:
        section[instead] = value
    return raw


def message(raw: Any) -> str:
    with pytest.raises(V3Error) as error:
        parse_params(raw)
    assert "\n" not in str(error.value)
    return str(error.value)


def train(dataset: str, raw: dict[str, Any] = RAW) -> TrainParams:
    return read_section(raw, dataset, "train", TrainParams)
