"""Scores, recordings and fragments of two instruments, for the tests of InsNotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from v3.base.errors import V3Error
from v3.corpora.insnotes.audio import render
from v3.corpora.insnotes.midi import write_midi
from v3.corpora.insnotes.notes import write_fragments
from v3.corpora.insnotes.params import AudioParams, MidiParams, StftParams

NOTES, INTERVAL = 13, 16896  # a round of all pitches and the first again; audio samples
MIDI = MidiParams(
    seed=0,
    files=1,
    unseen_files=1,
    programs={"oboe": 68},
    unseen_programs={"Grand Piano!": 0},
    first_pitch=60,
    last_pitch=71,
    notes=NOTES,
    note_seconds=1.0,
    interval_seconds=1.056,
    velocity=(80, 120),
)
AUDIO = AudioParams(seed=0, soundfont="pretty_midi", sample_rate=16000, gain=(0.8, 1.2), peak=0.9)
STFT = StftParams(n_fft=1024, hop=512, floor=1e-5, bins=512, frames=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """midi/, audio/ and fragments.h5 of two instruments; tests must not change them."""
    folder = tmp_path_factory.mktemp("insnotes")
    write_midi(folder / "midi", MIDI)
    render(folder / "midi", folder / "audio", AUDIO, 1)
    write_fragments(folder / "audio", folder / "fragments.h5", STFT)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refused(
    made: Path,
    tmp_path: Path,
    words: str,
    midi: Path | None = None,
    workers: int = 1,
    **changes: object,
) -> None:
    """Rendering ends in one sentence with `words`, and the old recordings stay."""
    (tmp_path / "audio").mkdir(exist_ok=True)
    (tmp_path / "audio" / "old").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    params = AUDIO.model_copy(update=changes)
    with pytest.raises(V3Error, match=words) as caught:
        render(midi or made / "midi", tmp_path / "audio", params, workers)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert [path.name for path in (tmp_path / "audio").iterdir()] == ["old"]
