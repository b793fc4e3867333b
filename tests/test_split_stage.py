"""The stage that divides a fragment file, run as its command line would be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent


def split(folder: Path, **changes: Any) -> subprocess.CompletedProcess[str]:
    yaml = YAML()
    raw = yaml.load(ROOT / "params.yaml")
    raw["bars"] = raw["phonenums"] | {
        "split": {"validation": 0.2, "test": 0.2, "unseen_styles": ["d"], "few_shot": [1]} | changes
    }
    yaml.dump(raw, folder / "params.yaml")
    return subprocess.run(
        [sys.executable, "-m", "stages.split", "bars"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path, tiny_file: SimpleNamespace) -> Path:
    (tmp_path / "data" / "bars").mkdir(parents=True)
    shutil.copy(tiny_file.path, tmp_path / "data" / "bars" / "fragments.h5")
    return tmp_path


def test_a_file_of_another_corpus_is_told(folder: Path) -> None:
    """It may be a copy, so the split is made all the same."""
    quiet = split(folder)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    before = (folder / "data" / "bars" / "split.json").read_bytes()
    with h5py.File(folder / "data" / "bars" / "fragments.h5", "r+") as file:
        file.attrs["dataset"] = "beams"
    told = split(folder)
    assert told.returncode == 0
    assert "fragments.h5 says that it is of 'beams' and is used as 'bars'" in told.stderr
    assert (folder / "data" / "bars" / "split.json").read_bytes() == before


def test_groups_of_a_file_without_any(folder: Path) -> None:
    alone: dict[str, Any] = {"validation": None, "test": None, "unseen_styles": []}
    refused = split(folder, groups={"main": [0.5, 0.2, 0.2, 0.1]}, **alone)
    assert refused.returncode == 1
    assert "names 'main', and the fragment file has no groups: write" in refused.stderr
    assert not (folder / "data" / "bars" / "split.json").exists()
