"""InsNotes, second step: MIDI files -> WAV files, by midi2audio and FluidSynth.

The SoundFont is checked before, what FluidSynth said and wrote after. Each recording is mixed to
mono, given a random envelope on the notes' own grid, brought to one peak, and kept as 16-bit PCM.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, file_digest, write_json
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.base.schema import Count
from v3.corpora.insnotes.midi import INDEX, Score, Scores, check_score, read_index
from v3.corpora.insnotes.midi import SCHEMA as MIDI_SCHEMA
from v3.corpora.insnotes.params import AudioParams
from v3.corpora.insnotes.soundfont import check_programs, find_soundfont
from v3.corpora.insnotes.synth import Synth, fluidsynth_version

SCHEMA = "v3-insnotes-audio/1"
SILENT = 5e-4  # of full scale: what FluidSynth makes of a note peaks at some 0.03


class Recordings(Scores):
    """The index of the recordings: that of their scores, and what they were made with."""

    sample_rate: Count
    frames: Count
    soundfont: str
    soundfont_sha256: str
    fluidsynth: str


@dataclass(frozen=True)
class _Task:
    """One file to render."""

    midi: Path
    score: Score
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
    scores = read_index(midi_folder, MIDI_SCHEMA, Scores)
    soundfont, version = find_soundfont(params.soundfont), fluidsynth_version()
    check_programs(soundfont, {score.program: score.instrument for score in scores.files})
    notes, interval = len(scores.pitches), scores.interval_seconds
    with atomic_folder(folder) as beside:
        tasks = [
            _Task(
                midi=midi_folder / f"{score.name}.mid",
                score=score,
                wav=beside / f"{score.name}.wav",
                seed=(params.seed, score.program, int(score.name.rsplit("-", 1)[1])),
                notes=notes,
                interval_seconds=interval,
                soundfont=soundfont,
                sample_rate=params.sample_rate,
                gain=params.gain,
                peak=params.peak,
            )
            for score in scores.files
        ]
        done = in_order(_render, tasks, workers)
        files = [
            score.model_copy(update={"sha256": file_digest(task.wav)}).model_dump()
            for score, (task, _) in zip(
                scores.files, Progress(done, total=len(tasks), unit="file"), strict=True
            )
        ]
        index = {
            "schema": SCHEMA,
            **scores.model_dump(),
            "files": files,
            "sample_rate": params.sample_rate,
            "frames": round(notes * interval * params.sample_rate),
            "soundfont": soundfont.name,
            "soundfont_sha256": file_digest(soundfont),
            "fluidsynth": version,
        }
        write_json(beside / INDEX, index)
    return index


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
    check_score(task.midi, task.score)
    synth = Synth(str(task.soundfont), task.sample_rate)
    synth.midi_to_audio(str(task.midi), str(raw))
    complaint = synth.complaint()
    why = f" (FluidSynth said: {complaint})" if complaint else ""
    mend = (
        f"check that `fluidsynth {task.soundfont} {task.midi}` plays it, "
        "set insnotes.audio.soundfont to another if not, and run `dvc repro`"
    )
    if complaint or not raw.is_file():
        raise V3Error(f"FluidSynth made no whole sound file of {task.midi}{why}: {mend}.")
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
