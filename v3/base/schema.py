"""Plain values (from YAML or JSON) into frozen pydantic models, every mistake one sentence.

A field's type says what is read, and its `Field` what is sensible:

    relativity: Annotated[float, Field(gt=1)]

Types are strict (no text for a number, no 1 for true); what no field reads is refused. A list is
read as a tuple, and may be text with commas. What two fields must agree on is checked by a
`model_validator` that raises `ValueError`: its text goes on after the name of the section, so it
starts with a field's name.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from v3.base.errors import V3Error

T = TypeVar("T")
Path = tuple[str | int, ...]  # keys and list positions that lead to a value


class UnknownName(V3Error):
    """A key that nothing reads; `path` leads to the known one that it resembles most, if any."""

    def __init__(self, said: str, path: Path | None) -> None:
        super().__init__(said)
        self.path = path


class Section(BaseModel):
    """A part of params.yaml, or of a model's description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _list_as_text(cls, value: Any, info: ValidationInfo) -> Any:
        """A list may be written as text with commas, which stays on its line when DVC writes."""
        kind = cls.model_fields[info.field_name or ""].annotation
        if typing.get_origin(kind) is not tuple or not isinstance(value, str):
            return value
        return items(value) if "," in value or Ellipsis in typing.get_args(kind) else value


def items(text: str) -> tuple[Any, ...]:
    """What stands between the commas of a text: numbers where they are some, else text."""
    return tuple(_number_or_text(item.strip()) for item in text.split(",") if item.strip())


def _number_or_text(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _height_and_width(value: Any) -> Any:
    """4x2, which is quicker to write and read than a list."""
    if isinstance(value, str) and value.replace("x", "", 1).isdecimal() and value.count("x") == 1:
        return tuple(int(size) for size in value.split("x") if size)
    return value


def _distinct(value: tuple[T, ...]) -> tuple[T, ...]:
    repeated = [item for item in value if value.count(item) > 1]
    if repeated:
        raise ValueError(f" must name nothing twice, repeats {repeated[0]!r}")
    return value


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f" must be [lowest, highest], is {list(value)}")
    return value


Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what scikit-learn takes
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Pair = Annotated[tuple[Count, Count], BeforeValidator(_height_and_width)]  # (height, width) or 4x2
Range = Annotated[tuple[Positive, Positive], AfterValidator(_rising)]  # (lowest, highest)
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
SomeNames = Annotated[Names, Field(min_length=1)]


def read(kind: type[T], value: Any, name: str | Callable[[Path], str]) -> T:
    """`value` as a `kind`; `V3Error` by the full dotted name of whatever does not fit.

    `name`: that of `value`, or what names whatever a path leads to below it.
    """
    named = name if callable(name) else _below(name)
    try:
        result: T = TypeAdapter(kind).validate_python(_tuples(value))
    except ValidationError as error:
        raise _refused(kind, error, named) from None
    return result


def unknown(name: str, key: Any, known: Iterable[str]) -> V3Error:
    """The error for a key that nothing reads, with the known key that it resembles most."""
    full = f"{name}.{key}" if name else str(key)
    return V3Error(f"{full} is not a parameter; {_resembling(str(key), list(known))[1]}")


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """`value` if it is a mapping, else `V3Error`."""
    if not isinstance(value, Mapping):
        raise V3Error(f"{name} must be a section of named values, is {value!r}")
    return value


def share_nothing(name: str, one: Collection[str], other_name: str, other: Collection[str]) -> None:
    """ValueError if two lists of names have one in common."""
    both = [item for item in one if item in other]
    if both:
        raise ValueError(f"{name} must share nothing with {other_name}, both have {both[0]!r}")


def _below(name: str) -> Callable[[Path], str]:
    def full(path: Path) -> str:
        return name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)

    return full


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _resembling(key: str, known: list[str]) -> tuple[str | None, str]:
    """The known name that is most like `key`, if any is, and a sentence about it."""
    close = difflib.get_close_matches(key, known, n=1)
    if not close:
        return None, f"known here: {', '.join(known)}"
    return close[0], f"did you mean {close[0]}?"


KINDS = {  # pydantic's type of error: what is wanted instead
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a section of named values",
    "model_type": "a section of named values",
    "finite_number": "a finite number",
}
BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}


def _refused(kind: Any, error: ValidationError, named: Callable[[Path], str]) -> V3Error:
    """The first mistake that pydantic found; of a misspelt name the name itself, not its lack."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    path: Path = first["loc"]
    if first["type"] != "extra_forbidden":
        return V3Error(_sentence(first, path, named))
    known = list(_model_at(kind, path[:-1]).model_fields)
    close, said = _resembling(str(path[-1]), known)
    meant = (*path[:-1], close) if close else None
    return UnknownName(f"{named(path)} is not a parameter; {said}", meant)


def _sentence(first: Any, path: Path, named: Callable[[Path], str]) -> str:
    """A mistake that pydantic found, of the value that `path` leads to."""
    what, value, about = first["type"], first["input"], first.get("ctx", {})
    if path and path[-1] == "[key]":
        return f"{named(path[:-2])} must be a section of named values, has the name {value!r}"
    name = named(path)
    if what == "missing":
        if path and isinstance(path[-1], int):  # an item of a list of fixed length
            return f"{named(path[:-1])} must be a list of more items, has {path[-1]}"
        return f"{name} is missing"
    if what == "value_error":  # of a validator of ours
        said = str(about["error"])
        field, _, rest = said.partition(" ")
        return f"{named((*path, field))} {rest}" if field else f"{name}{said}"
    if what in KINDS:
        return f"{name} must be {KINDS[what]}, is {_plain(value)!r}"
    if what in BOUNDS:
        sign, bound = BOUNDS[what]
        return f"{name} must be {sign} {about[bound]:g}, is {value:g}"
    if what == "literal_error":
        choices = about["expected"].replace("'", "").replace(" or ", ", ")
        return f"{name} must be one of {choices}, is {_plain(value)!r}"
    if what == "too_short":
        return f"{name} must have {about['min_length']} items or more, has {about['actual_length']}"
    if what == "too_long":
        return f"{name} must have {about['max_length']} items at most, has {about['actual_length']}"
    return f"{name} does not fit: {first['msg']}"


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _model_at(kind: Any, path: Path) -> type[BaseModel]:
    """The model that a path leads to within a type."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if not path:
        model: type[BaseModel] = kind
        return model
    origin = typing.get_origin(kind)
    if origin is dict:
        return _model_at(typing.get_args(kind)[1], path[1:])
    if origin is tuple:
        return _model_at(typing.get_args(kind)[0], path[1:])
    return _model_at(kind.model_fields[path[0]].annotation, path[1:])
