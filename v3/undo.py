"""Take back what `dvc exp run -S` wrote into params.yaml, when the value is refused.

DVC writes the value before it runs anything and leaves it there when a stage fails.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from v3.errors import V3Error
from v3.files import atomic_file
from v3.params_check import check_params


def take_back_override(path: Path) -> bool:
    """Put the committed file back if, in a DVC experiment, one refused value is all that differs.

    Anything more may be somebody's work and is left alone. Tells whether it was put back.
    """
    if "DVC_EXP_NAME" not in os.environ:
        return False
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True, check=False
    )
    if shown.returncode:
        return False
    yaml = YAML(typ="safe", pure=True)
    committed = yaml.load(shown.stdout)
    try:
        check_params(committed)
    except V3Error:
        return False
    if differences(committed, yaml.load(path.read_bytes())) != 1:
        return False
    with atomic_file(path) as beside:
        beside.write_bytes(shown.stdout)
    return True


def differences(one: Any, other: Any) -> int:
    """How many values differ, a section counted by what it holds, a list as one value."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return int(one != other)
    keys = [*one, *(key for key in other if key not in one)]
    missing = object()
    return sum(differences(one.get(key, missing), other.get(key, missing)) for key in keys)
