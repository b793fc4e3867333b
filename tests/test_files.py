"""Files and folders that are whole or not there, through stops at every step, and full disks."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from namespaces import in_a_namespace
from safetensors.numpy import save_file

from v3.base.disk import DiskFull, disk_full
from v3.base.errors import V3Error
from v3.base.files import (
    atomic_file,
    atomic_folder,
    link_or_copy,
    read_json,
    read_metrics,
    write_json,
)

ROOT = Path(__file__).parent.parent


class Stop(BaseException):
    """What a stop at any moment raises."""


def write(path: Path, text: str) -> None:
    with atomic_folder(path) as folder:
        (folder / "a").write_text(text)
        (folder / "b").mkdir()
        (folder / "b" / "c").write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def whole(text: str) -> dict[str, str]:
    return {"a": text, "b/c": text}


@pytest.mark.parametrize("step", range(40))
@pytest.mark.parametrize("killed", [False, True])
def test_a_stop_at_any_step_leaves_a_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, killed: bool
) -> None:
    """Before each call to the system in turn; a killed process does not even clear up."""
    path = tmp_path / "model"
    write(path, "old")
    calls = 0

    def stopping(name: str) -> None:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step + 1 or (killed and calls > step):
                raise Stop
            return real(*args, **options)

        monkeypatch.setattr(os, name, call)

    for name in ("replace", "rename", "fsync", "chmod", "rmdir", "unlink"):
        stopping(name)
    stopped = False
    try:
        write(path, "new")
    except Stop:
        stopped = True
    monkeypatch.undo()
    assert stopped == (calls > step)
    if not killed:
        assert content(path) in (whole("old"), whole("new"))
    left = [content(folder) for folder in tmp_path.iterdir()]
    assert whole("old") in left or whole("new") in left

    with suppress(Stop), atomic_folder(path):  # the next call puts back and clears up first
        assert content(path) in (whole("old"), whole("new"))
        raise Stop
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert content(path) in (whole("old"), whole("new"))


def test_what_a_killed_process_left_is_cleared_up(tmp_path: Path) -> None:
    """Of the same thing only, and only if that process has ended."""
    line = (
        "import os, sys; from v3.base.files import *\n"
        "with atomic_folder('data') as a, atomic_file('data.json') as b:\n"
        "    (a / 'half').touch(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, env=environment(), check=False)
    other = tmp_path / ".other-1-00000000"
    running = tmp_path / f".data-{os.getppid()}-00000000"
    other.mkdir()
    running.mkdir()
    assert len(list(tmp_path.iterdir())) == 4
    write(tmp_path / "data", "new")
    write_json(tmp_path / "data.json", 1)
    assert set(tmp_path.iterdir()) == {
        *(tmp_path / "data", tmp_path / "data.json", other, running),
    }


def test_two_of_one_name_do_not_disturb_each_other(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a") as outer:
        (outer / "x").touch()
        write(tmp_path / "a", "inner")
        assert (outer / "x").exists()
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["x"]


def test_all_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut leaves a name for nothing."""
    done: list[object] = []
    fsync, replace = os.fsync, os.replace

    def note_sync(handle: int) -> None:
        done.append(os.fstat(handle).st_ino)
        fsync(handle)

    def note_replace(source: Path, target: Path) -> None:
        done.append("renamed")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    write(tmp_path / "folder", "new")
    inside = {file.stat().st_ino for file in (tmp_path / "folder").rglob("*")}
    folder = (tmp_path / "folder").stat().st_ino
    assert set(done[: done.index("renamed")]) == inside | {folder}
    assert done[-1] == tmp_path.stat().st_ino

    done.clear()
    write_json(tmp_path / "a.json", 1)
    assert done == [(tmp_path / "a.json").stat().st_ino, "renamed", tmp_path.stat().st_ino]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_rights_are_those_of_the_umask(tmp_path: Path, umask: int) -> None:
    """Whatever a library has for its own files: safetensors writes for the owner only."""
    before = os.umask(umask)
    try:
        with atomic_folder(tmp_path / "model") as folder:
            save_file({"a": np.zeros(2)}, folder / "model.safetensors")
            (folder / "run").touch(0o700)
        with atomic_file(tmp_path / "b.safetensors") as beside:
            save_file({"a": np.zeros(2)}, beside)
    finally:
        os.umask(before)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.rglob("*")}
    assert modes["model"] == 0o777 & ~umask
    assert modes["model.safetensors"] == modes["b.safetensors"] == 0o666 & ~umask
    assert modes["run"] == 0o700 | 0o666 & ~umask


def test_a_linked_file_keeps_its_rights(tmp_path: Path) -> None:
    source = tmp_path / "mine"
    source.touch(0o600)
    with atomic_folder(tmp_path / "folder") as folder:
        link_or_copy(source, folder / "linked")
        link_or_copy(source, folder / "copied", link=False)
    assert source.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "folder" / "linked").samefile(source)
    assert not (tmp_path / "folder" / "copied").samefile(source)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "no readable JSON"), ("[" * 10**5, "no readable JSON"), (None, "missing")],
)
def test_a_json_file_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(V3Error, match=rf"a\.json is {said}"):
        read_json(path)


# --- full disks ---


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


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


def test_a_metric_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for text in ("[1]", '{"purity": 1}', '{"source": 5}'):
        file.write_text(text)
        with pytest.raises(V3Error, match=r"a\.json does not tell its source: delete it"):
            read_metrics(file)
    file.write_text('{"source": "x", "purity": NaN}')
    with pytest.raises(V3Error, match=r"a\.json is no readable JSON \(NaN is no number\)"):
        read_metrics(file)


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


def test_json_is_whole_and_plain(tmp_path: Path) -> None:
    write_json(tmp_path / "deep" / "a.json", {"a": [1, 2.5]})
    assert json.loads((tmp_path / "deep" / "a.json").read_text()) == {"a": [1, 2.5]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "deep" / "a.json", float("nan"))
    assert read_json(tmp_path / "deep" / "a.json") == {"a": [1, 2.5]}


@pytest.mark.parametrize("name", ["a" * 250 + ".json", "é" * 120 + ".json", "[a]*.json", ".json"])
def test_names_of_any_kind(tmp_path: Path, name: str) -> None:
    write_json(tmp_path / name, 1)
    write_json(tmp_path / name, 2)
    write(tmp_path / "folders" / name, "new")
    assert read_json(tmp_path / name) == 2
    assert content(tmp_path / "folders" / name) == whole("new")
