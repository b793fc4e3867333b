"""InsNotes, second step: MIDI files -> WAV files, by midi2audio and FluidSynth.

midi2audio ignores FluidSynth's exit code, and FluidSynth plays another SoundFont, with exit code
0, where it cannot read the one it was given. So the SoundFont is checked before, what FluidSynth
said and wrote after. Each recording is mixed to mono, given a random envelope on the notes' own
grid, brought to one peak, and kept as 16-bit PCM.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from midi2audio import FluidSynth
from numpy.typing import NDArray
from tqdm import tqdm

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, file_digest, read_json, write_json
from v3.base.parallel import in_order
from v3.corpora.insnotes.midi import INDEX
from v3.corpora.insnotes.midi import SCHEMA as MIDI_SCHEMA
from v3.corpora.insnotes.params import AudioParams

SCHEMA = "v3-insnotes-audio/1"
SHIPPED = "pretty_midi"  # as a SoundFont: the one that the package pretty_midi ships
SILENT = 5e-4  # of full scale: what FluidSynth makes of a note peaks at some 0.03
INSTALL = "install FluidSynth (Debian, Ubuntu: `sudo apt install fluidsynth`) and run `dvc repro`"


@dataclass(frozen=True)
class _Task:
    """One file to render."""

    midi: Path
    wav: Path
    seed: tuple[int, int, int]
    notes: int
    interval_seconds: float
    soundfont: Path
    sample_rate: int
    gain: tuple[float, float]
    peak: float


def render(
    midi_folder: str | Path, folder: str | Path, params: AudioParams, workers: int
) -> dict[str, Any]:
    """Render every file of `midi_folder` to a mono WAV of notes times interval seconds.

    `folder` is replaced whole, or left as it was if anything goes wrong. Its index.json (returned)
    is that of the MIDI files, with sample rate, length in frames, SoundFont, its SHA-256 and
    FluidSynth's version. A file depends on the seed and itself alone, not on how many processes
    (`workers`, 0: one a core) there are.
    """
    midi_folder = Path(midi_folder)
    index = read_json(midi_folder / INDEX)
    if not isinstance(index, dict) or index.get("schema") != MIDI_SCHEMA:
        raise V3Error(f"{midi_folder / INDEX} lists no MIDI files: delete it and run `dvc repro`.")
    soundfont, version = find_soundfont(params.soundfont), fluidsynth_version()
    notes, interval = len(index["pitches"]), float(index["interval_seconds"])
    with atomic_folder(folder) as beside:
        tasks = [
            _Task(
                midi=midi_folder / f"{entry['name']}.mid",
                wav=beside / f"{entry['name']}.wav",
                seed=(params.seed, entry["program"], int(entry["name"].rsplit("-", 1)[1])),
                notes=notes,
                interval_seconds=interval,
                soundfont=soundfont,
                sample_rate=params.sample_rate,
                gain=params.gain,
                peak=params.peak,
            )
            for entry in index["files"]
        ]
        done = in_order(_render, tasks, workers)
        for _ in tqdm(done, total=len(tasks), unit="file", disable=None):
            pass
        index |= {
            "schema": SCHEMA,
            "sample_rate": params.sample_rate,
            "frames": round(notes * interval * params.sample_rate),
            "soundfont": soundfont.name,
            "soundfont_sha256": file_digest(soundfont),
            "fluidsynth": version,
        }
        write_json(beside / INDEX, index)
    return index


def find_soundfont(name: str) -> Path:
    """Path of the SoundFont: "pretty_midi" for the one which that package ships, or a path.

    `V3Error` if it is not there, is no SoundFont, or is shorter than it says.
    """
    path = Path(name).expanduser()
    if name == SHIPPED:
        spec = find_spec("pretty_midi")
        path = Path(spec.origin if spec and spec.origin else "").parent / "TimGM6mb.sf2"
    mend = (
        f"set insnotes.audio.soundfont to {SHIPPED} for the one that this package ships, or to a "
        "path (`sudo apt install fluid-soundfont-gm` brings /usr/share/sounds/sf2/FluidR3_GM.sf2)"
    )
    try:
        with open(path, "rb") as file:
            riff, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        length = path.stat().st_size
    except OSError as error:
        raise V3Error(f"SoundFont {path} cannot be read ({error.strerror}): {mend}.") from None
    if (riff, form) != (b"RIFF", b"sfbk"):
        raise V3Error(f"{path} is no SoundFont (RIFF of form sfbk): {mend}.")
    if length < size + 8:
        raise V3Error(
            f"SoundFont {path} is cut short ({length} bytes of {size + 8}): "
            "copy or install it again."
        )
    return path


def fluidsynth_version() -> str:
    """Version of the FluidSynth on PATH, as "2.3.1"; `V3Error` if there is none."""
    if shutil.which("fluidsynth") is None:
        raise V3Error(f"fluidsynth is not on PATH: {INSTALL}.")
    try:
        said = subprocess.run(["fluidsynth", "--version"], capture_output=True, text=True).stdout
    except OSError as error:
        raise V3Error(f"fluidsynth does not start ({error.strerror}): {INSTALL}.") from None
    words = said.partition("version ")[2].split()
    return words[0] if words else "unknown"


def envelope(
    rng: np.random.Generator, notes: int, interval_frames: float, gain: tuple[float, float]
) -> NDArray[np.float32]:
    """Amplitude (round(notes * interval_frames),) that starts each note where the last one ended.

    Over a note the gain goes from one random level to the next, on a straight line or on the first
    quarter of a sine. Notes begin at multiples of `interval_frames`, as in the MIDI file.
    """
    levels = rng.uniform(*gain, notes + 1)
    quarter = rng.integers(2, size=notes).astype(bool)
    position = np.arange(round(notes * interval_frames)) / interval_frames
    note = np.minimum(position.astype(int), notes - 1)
    way = position - note
    way = np.where(quarter[note], np.sin(np.pi / 2 * way), way)
    return (levels[note] + (levels[note + 1] - levels[note]) * way).astype(np.float32)


def _render(task: _Task) -> None:
    """Render one file, check what came out, and write the finished WAV."""
    raw = task.wav.with_suffix(".raw.wav")
    if not task.midi.is_file():
        raise V3Error(f"{task.midi} is missing: delete {task.midi.parent} and run `dvc repro`.")
    with _captured_output() as said:
        FluidSynth(str(task.soundfont), task.sample_rate).midi_to_audio(str(task.midi), str(raw))
    complaint = next((line for line in said if line.startswith("fluidsynth: error")), "")
    why = f" (FluidSynth said: {complaint.strip()})" if complaint else ""
    mend = (
        f"check that `fluidsynth {task.soundfont} {task.midi}` plays it, "
        "set insnotes.audio.soundfont to another if not, and run `dvc repro`"
    )
    if complaint or not raw.is_file():
        raise V3Error(f"FluidSynth made no sound file of {task.midi}{why}: {mend}.")
    try:
        sound, rate = soundfile.read(raw, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise V3Error(
            f"FluidSynth's rendering of {task.midi} cannot be read ({error}): {mend}."
        ) from None
    interval = round(task.interval_seconds * task.sample_rate, 6)
    frames = round(task.notes * interval)
    if rate != task.sample_rate or len(sound) < frames:
        raise V3Error(
            f"FluidSynth's rendering of {task.midi} has {len(sound)} frames at {rate} Hz where "
            f"{frames} at {task.sample_rate} Hz were due; is the disk full? If not, {mend}."
        )
    mono = sound[:frames].mean(axis=1)
    starts = np.floor(np.arange(task.notes) * interval).astype(int)
    loudest = np.maximum.reduceat(np.abs(mono), starts)
    if loudest.min() < SILENT:
        raise V3Error(f"Note {int(loudest.argmin())} of {task.midi} is silent: {mend}.")
    mono *= envelope(np.random.default_rng(task.seed), task.notes, interval, task.gain)
    mono *= task.peak / np.abs(mono).max()
    soundfile.write(task.wav, mono, task.sample_rate, subtype="PCM_16")
    raw.unlink()


@contextmanager
def _captured_output() -> Iterator[list[str]]:
    """Lines that this process and its children print meanwhile; midi2audio offers no other way."""
    lines: list[str] = []
    with tempfile.TemporaryFile() as file:
        kept = [(stream, os.dup(stream)) for stream in (1, 2)]
        try:
            for stream, _ in kept:
                os.dup2(file.fileno(), stream)
            yield lines
        finally:
            for stream, copy in kept:
                os.dup2(copy, stream)
                os.close(copy)
            file.seek(0)
            lines.extend(file.read().decode(errors="replace").splitlines())
