"""Small folders of somebody's own data, and a project that `v3 new` can be typed in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from project import SHARED
from typer.testing import CliRunner

from v3.base.errors import V3Error
from v3.command.app import app

ROOT = Path(__file__).parent.parent
COLOURS = {"red": (200, 40, 40), "blue": (40, 60, 200)}


def project(folder: Path) -> Path:
    """What `v3 new` reads of a project."""
    made = folder / "project"
    (made / "corpora").mkdir(parents=True)
    (made / "evaluation").mkdir()
    for name in ("params.yaml", *SHARED):
        shutil.copy(ROOT / name, made / name)
    return made


def v3(*arguments: str | Path) -> str:
    """What the command says; the sentence of an error as `error: ...`."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, V3Error):
        return f"error: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def picture(path: Path, size: tuple[int, int] = (20, 20), colour: str = "red", at: int = 0) -> None:
    """A square of a colour on white, (width, height), in one of some places."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    pixels[4 + at : 10 + at, 4:12] = COLOURS[colour]
    Image.fromarray(pixels).save(path)


def pages(folder: Path, samples: int = 6, fragments: int = 4) -> Path:
    """A subfolder a sample: page1/a_red.png, ..."""
    for sample in range(samples):
        colour = list(COLOURS)[sample % 2]
        for place in range(fragments):
            picture(
                folder / f"page{sample + 1}" / f"{'abcdef'[place]}_{colour}.png",
                (20, 20),
                colour,
                place,
            )
    return folder


def tone(path: Path, pitch: float, seconds: float = 0.3, rate: int = 8000) -> None:
    """A decaying sine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, np.sin(2 * np.pi * pitch * time) * np.exp(-3 * time) * 0.5, rate)


def melody(path: Path, pitches: Sequence[float], seconds: float = 0.5, rate: int = 8000) -> None:
    """Tones one after another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * pitch * time) * np.exp(-9 * time) * 0.5 for pitch in pitches]
    soundfile.write(path, np.concatenate(tones), rate)
