"""InsNotes, first step: MIDI files, each one instrument playing the same pitches over and over.

A file plays `notes` notes, the pitches from `first_pitch` to `last_pitch` in turn, one every
`interval_seconds`. Only the velocities are random. Recipe: Wu et al., ICLR 2025 (arXiv
2407.03824), appendix and published code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
import pretty_midi
from pydantic import Field

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, file_digest, read_json, write_json
from v3.base.schema import Natural, Positive, Section, SomeNames, read
from v3.corpora.insnotes.params import Midi, MidiParams

INDEX = "index.json"
SCHEMA = "v3-insnotes-midi/1"
# 500 ticks a beat at 120 beats a minute: a tick is a millisecond, so times are exact.
TICKS, TEMPO = 500, 120.0
K = TypeVar("K", bound="Scores")


class Score(Section):
    """A file: its name without a suffix, which ends in its count among those of its program."""

    name: Annotated[str, Field(pattern=r"^\d{3}-[a-z0-9-]*-\d{4,9}$")]
    instrument: str
    program: Midi
    sha256: str


class Scores(Section):
    """What the index says of a folder: `pitches` are rows of `pitch_names`, one a note."""

    instruments: SomeNames
    interval_seconds: Positive
    pitch_names: SomeNames
    pitches: Annotated[tuple[Natural, ...], Field(min_length=1)]
    files: Annotated[tuple[Score, ...], Field(min_length=1)]


def read_index(folder: Path, schema: str, kind: type[K]) -> K:
    """The index of a folder; `V3Error` if it is another than that schema's."""
    path = folder / INDEX
    index, mend = read_json(path), f"delete {folder} and run `dvc repro`"
    if not isinstance(index, dict) or index.pop("schema", None) != schema:
        raise V3Error(f"{path} is no index of {schema}: {mend}.")
    try:
        return read(kind, index, str(path))
    except V3Error as error:
        raise V3Error(f"{error}: {mend}.") from None


def check_score(file: Path, score: Score) -> None:
    """`V3Error` if a file of a folder is not the one that the folder's index tells of."""
    if file_digest(file) != score.sha256:
        raise V3Error(
            f"{file} is not the file that {file.parent / INDEX} tells of (its sha256 differs): "
            f"delete {file.parent} and run `dvc repro`."
        )


def write_midi(folder: str | Path, params: MidiParams) -> dict[str, Any]:
    """Write `files` files for each program and `unseen_files` for each unseen one.

    `folder` is replaced whole; its index.json (returned) lists the files with instrument and
    program, and says which pitch each note has. Each file has a random stream of its own, from the
    seed, its program's number and its count: more files change none of those before.
    """
    pitches = np.arange(params.first_pitch, params.last_pitch + 1)
    played = [int(pitch) for pitch in np.resize(pitches, params.notes)]
    groups = [(params.programs, params.files), (params.unseen_programs, params.unseen_files)]
    entries = []
    with atomic_folder(folder) as beside:
        for programs, count in groups:
            for instrument, program in programs.items():
                for number in range(count):
                    rng = np.random.default_rng((params.seed, program, number))
                    low, high = params.velocity
                    velocities = rng.integers(low, high, len(played), endpoint=True)
                    name = f"{program:03d}-{_plain(instrument)}-{number:04d}"
                    file = beside / f"{name}.mid"
                    _file(params, program, played, velocities).write(str(file))
                    entries.append(
                        {
                            "name": name,
                            "instrument": instrument,
                            "program": program,
                            "sha256": file_digest(file),
                        }
                    )
        index = {
            "schema": SCHEMA,
            "instruments": [*params.programs, *params.unseen_programs],
            "interval_seconds": params.interval_seconds,
            "pitch_names": [pretty_midi.note_number_to_name(int(pitch)) for pitch in pitches],
            "pitches": [int(pitch - params.first_pitch) for pitch in played],
            "files": entries,
        }
        write_json(beside / INDEX, index)
    return index


def _file(
    params: MidiParams, program: int, pitches: list[int], velocities: np.ndarray
) -> pretty_midi.PrettyMIDI:
    midi = pretty_midi.PrettyMIDI(resolution=TICKS, initial_tempo=TEMPO)
    instrument = pretty_midi.Instrument(program)
    for i, (pitch, velocity) in enumerate(zip(pitches, velocities, strict=True)):
        start = i * params.interval_seconds
        instrument.notes.append(
            pretty_midi.Note(int(velocity), pitch, start, start + params.note_seconds)
        )
    midi.instruments.append(instrument)
    return midi


def _plain(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
