"""What long work says of itself: one line a minute in a log, nothing if it is short."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from v3.base.progress import Progress

ROOT = Path(__file__).parent.parent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed, to be set by the test."""
    now = [0.0]
    monkeypatch.setattr("v3.base.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "argv", ["stages/train.py", "phonenums"])
    return now


def test_one_line_a_minute(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(range(100), unit="step")
    for step in progress:
        clock[0] += 10
        if step == 30:
            progress.note("error 0.01")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert lines[0] == "train phonenums: 6 of 100 steps (6 %), 16 min to go"
    assert lines[-1] == "train phonenums: 96 of 100 steps (96 %), 40 s to go, error 0.01"


@pytest.mark.usefixtures("clock")
def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(Progress(iter("abc"), unit="file")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_steps_of_any_size_and_none_known(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress[None](unit="B", total=2 * 10**9, initial=10**9, name="a.tar") as progress:
        clock[0] += 7200
        progress.update(5 * 10**8)
    with Progress[None](unit="page") as progress:
        clock[0] += 60
        progress.update(1234)
    assert capsys.readouterr().out.splitlines() == [
        "a.tar: 1.5 G of 2 G bytes (75 %), 2.0 h to go",
        "train phonenums: 1234 pages",
    ]


def test_a_bar_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    line = "from v3.base.progress import Progress\nfor _ in Progress(range(3), unit='file'): pass"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    subprocess.run(
        [sys.executable, "-c", line], stdout=theirs, stderr=theirs, env=environment, check=True
    )
    os.close(theirs)
    assert b"3/3" in os.read(ours, 10**5)
    os.close(ours)
