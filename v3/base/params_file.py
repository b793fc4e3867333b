"""params.yaml as plain values, and single sections of it as what they should be.

What a dataset's section does not say, or calls `default`, `defaults` says. A stage that needs one
section reads that one: what other sections look like is no business of its.
`stages/check_params.py` reads the whole file before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from v3.base.errors import V3Error
from v3.base.schema import Count, NonNegative, Section, UnknownName, mapping, read
from v3.base.schema import Path as Keys

PARAMS = Path("params.yaml")
DEFAULTS = "defaults"
AS_DEFAULT = "default"  # as a value: what `defaults` says; it is listed so that plain -S finds it
T = TypeVar("T")


Processes = Annotated[int, Field(ge=0, le=1024)]  # of very many PyTorch dies without a word


class Machine(Section):
    """How the work is done on this machine, not what is done: no result depends on it by intent.

    (`threads` and `device` change the last bits of sums, and so figures a little.)
    """

    workers: Processes
    loaders: Processes
    memory_gb: NonNegative
    threads: Processes
    device: Literal["auto", "cpu", "cuda", "mps"]
    checkpoint_every: Count


class _Constructor(SafeConstructor):
    """Whatever a value's reader raises (a date of month 13: ValueError) with the value's line."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (YAMLError, RecursionError):
            raise
        except Exception as error:
            raise ConstructorError(problem=str(error), problem_mark=node.start_mark) from error


def read_params_file(path: Path = PARAMS) -> Mapping[str, Any]:
    """The plain values of the file; V3Error if it is missing or no YAML."""
    try:
        # YAML 1.2: DVC writes 1e-05, which is a number there and text in YAML 1.1.
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        raw = yaml.load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: `git checkout {path}` brings it back") from None
    except IsADirectoryError:
        raise V3Error(
            f"{path} is a folder: move it away, then `git checkout {path}` brings the file back"
        ) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        said = f"{path}, line {line}, cannot be read as YAML: {error.problem}"
        if "':'" in str(error.problem):
            said += " (put a value that holds a colon into quotation marks)"
        raise V3Error(said) from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise V3Error(f"{path} is no YAML: {problem}") from None
    return mapping(raw, "params.yaml")


def load_machine(path: Path = PARAMS) -> Machine:
    """The section `machine` of the file."""
    return read_machine(read_params_file(path))


def read_machine(raw: Mapping[str, Any]) -> Machine:
    """The section `machine` of the plain values of params.yaml."""
    if "machine" not in raw:
        raise V3Error("machine is missing")
    return read(Machine, raw["machine"], "machine")


def load_section(
    dataset: str,
    section: str,
    kind: type[T],
    path: Path = PARAMS,
    study: str | None = None,
) -> T:
    """`<dataset>.<section>` of the file as a `kind`; V3Error by its full name if it does not fit.

    `kind` is a `Section` or any other type that `v3.base.schema.read` knows. With `study`, what
    `studies.<study>.<section>` says takes the place of both the dataset's and the defaults'.
    """
    return read_section(read_params_file(path), dataset, section, kind, study)


def read_section(
    raw: Mapping[str, Any], dataset: str, section: str, kind: type[T], study: str | None = None
) -> T:
    """The same from the plain values of params.yaml."""
    if dataset not in raw or dataset == DEFAULTS:
        raise V3Error(f"{dataset} is no dataset of params.yaml: it has no section there")
    layers = {
        DEFAULTS: mapping(raw.get(DEFAULTS, {}), DEFAULTS),
        dataset: mapping(raw[dataset], dataset),
    }
    if section not in layers[dataset]:
        raise V3Error(
            f"{dataset}.{section} is missing: DVC looks there (`{section}: {{}}` changes nothing)"
        )
    if study is not None:
        studies = mapping(raw.get("studies"), "studies")
        if study not in studies:
            raise V3Error(f"studies.{study} is missing")
        layers[f"studies.{study}"] = mapping(studies[study], f"studies.{study}")
    found = {
        f"{name}.{section}": layer[section] for name, layer in layers.items() if section in layer
    }

    def named(keys: Keys) -> str:
        """Where the value stands that the keys lead to: in the last layer that says it."""
        said = [name for name, layer in found.items() if _says(layer, keys)]
        # the last that says it, and not that it is as an earlier one says
        full = [name for name in said if _value(found[name], keys) != AS_DEFAULT] or said[-1:]
        full = full or [f"{dataset}.{section}"]
        return full[-1] + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)

    merged: Any = {}
    for layer in found.values():
        merged = merge(merged, layer)
    try:
        return read(kind, merged, named)
    except UnknownName as error:
        way = _how_to_type(dataset, section, layers[dataset][section], str(error), error.path)
        raise V3Error(f"{error}{way}") from None
    except V3Error as error:
        if str(error).endswith(f"is {AS_DEFAULT!r}"):
            raise V3Error(f"{error}, of which {DEFAULTS}.{section} says nothing") from None
        raise


def study_section(study: str, section: str, path: Path = PARAMS) -> Mapping[str, Any]:
    """What `studies.<study>.<section>` of the file says; empty if it says nothing."""
    studies = mapping(read_params_file(path).get("studies"), "studies")
    if study not in studies:
        raise V3Error(f"studies.{study} is missing")
    said = mapping(studies[study], f"studies.{study}").get(section, {})
    return mapping(said, f"studies.{study}.{section}")


def merge(one: Any, other: Any) -> Any:
    """`one` with what `other` says otherwise; sections within it likewise, lists as a whole."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return other
    said = {
        key: merge(one.get(key, {}), value)
        for key, value in other.items()
        if value != AS_DEFAULT or key not in one
    }
    return {**one, **said}


def _says(value: Any, keys: Keys) -> bool:
    """Whether `value` says what the keys lead to: sections are merged, all else is one value."""
    for key in keys:
        if not isinstance(value, Mapping):
            return True
        if key not in value:
            return False
        value = value[key]
    return True


def _value(value: Any, keys: Keys) -> Any:
    for key in keys:
        if not isinstance(value, Mapping):
            return value
        value = value[key]
    return value


def _how_to_type(dataset: str, section: str, own: Any, said: str, meant: Keys | None) -> str:
    """How `-S` names what the keys lead to: with a + where the dataset's section lists it not."""
    if meant is None or any(isinstance(key, int) for key in meant):  # nothing that -S could name
        return ""
    name = ".".join([section, *map(str, meant)])
    if said.startswith(f"{DEFAULTS}."):
        return f" (`-S {DEFAULTS}.{name}=...`)"
    return f" (`-S {'' if _says(own, meant) else '+'}{dataset}.{name}=...`)"
