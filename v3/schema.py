"""Plain values (from YAML or JSON) into frozen dataclasses, every mistake named in full.

A field's type says what is read; `Annotated` adds what is sensible:

    relativity: Annotated[float, Within(over=1)]

Known types: bool, int, float, str, `tuple[X, ...]`, `tuple[X, Y]` (a pair of sizes
may be written 4x2), `dict[str, X]`, dataclasses, and Any for what is checked elsewhere.
A field with a default may be left out. A dataclass may define `check(name)`, called once it is
read, for what two fields must agree on; it raises `V3Error` by the names below `name`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import typing
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from v3.errors import V3Error

T = TypeVar("T")


@dataclass(frozen=True)
class Within:
    """Bounds of a number: over < value < under, least <= value <= most."""

    over: float | None = None
    least: float | None = None
    under: float | None = None
    most: float | None = None

    def check(self, value: float, name: str) -> None:
        """Raise `V3Error` by `name` unless `value` lies within the bounds."""
        for sign, bound, kept in (
            (">", self.over, self.over is None or value > self.over),
            (">=", self.least, self.least is None or value >= self.least),
            ("<", self.under, self.under is None or value < self.under),
            ("<=", self.most, self.most is None or value <= self.most),
        ):
            if not kept:
                raise V3Error(f"{name} must be {sign} {bound:g}, is {value:g}")


@dataclass(frozen=True)
class OneOf:
    """The values that a text may take."""

    choices: tuple[str, ...]

    def check(self, value: str, name: str) -> None:
        """Raise `V3Error` by `name` unless `value` is one of the choices."""
        if value not in self.choices:
            raise V3Error(f"{name} must be one of {', '.join(self.choices)}, is {value!r}")


@dataclass(frozen=True)
class Items:
    """How many items a list or mapping has at least; a list names none twice."""

    least: int = 0
    distinct: bool = True

    def check(self, value: tuple[Any, ...] | dict[str, Any], name: str) -> None:
        """Raise `V3Error` by `name` if items are too few or repeated."""
        if len(value) < self.least:
            raise V3Error(f"{name} must have {self.least} items or more, has {len(value)}")
        repeated = [item for item in value if list(value).count(item) > 1]
        if self.distinct and repeated:
            raise V3Error(f"{name} must name nothing twice, repeats {repeated[0]!r}")


Count = Annotated[int, Within(least=1)]
Natural = Annotated[int, Within(least=0)]
Positive = Annotated[float, Within(over=0)]
NonNegative = Annotated[float, Within(least=0)]
Names = Annotated[tuple[str, ...], Items()]


def read(kind: type[T], value: Any, name: str) -> T:
    """`value` as a `kind`; `V3Error` by the full dotted name of whatever does not fit."""
    result: T = _read(kind, value, name)
    return result


def unknown(name: str, key: Any, known: Iterable[str]) -> V3Error:
    """The error for a key that nothing reads, with the known key that it resembles most."""
    known = list(known)
    full = f"{name}.{key}" if name else str(key)
    close = difflib.get_close_matches(str(key), known, n=1)
    if close:
        return V3Error(f"{full} is not a parameter; did you mean {close[0]}?")
    return V3Error(f"{full} is not a parameter; known here: {', '.join(known)}")


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """`value` if it is a mapping, else `V3Error`."""
    if not isinstance(value, Mapping):
        raise V3Error(f"{name} must be a section of named values, is {value!r}")
    return value


def disjoint(name: str, one: Collection[str], other_name: str, other: Collection[str]) -> None:
    """V3Error if two lists of names share one."""
    both = [item for item in one if item in other]
    if both:
        raise V3Error(f"{name} must share nothing with {other_name}, both have {both[0]!r}")


def _read(kind: Any, value: Any, name: str) -> Any:
    if kind is Any:
        return value
    if typing.get_origin(kind) is Annotated:
        inner, *limits = typing.get_args(kind)
        result = _read(inner, value, name)
        for limit in limits:
            limit.check(result, name)
        return result
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, name)
    if typing.get_origin(kind) is tuple:
        return _read_tuple(typing.get_args(kind), value, name)
    if typing.get_origin(kind) is dict:
        of = typing.get_args(kind)[1]
        section = mapping(value, name)
        for key in section:
            if not isinstance(key, str):
                raise V3Error(f"{name} must be a section of named values, has the name {key!r}")
        return {key: _read(of, item, f"{name}.{key}") for key, item in section.items()}
    return _read_scalar(kind, value, name)


def _read_dataclass(kind: Any, value: Any, name: str) -> Any:
    section = mapping(value, name)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in section:
        if key not in fields:
            raise unknown(name, key, fields)
    for field in fields.values():
        required = field.default is field.default_factory is dataclasses.MISSING
        if field.name not in section and required:
            raise V3Error(f"{name}.{field.name} is missing")
    hints = typing.get_type_hints(kind, include_extras=True)
    result = kind(
        **{key: _read(hints[key], item, f"{name}.{key}") for key, item in section.items()}
    )
    if hasattr(result, "check"):
        result.check(name)
    return result


def _read_tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if kinds == (kinds[0],) * 2 and isinstance(value, str) and re.fullmatch(r"\d+x\d+", value):
        value = [int(size) for size in value.split("x")]  # 4x2: height x width
    if not isinstance(value, list | tuple):
        raise V3Error(f"{name} must be a list, is {value!r}")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    elif len(value) != len(kinds):
        raise V3Error(f"{name} must be a list of {len(kinds)} items, has {len(value)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_read(kind, item, f"{name}[{i}]") for i, (kind, item) in enumerate(pairs))


def _read_scalar(kind: Any, value: Any, name: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)  # bool is an int
    if kind is bool and not isinstance(value, bool):
        raise V3Error(f"{name} must be true or false, is {value!r}")
    if kind is str and not isinstance(value, str):
        raise V3Error(f"{name} must be text, is {value!r}")
    if kind is int and not (number and isinstance(value, int)):
        raise V3Error(f"{name} must be a whole number, is {value!r}")
    if kind is float:
        if not number:
            raise V3Error(f"{name} must be a number, is {value!r}")
        if not math.isfinite(value):
            raise V3Error(f"{name} must be a finite number, is {value!r}")
        return float(value)
    return value
