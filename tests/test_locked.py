"""A fragment file that cannot be read now is not called damaged, and nothing whole is deleted."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import pytest

from v3.base.errors import V3Error
from v3.fragments.reader import Fragments

HOLD = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('held', flush=True); input()"


def test_a_file_that_another_process_writes(tiny_file: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "fragments.h5"
    path.write_bytes(tiny_file.path.read_bytes())
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(V3Error, match=r"fragments\.h5 is locked") as caught:
        Fragments(path)
    assert "HDF5_USE_FILE_LOCKING" in str(caught.value)
    assert "delete" not in str(caught.value)
    holder.communicate("\n")
    Fragments(path).close()


@pytest.mark.parametrize(
    ("number", "text", "said"),
    [
        (errno.ENOSYS, "Unable to open file (unable to lock file, errno = 38)", "is locked"),
        (errno.ENOLCK, "Unable to open file (unable to lock file, errno = 37)", "is locked"),
        (None, "Unable to open file (file is already open for write)", "is locked"),
        (errno.EACCES, "Unable to open file (errno = 13)", "may not be read"),
        (errno.EIO, "Unable to open file (file read failed, errno = 5)", "cannot be read now"),
        (errno.EMFILE, "Unable to open file (errno = 24)", "cannot be read now"),
    ],
)
def test_what_is_no_damage(
    tiny_file: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    number: int | None,
    text: str,
    said: str,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, text) if number else OSError(text)

    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(V3Error, match=said) as caught:
        Fragments(tiny_file.path)
    assert "delete" not in str(caught.value)


def test_only_what_can_be_made_again_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "fragments.h5"
    path.write_text("no fragments")
    with pytest.raises(V3Error, match="if `dvc repro` made it, delete it"):
        Fragments(path)
