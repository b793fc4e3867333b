"""Which parameters of a dataset differ from the defaults of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from v3.base.params_file import AS_DEFAULT, DEFAULTS

Row = tuple[str, str, str]  # name, the defaults' value, this dataset's


def differences(raw: Mapping[str, Any], dataset: str) -> list[Row]:
    """What the section `dataset` of the plain values of params.yaml says otherwise than `defaults`.

    Of the networks only the one that is trained is looked at.
    """
    own, defaults = dict(raw[dataset]), dict(raw[DEFAULTS])
    chosen = own.get("spec")
    for section in (own, defaults):
        specs = section.pop("specs", {})
        section[f"specs.{chosen}"] = specs.get(chosen, {}) if isinstance(specs, Mapping) else {}
    return [
        (name, _text(before), _text(now))
        for key in defaults
        for name, before, now in _walk(key, defaults[key], own.get(key, {}))
    ]


def own_parameters(raw: Mapping[str, Any], dataset: str) -> list[tuple[str, str]]:
    """What only this dataset has: names and values, without the choice of the network."""
    known = {*raw[DEFAULTS], "spec"}
    own = {key: value for key, value in raw[dataset].items() if key not in known}
    return [(name, _text(value)) for name, _, value in _walk("", {}, own)]


def _walk(name: str, before: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Values that are said and differ, each with its full name."""
    if isinstance(now, Mapping):
        inner = before if isinstance(before, Mapping) else {}
        for key, value in now.items():
            yield from _walk(f"{name}.{key}" if name else str(key), inner.get(key), value)
    elif now not in (AS_DEFAULT, before) and _text(now) != _text(before):
        yield name, before, now


def _text(value: Any) -> str:
    """A value as one line of params.yaml: lists with commas, layers one after the other."""
    if value is None:
        return "\u2013"
    if isinstance(value, list):
        parts = [_text(item) for item in value]
        return ("; " if any("," in part for part in parts) else ", ").join(parts)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
