"""`v3 check`: every fault of a fragment file by dataset and row."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from bars import ordinary, write_corpus
from own_data import v3

from v3.own.check import faults


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("data/bars/fragments.h5")
    write_corpus(path, ordinary())
    return path


def test_a_whole_file_is_described(file: Path) -> None:
    said = v3("check", "bars")
    assert "24 samples of" in said
    assert "3 x 8 x 8 uint8" in said
    assert v3("check", file) == said


CHANGES = [
    (lambda f: f["content"].__setitem__(7, 9), r"content, row 7: 9 is not among the 3"),
    (lambda f: f["style"].__setitem__(2, -5), r"style, row 2: -5 is not among the 4"),
    (lambda f: f["sample"].__setitem__(0, 3), r"sample, row 0: 3 must count 0, 1, 2"),
    (lambda f: f.__delitem__("style"), "style: is missing"),
    (lambda f: f.attrs.__delitem__("source"), "attribute source: is missing"),
    (lambda f: f.attrs.__setitem__("scale", 0.0), "attribute scale: is 0.0"),
    (lambda f: f.attrs.__setitem__("schema", "mine"), "attribute schema: is 'mine'"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_faults(file: Path, change, said: str) -> None:
    with h5py.File(file, "r+") as opened:
        change(opened)
    assert any(re.search(said, line) for line in faults(file)), faults(file)
    assert "faults, listed above" in v3("check", "bars")


def test_all_of_several_are_listed(file: Path) -> None:
    """Values that are not finite by channel, row and column, and rows beyond the fifth as a sum."""
    with h5py.File(file, "r+") as opened:
        values = opened["fragments"][()].astype(np.float32)
        values[4, 1, 2, 3] = np.nan
        del opened["fragments"]
        opened["fragments"] = values
        opened["content"][:9] = 99
        opened["style"][1] = 99
    found = faults(file)
    assert found[0].startswith("content, row 0: 99")
    assert "content: and 4 more rows" in found
    assert any(re.match("style, row 1: 99 is not among", line) for line in found)
    assert found[-1] == (
        "fragments, row 4: 1 values are not finite, the first in channel 1, row 2, column 3"
    )


def test_a_missing_and_a_damaged_file(file: Path) -> None:
    assert "data/none/fragments.h5 is not there, so none is no dataset" in v3("check", "none")
    file.write_bytes(file.read_bytes()[:300])
    assert "damaged or cut short" in v3("check", "bars")
