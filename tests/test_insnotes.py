"""InsNotes from score to fragment, with the real FluidSynth on a few notes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
from insnotes_recordings import AUDIO, INTERVAL, MIDI, NOTES, STFT, contents
from insnotes_recordings import made as made  # a fixture: pytest looks for it here

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json
from v3.corpora.insnotes.audio import envelope, render
from v3.corpora.insnotes.midi import write_midi
from v3.corpora.insnotes.notes import network_range, note_spectrograms, write_fragments
from v3.corpora.insnotes.soundfont import find_soundfont
from v3.corpora.insnotes.synth import fluidsynth_version
from v3.fragments.labels import LabelledFragments, validate


def test_scores(made: Path) -> None:
    midi = pretty_midi.PrettyMIDI(str(made / "midi" / "068-oboe-0000.mid"))
    (instrument,) = midi.instruments
    assert instrument.program == 68
    assert [note.pitch for note in instrument.notes] == [*range(60, 72), 60]
    starts = [note.start for note in instrument.notes]
    np.testing.assert_allclose(starts, np.arange(NOTES) * 1.056, atol=1e-9)
    np.testing.assert_allclose([n.end - n.start for n in instrument.notes], 1.0, atol=1e-9)
    velocities = [note.velocity for note in instrument.notes]
    assert min(velocities) >= 80
    assert max(velocities) <= 120
    assert len(set(velocities)) > 5


def test_scores_are_the_same_twice_and_more_files_change_none(tmp_path: Path, made: Path) -> None:
    write_midi(tmp_path / "midi", MIDI)
    assert contents(tmp_path / "midi") == contents(made / "midi")
    write_midi(tmp_path / "midi", MIDI.model_copy(update={"files": 2}))
    more = contents(tmp_path / "midi")
    for name, content in contents(made / "midi").items():
        assert name == "index.json" or more[name] == content
    assert more["068-oboe-0001.mid"] != more["068-oboe-0000.mid"]
    write_midi(tmp_path / "midi", MIDI.model_copy(update={"seed": 1}))
    assert contents(tmp_path / "midi")["068-oboe-0000.mid"] != more["068-oboe-0000.mid"]


def test_recordings(made: Path) -> None:
    index = read_json(made / "audio" / "index.json")
    assert index["soundfont"] == "TimGM6mb.sf2"
    assert index["soundfont_sha256"] == file_digest(find_soundfont("pretty_midi"))
    assert index["fluidsynth"] == fluidsynth_version()
    names = {"068-oboe-0000.wav", "000-grand-piano-0000.wav", "index.json"}
    assert set(contents(made / "audio")) == names
    for name in names - {"index.json"}:
        facts = soundfile.info(made / "audio" / name)
        assert (facts.samplerate, facts.channels, facts.subtype) == (16000, 1, "PCM_16")
        assert facts.frames == index["frames"] == NOTES * INTERVAL
        sound, _ = soundfile.read(made / "audio" / name)
        assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-4)


def test_recordings_are_the_same_for_any_number_of_workers(tmp_path: Path, made: Path) -> None:
    render(made / "midi", tmp_path / "audio", AUDIO, 2)
    assert contents(tmp_path / "audio") == contents(made / "audio")


def test_envelope_is_continuous_and_follows_the_notes() -> None:
    curve = envelope(np.random.default_rng(3), 40, INTERVAL, (0.8, 1.2))
    assert curve.shape == (40 * INTERVAL,)
    assert curve.min() >= 0.8
    assert curve.max() <= 1.2
    steepest = 0.4 * np.pi / 2 / INTERVAL
    assert np.abs(np.diff(curve)).max() <= steepest * 1.01
    notes = curve.reshape(40, INTERVAL)
    straight = np.linspace(notes[:, 0], notes[:, -1], INTERVAL, axis=1)
    bend = np.abs(notes - straight).max(axis=1) / np.abs(notes[:, -1] - notes[:, 0])
    assert {"line", "sine"} == {"line" if b < 0.01 else "sine" for b in bend}
    assert bend.max() == pytest.approx(0.2105, abs=0.01)  # of sin(pi t / 2) - t, at cos = 2 / pi


def test_fragments(made: Path) -> None:
    info = validate(made / "fragments.h5")
    assert info.content_names[0] == "C4"
    assert info.content_names[-1] == "B4"
    assert info.style_names == ("oboe", "Grand Piano!")
    assert info.source.startswith("rendered: TimGM6mb.sf2 sha256 ")
    with LabelledFragments(made / "fragments.h5") as file:
        assert (file.shape, file.dtype) == ((1, 512, 32), np.float16)
        assert file.content.tolist() == 2 * [*range(12), 0]
        assert file.style.tolist() == [0, 1]
        assert file.sample_id == ["068-oboe-0000", "000-grand-piano-0000"]
        network = (file.read(np.arange(26)).astype(np.float32) - info.offset) * info.scale
    assert network.min() >= -2
    assert network.max() <= 2


def test_frames_hold_the_note_of_their_label(made: Path) -> None:
    """Of all twelve pitches, the one labelled has most in its first seven partials' bins."""
    with LabelledFragments(made / "fragments.h5") as file:
        magnitude = np.exp(file.read(np.arange(26)).astype(np.float64))[:, 0]
        labels = file.content
    frequency = 440 * 2 ** ((np.arange(60, 72) - 69) / 12)
    bins = np.rint(frequency[:, None] * np.arange(1, 8) / (16000 / 1024)).astype(int)  # (12, 7)
    for frames in (slice(2, 8), slice(8, 24), slice(24, 30)):
        score = magnitude[:, :, frames].mean(axis=2)[:, bins].sum(axis=2)  # (26, 12)
        np.testing.assert_array_equal(score.argmax(axis=1), labels)


def test_no_fragment_hears_its_neighbour() -> None:
    sound = np.zeros(3 * INTERVAL, np.float32)
    sound[INTERVAL : 2 * INTERVAL] = np.sin(np.arange(INTERVAL) * 0.3)
    spectra = note_spectrograms(sound, 3, INTERVAL, STFT)
    floor = np.float16(np.log(1e-5))
    assert (spectra[[0, 2]] == floor).all()
    assert (spectra[1].max(axis=1) > 4).all()


def test_a_full_scale_sine_is_two_and_silence_minus_two_for_the_network() -> None:
    offset, scale = network_range(STFT)
    sound = np.cos(2 * np.pi * 64 * np.arange(INTERVAL) / 1024).astype(np.float32)
    loud = note_spectrograms(sound, 1, INTERVAL, STFT).astype(float)
    assert (loud.max() - offset) * scale == pytest.approx(2, abs=2e-3)
    silent = note_spectrograms(np.zeros_like(sound), 1, INTERVAL, STFT).astype(float)
    assert (silent.max() - offset) * scale == pytest.approx(-2, abs=2e-3)


def test_spectra_match_their_definition() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, INTERVAL).astype(np.float32)
    window = np.hanning(1025)[:-1]
    frames = np.stack([sound[t * 512 : t * 512 + 1024] * window for t in range(32)], axis=1)
    expected = np.log(np.abs(np.fft.rfft(frames, axis=0))[:512] + 1e-5)
    found = note_spectrograms(sound, 1, INTERVAL, STFT)[0, 0]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_more_frames_than_a_note_has(made: Path, tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"insnotes\.stft\.frames must be <= 32"):
        write_fragments(
            made / "audio", tmp_path / "fragments.h5", STFT.model_copy(update={"frames": 33})
        )
    assert list(tmp_path.iterdir()) == []
