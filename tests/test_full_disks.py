"""Disks that are full, or that nothing may be written to, in one sentence."""

from __future__ import annotations

import errno
import sqlite3
import sys
from pathlib import Path

import pytest
from namespaces import in_a_namespace

from v3.base.disk import DiskFull, disk_full
from v3.base.files import atomic_file, atomic_folder


class SafetensorError(Exception):
    """As the library's own, which cannot be made from outside."""


SafetensorError.__module__ = "safetensors._safetensors_rust"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Can't write data (file write failed: error message = 'No space left on device')"),
        RuntimeError(
            "Can't decrement id ref count (... error message = 'No space left on device')"
        ),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
        sqlite3.OperationalError("database or disk is full"),
        FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_disk_in_the_words_of_each_library(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(DiskFull, match="no room is left") as caught, atomic_file(tmp_path / "a"):
        raise error
    assert "gc" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    wrapped = ValueError("something else")
    wrapped.__cause__ = error
    assert isinstance(disk_full(wrapped), DiskFull)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
        OSError("4000000 requested and 1048448 written"),
        sqlite3.OperationalError("disk I/O error"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_where_a_library_does_not_say_so_the_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with pytest.raises(type(error)), atomic_file(tmp_path / "a"):
        raise error
    monkeypatch.setattr("v3.base.disk._free", lambda place: 0 if place == tmp_path else 10**9)
    with pytest.raises(DiskFull, match=f"holds {tmp_path} "), atomic_folder(tmp_path / "a"):
        raise error
    with pytest.raises(TypeError), atomic_folder(tmp_path / "a"):
        raise TypeError("a mistake of ours")


def test_the_folder_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that was copied from, nor the one that was written to."""
    copied = OSError(errno.ENOSPC, "full", "/etc/passwd", None, str(tmp_path / "no" / "copy"))
    assert f"holds {tmp_path} " in str(disk_full(copied))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    there = "v3.base.disk._one_a_disk"  # as if each were a disk of its own
    monkeypatch.setattr(there, lambda places: list(dict.fromkeys(filter(Path.is_dir, places))))
    monkeypatch.setattr("v3.base.disk._free", lambda place: 0 if place == elsewhere else 10**9)
    said = str(disk_full(OSError(errno.ENOSPC, "full"), tmp_path))
    assert f"holds {elsewhere} " in said
    assert "set TMPDIR to a folder on another disk" in said


WRITERS = {
    "h5py": "import h5py; h5py.File(path, 'w')['x'] = big",
    "numpy": "import numpy; numpy.save(path, big)",
    "torch": "import torch; torch.save(torch.from_numpy(big), path)",
    "safetensors": "import safetensors.numpy as s; s.save_file({'a': big}, path)",
    "soundfile": "import soundfile; soundfile.write(path, big / 255, 16000, format='WAV')",
    "pillow": "from PIL import Image; Image.fromarray(big.reshape(2000, -1)).save(path, 'png')",
    "pickle": "import pickle; pickle.dump(big, open(path, 'wb'))",
}


STAGE = """
from v3.base.cli import run
from v3.base.files import atomic_file
import numpy
big = numpy.random.default_rng(0).integers(0, 255, 4_000_000, dtype=numpy.uint8)
def main():
    with atomic_file("full/out.bin") as path:
        {writer}
if __name__ == "__main__":
    run(main)
"""


@pytest.mark.parametrize("library", list(WRITERS))
def test_a_disk_that_is_really_full(tmp_path: Path, library: str) -> None:
    """One of a megabyte, where a test may mount such a thing."""
    (tmp_path / "full").mkdir()
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "fill.py").write_text(STAGE.format(writer=WRITERS[library]))
    mount = "mount -t tmpfs -o size=1M tmpfs full || exit 77"
    done = in_a_namespace(f"{mount}; {sys.executable} -m stages.fill", tmp_path)
    assert done.stderr.startswith(f"error: no room is left on the disk that holds {tmp_path}/full")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1


def test_a_folder_that_may_not_be_looked_at_hides_no_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the home of somebody else; a name of such a length raises as well, for root, too."""
    monkeypatch.setenv("V3_CACHE", str(tmp_path / ("x" * 300)))
    assert disk_full(PermissionError(errno.EACCES, "Permission denied", "a")) is None
    monkeypatch.setenv("V3_CACHE", "~nobody-of-this-name/cache")
    assert isinstance(disk_full(OSError(errno.ENOSPC, "No space left on device")), DiskFull)


def test_where_nothing_may_be_written_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for kind in ("atomic_file", "atomic_folder"):
        code = f"from v3.base.files import {kind}\nwith {kind}('d/a'): pass"
        line = f'mount -t tmpfs -o ro tmpfs d || exit 77; {sys.executable} -c "{code}"'
        done = in_a_namespace(line, tmp_path)
        said = done.stderr.splitlines()[-1]
        assert said.endswith(
            "nothing may be written into d (Read-only file system): give yourself the right to, "
            "and run the same command again."
        )
