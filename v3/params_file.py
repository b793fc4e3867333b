"""params.yaml as plain values, and single sections of it as what they should be.

A stage that needs one section reads that one: what other sections look like is no business of its.
`stages/check_params.py` reads the whole file before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from v3.errors import V3Error
from v3.schema import mapping, read

PARAMS = Path("params.yaml")
T = TypeVar("T")


def read_params_file(path: Path = PARAMS) -> Mapping[str, Any]:
    """The plain values of the file; V3Error if it is missing or no YAML."""
    try:
        # YAML 1.2: DVC writes 1e-05, which is a number there and text in YAML 1.1.
        raw = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: `git checkout {path}` brings it back") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise V3Error(f"{path}, line {line}, is no YAML: {error.problem}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise V3Error(f"{path} is no YAML: {problem}") from None
    return mapping(raw, "params.yaml")


def load_section(dataset: str, section: str, kind: type[T], path: Path = PARAMS) -> T:
    """`<dataset>.<section>` of the file as a `kind`; V3Error by its full name if it does not fit.

    `kind` is a dataclass or any other type that `v3.schema.read` knows.
    """
    raw = read_params_file(path)
    if dataset not in raw:
        raise V3Error(f"{dataset} is missing: it has no section in {path}")
    sections = mapping(raw[dataset], dataset)
    if section not in sections:
        raise V3Error(f"{dataset}.{section} is missing")
    return read(kind, sections[section], f"{dataset}.{section}")
