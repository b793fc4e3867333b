"""SoundFonts: where the one to play lies, and whether it has the instruments that are asked for.

FluidSynth plays another instrument, with a warning and exit code 0, for one that a SoundFont lacks.
So a SoundFont is asked before anything is rendered.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import numpy as np

from v3.base.errors import V3Error

SHIPPED = "pretty_midi"  # the one that the package pretty_midi ships
MEND = (
    f"set insnotes.audio.soundfont to {SHIPPED} for the one that this package ships, or to the "
    "path of another (`sudo apt install fluid-soundfont-gm` brings "
    "/usr/share/sounds/sf2/FluidR3_GM.sf2)"
)
PRESET = np.dtype(  # SoundFont Technical Specification 2.04, section 7.2
    [
        ("name", "S20"),
        ("program", "<u2"),
        ("bank", "<u2"),
        ("zone", "<u2"),  # its first one; the next preset's is the first that is not its own
        ("reserved", "V12"),
    ]
)


def find_soundfont(name: str) -> Path:
    """Path of the SoundFont: "pretty_midi" for the one which that package ships, or a path.

    `V3Error` if it is not there, is no SoundFont, or is shorter or longer than it says.
    """
    path = Path(name).expanduser().absolute()  # a name may begin as an option does
    if name == SHIPPED:
        spec = find_spec("pretty_midi")
        path = Path(spec.origin if spec and spec.origin else "").parent / "TimGM6mb.sf2"
    try:
        with open(path, "rb") as file:
            riff, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        length = path.stat().st_size
    except OSError as error:
        raise V3Error(f"SoundFont {path} cannot be read ({error.strerror}): {MEND}.") from None
    if (riff, form) != (b"RIFF", b"sfbk"):
        raise V3Error(f"{path} is no SoundFont (RIFF of form sfbk): {MEND}.")
    if length < size + 8:
        raise V3Error(
            f"SoundFont {path} is cut short ({length} bytes of {size + 8}): "
            f"copy or install it again, or {MEND}."
        )
    if length > size + 8 + size % 2:
        raise V3Error(
            f"SoundFont {path} is followed by {length - size - 8} bytes that are not of it: copy "
            f"or install it again, or {MEND}."
        )
    return path


def check_programs(soundfont: Path, wanted: Mapping[int, str]) -> None:
    """`V3Error` if the SoundFont lacks one of the programs, which `wanted` gives the names of."""
    lacking = sorted(wanted.keys() - programs(soundfont))
    if lacking:
        listed = ", ".join(f"{program} ({wanted[program]})" for program in lacking)
        what = "program" if len(lacking) == 1 else "programs"
        raise V3Error(
            f"SoundFont {soundfont} lacks the {what} {listed}: {MEND}, or take these out of "
            "insnotes.midi.programs and insnotes.midi.unseen_programs."
        )


def programs(soundfont: Path) -> set[int]:
    """Programs, from 0, that bank 0 of the SoundFont plays: the bank of all of our scores."""
    with open(soundfont, "rb") as file:
        lists = _chunk(file, b"pdta", 12, soundfont.stat().st_size)
        place = _chunk(file, b"phdr", *lists) if lists else None
        if place is None:
            raise V3Error(f"SoundFont {soundfont} is damaged, it lists no presets: {MEND}.")
        file.seek(place[0])
        content = file.read(place[1] - place[0])
    presets = np.frombuffer(content[: len(content) // PRESET.itemsize * PRESET.itemsize], PRESET)
    zones = np.diff(presets["zone"].astype(int))  # the last entry only marks the end
    plays = (presets["bank"][:-1] == 0) & (zones > 0)
    return set(presets["program"][:-1][plays].tolist())


def _chunk(file: IO[bytes], kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where the content of the first such chunk (or LIST) begins and ends; None if there is none.

    Looked for among the chunks that follow one another from `start` to `end`.
    """
    while start + 8 <= end:
        file.seek(start)
        name, length = struct.unpack("<4sI", file.read(8))
        if not name.isalnum():  # no chunk: what follows cannot be found
            return None
        first, last = start + 8, start + 8 + length
        if name == b"LIST":
            name, first = file.read(4), first + 4
        if name == kind:
            return first, min(last, end)
        start = last + length % 2
    return None
