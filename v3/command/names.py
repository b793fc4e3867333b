"""Names that a dataset may have: DVC, YAML, the shell and file systems have a say in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from v3.base.errors import V3Error
from v3.own.params import own_sections
from v3.params import CORPORA, OTHER

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
LONGEST = 60  # characters
# What YAML 1.1 or 1.2, or Hydra in `dvc exp run -S`, reads as something else than text.
READ_OTHERWISE = (
    *("true", "false", "yes", "no", "on", "off", "y", "n"),
    *("null", "nan", "inf", "default", "none"),
)
DEVICES = ("con", "prn", "aux", "nul", *(f"com{k}" for k in range(10)))  # of Windows


def check_name(name: str, raw: Mapping[str, Any], root: Path) -> None:
    """`V3Error` if a dataset cannot be called `name`, beside the sections `raw` of params.yaml."""
    if not NAME.fullmatch(name):
        raise V3Error(
            f"{name!r} is no name of a dataset: begin with a letter and take letters (a to z), "
            f"digits, _ and - alone, for DVC, YAML and the shell read others as something else; "
            f"{_proposed(name)!r} would do."
        )
    if len(name) > LONGEST:
        raise V3Error(f"the name {name!r} has {len(name)} letters, and {LONGEST} are the most.")
    if name.lower() in READ_OTHERWISE or name.lower() in DEVICES:
        raise V3Error(
            f"{name!r} is no name of a dataset, for YAML, DVC or Windows take it for something "
            f"else: my-{name.lower()} would do."
        )
    if name in OTHER:
        raise V3Error(
            f"{name!r} is a section of params.yaml that is no dataset's: my-{name} would do."
        )
    alike = [key for key in raw if isinstance(key, str) and key.lower() == name.lower()]
    alike += [place.name for place in CORPORA.iterdir() if place.name.lower() == name.lower()]
    if alike:
        name = alike[0]
        again = (
            ", or, to import it anew, first delete its section in params.yaml and corpora/"
            f"{name}, data/{name} and models/{name}"
        )
        raise V3Error(
            f"there is a dataset {name!r} already: take another name"
            + (f"{again}." if own_sections(raw.get(name) or {}) else ".")
        )
    for file in (f"data/{name}", f"models/{name}"):
        if (root / file).exists() and not is_own_file(root, name, file):
            raise V3Error(
                f"{file} is there already, and is of no dataset of params.yaml: move it away or "
                "take another name."
            )


def is_own_file(root: Path, name: str, file: str) -> bool:
    """Whether `data/<name>` holds nothing but the fragment file, put there by hand."""
    place = root / file
    inside = [found.name for found in place.iterdir()] if place.is_dir() else []
    return file == f"data/{name}" and inside in ([], ["fragments.h5"])


def _proposed(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")
    return plain if NAME.fullmatch(plain) else f"my-{plain}".rstrip("-")
