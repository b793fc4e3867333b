"""A refused `dvc exp run -S` leaves params.yaml as it was, and nobody's work is lost by that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from v3.undo import differences, take_back_override

TEXT = (Path(__file__).parent.parent / "params.yaml").read_text(encoding="utf-8")
GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.org")


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed params.yaml, as a stage of an experiment finds it."""
    file = tmp_path / "params.yaml"
    file.write_text(TEXT, encoding="utf-8")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    monkeypatch.setenv("DVC_EXP_NAME", "some-name")
    return file


def edit(file: Path, *changes: tuple[str, str]) -> str:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    return text


BAD = ("relativity: 15.0", "relativity: banana")


def test_one_refused_value_is_taken_back(params: Path) -> None:
    edit(params, BAD)
    assert take_back_override(params)
    assert params.read_text(encoding="utf-8") == TEXT


def test_an_unknown_name_is_taken_back(params: Path) -> None:
    edit(params, ("    relativity: 15.0", "    relativty: 10\n    relativity: 15.0"))
    assert take_back_override(params)
    assert params.read_text(encoding="utf-8") == TEXT


def test_more_than_that_is_left_alone(params: Path) -> None:
    text = edit(params, BAD, ("precision: float32", "precision: bfloat16"))
    assert not take_back_override(params)
    assert params.read_text(encoding="utf-8") == text


def test_an_edit_by_hand_is_left_alone(params: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_EXP_NAME")
    text = edit(params, BAD)
    assert not take_back_override(params)
    assert params.read_text(encoding="utf-8") == text


def test_without_git_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "some-name")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    file = tmp_path / "params.yaml"
    text = edit(file, BAD)
    assert not take_back_override(file)
    assert file.read_text(encoding="utf-8") == text


def test_differences_count_leaves() -> None:
    assert differences({"a": {"b": 1, "c": [1, 2]}}, {"a": {"b": 1, "c": [1, 2]}}) == 0
    assert differences({"a": {"b": 1, "c": [1, 2]}}, {"a": {"b": 2, "c": [2, 1]}}) == 2
    assert differences({"a": 1}, {"b": 1}) == 2
    assert differences({"a": {}}, {"a": 1}) == 1
