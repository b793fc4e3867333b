"""Files and folders that are whole or not there, through stops at every step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

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


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


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


def test_a_metric_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for text in ("[1]", '{"purity": 1}', '{"source": 5}'):
        file.write_text(text)
        with pytest.raises(V3Error, match=r"a\.json does not tell its source: delete it"):
            read_metrics(file)
    file.write_text('{"source": "x", "purity": NaN}')
    with pytest.raises(V3Error, match=r"a\.json is no readable JSON \(NaN is no number\)"):
        read_metrics(file)


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
