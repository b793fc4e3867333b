"""InsNotes: scores, recordings and indices that are missing, damaged or changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from insnotes_recordings import AUDIO, INTERVAL, MIDI, NOTES, STFT, contents, refused
from insnotes_recordings import made as made  # a fixture: pytest looks for it here

from v3.base.errors import V3Error
from v3.base.files import read_json, write_json
from v3.base.schema import read
from v3.corpora.insnotes.audio import render
from v3.corpora.insnotes.notes import write_fragments
from v3.corpora.insnotes.params import MidiParams


def test_missing_scores(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "midi"
    folder.mkdir()
    refused(made, tmp_path, r"index\.json is missing: run `dvc repro`", midi=folder)
    (folder / "index.json").write_text('{"schema": "another"}')
    refused(made, tmp_path, r"index\.json is no index of v3-insnotes-midi/1", midi=folder)
    (folder / "index.json").write_bytes((made / "midi" / "index.json").read_bytes())
    refused(made, tmp_path, r"068-oboe-0000\.mid is missing", midi=folder)


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (["pitches"], 7, r"index\.json\.pitches must be a list"),
        (["pitches"], [], r"index\.json\.pitches must have 1 items or more"),
        (["interval_seconds"], None, r"index\.json\.interval_seconds must be a number"),
        (["files", 1, "program"], 200, r"index\.json\.files\[1\]\.program must be <= 127"),
        (["files", 0, "name"], "../../068", r"index\.json\.files\[0\]\.name does not fit"),
        (["more"], 1, r"index\.json\.more is not a parameter"),
    ],
)
def test_an_index_that_was_edited(made: Path, tmp_path: Path, keys, value, words) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "midi").mkdir()
    index = inner = read_json(made / "midi" / "index.json")
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    write_json(tmp_path / "midi" / "index.json", index)
    refused(made, tmp_path, words + ".*: delete .*midi and run `dvc repro`", tmp_path / "midi")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"note_seconds": 1e-9}, r"note_seconds must be >= 0\.002, is 1e-09"),
        ({"interval_seconds": 1e9}, "notes must be <= 0 .a file of 10800 s .*, is 13"),
    ],
)
def test_scores_that_would_never_end(changes: dict[str, float], words: str) -> None:
    with pytest.raises(V3Error, match=f"insnotes.midi.{words}"):
        read(MidiParams, MIDI.model_dump() | changes, "insnotes.midi")


def test_scores_and_recordings_that_were_changed(made: Path, tmp_path: Path) -> None:
    """They are well formed, so nothing but a digest tells."""
    for folder in ("midi", "audio"):
        shutil.copytree(made / folder, tmp_path / folder)
    oboe, piano = (tmp_path / "midi" / f"{n}-0000.mid" for n in ("068-oboe", "000-grand-piano"))
    oboe.write_bytes(piano.read_bytes())
    words = r"oboe-0000\.mid is not the file that .*index\.json tells of .*: delete .*midi and run"
    with pytest.raises(V3Error, match=words):
        render(tmp_path / "midi", tmp_path / "other", AUDIO, 1)
    with open(tmp_path / "audio" / "068-oboe-0000.wav", "r+b") as file:
        file.seek(5000)
        file.write(b"\1\2\3\4")
    with pytest.raises(V3Error, match=r"oboe-0000\.wav is not the file .*: delete .*audio and run"):
        write_fragments(tmp_path / "audio", tmp_path / "fragments.h5", STFT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "midi"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged or cut short"),
        (lambda path: os.truncate(path, 20), "oboe-0000.wav is no readable sound file"),
        (lambda path: path.write_bytes(b""), "oboe-0000.wav is no readable sound file"),
        (lambda path: path.unlink(), "oboe-0000.wav is missing"),
        (lambda path: soundfile.write(path, np.zeros((NOTES * INTERVAL, 2)), 16000), "2 channels"),
        (lambda path: soundfile.write(path, np.zeros(NOTES * INTERVAL), 44100), "44100 Hz"),
        (lambda path: (path.parent / "index.json").write_text("{"), "no readable JSON"),
        (
            lambda path: (path.parent / "index.json").write_text("{}"),
            "is no index of v3-insnotes-audio/1",
        ),
    ],
)
def test_damaged_recordings(made: Path, tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    audio = tmp_path / "audio"
    audio.mkdir()
    for name, content in contents(made / "audio").items():
        (audio / name).write_bytes(content)
    change(audio / "068-oboe-0000.wav")
    with pytest.raises(V3Error, match=words) as caught:
        write_fragments(audio, tmp_path / "fragments.h5", STFT)
    assert "dvc repro" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio"]
