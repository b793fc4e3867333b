"""Spectrograms made heard: what they were made of comes back, as far as they say it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from bars import write_params
from project import ROOT
from stage_runs import stage

from v3.base.errors import V3Error
from v3.corpora.insnotes.notes import note_spectrograms
from v3.corpora.insnotes.params import StftParams
from v3.corpora.librispeech.features import phoneme_spectrograms
from v3.corpora.librispeech.params import PhonemesParams
from v3.evaluation.embedding import Embeddings
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.model.v3 import V3, ModelInfo, StyleChannel
from v3.sound.heard import heard
from v3.sound.lines import lines, pairs
from v3.sound.measure import apart, brightness, nearer, pitches
from v3.sound.revoiced import Revoiced
from v3.sound.spectrogram import Spectrogram, joined, sounds_of

RATE = 16000
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
NOTES, PHONEMES = heard(RAW, "insnotes"), heard(RAW, "librispeech")
STFT = StftParams(n_fft=1024, hop=512, floor=1e-5, bins=512, frames=32)


def tone(frequency: float, seconds: float, peak: float = 0.5) -> np.ndarray:
    """Four harmonics of a tone."""
    time = np.arange(round(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 5)]
    sound = np.sum(parts, axis=0)
    return (peak * sound / np.abs(sound).max()).astype(np.float32)


# --- notes: a logarithm of magnitudes -------------------------------------------------------------


@pytest.fixture(scope="module")
def notes() -> tuple[np.ndarray, np.ndarray]:
    """Two notes and what is heard of their spectrograms."""
    sound = np.concatenate([tone(440, 1.056), tone(330, 1.056, 0.1)])
    fragments = note_spectrograms(sound, 2, 16896, STFT)
    return sound.reshape(2, -1), sounds_of(fragments, NOTES)


def test_notes_last_as_long_and_sound_as_loud_as_they_did(notes):
    before, after = notes
    assert after.shape == before.shape == (2, 16896)
    loudness = np.sqrt((after**2).mean(1)) / np.sqrt((before**2).mean(1))
    np.testing.assert_allclose(loudness, 1, atol=0.1)


def test_notes_keep_pitch_and_brightness(notes):
    before, after = notes
    np.testing.assert_allclose(pitches(after, RATE), [9, 4], atol=0.2)  # A and E
    for one, other in zip(before, after, strict=True):
        assert brightness(other, RATE) == pytest.approx(brightness(one, RATE), abs=0.1)


def test_the_same_fragments_give_the_same_sound():
    fragments = note_spectrograms(tone(440, 1.056), 1, 16896, STFT)
    np.testing.assert_array_equal(sounds_of(fragments, NOTES), sounds_of(fragments, NOTES))


def test_below_the_floor_is_silence():
    silence = np.full((1, 1, 512, 32), np.log(1e-5), np.float32)
    assert not sounds_of(silence - 1, NOTES).any()
    floor = np.full((2, 1, 80, 64), -80.0, np.float16)
    floor[1] += 0.5  # what resizing leaves of it
    assert not sounds_of(floor, PHONEMES).any()


def test_a_decoder_that_says_too_much_is_no_thunder():
    assert np.isfinite(sounds_of(np.full((1, 1, 512, 32), 1e4, np.float32), NOTES)).all()


# --- phonemes: mel bands in decibels, stretched ---------------------------------------------------


def test_phonemes_keep_their_spectrum():
    """The same phoneme made a spectrogram again is what it was, but for what is guessed."""
    params = PhonemesParams(
        n_fft=256, hop=80, bands=80, width=64, floor=80.0, utterances=0, leave_out=()
    )
    low, high = tone(500, 0.1), tone(2000, 0.1)
    sound = np.concatenate([low, high])
    spans = np.array([[0, 1600], [1600, 3200]])
    before = phoneme_spectrograms(sound, spans, params, RATE)
    heard_again = sounds_of(before, PHONEMES)
    assert heard_again.shape == (2, 1600)
    after = phoneme_spectrograms(heard_again.ravel(), spans, params, RATE)
    loud = before > -30  # what is heard of it
    assert np.abs(after.astype(float) - before)[loud].mean() < 4
    assert brightness(heard_again[0], RATE) + 1 < brightness(heard_again[1], RATE)


def test_what_cannot_be_said_is_one_line():
    assert NOTES.lost == "phases are found anew (Griffin-Lim)"
    assert PHONEMES.lost == (
        "phases are found anew (Griffin-Lim), what lies between the mel bands is guessed, every "
        "fragment lasts 0.1 s, and is as loud as all others"
    )


# --- any spectrogram ------------------------------------------------------------------------------


def test_own_sounds_are_heard_by_their_section():
    audio = {
        "folder": "songs",
        "cut": "length",
        "seconds": 0.5,
        "rate": 8000,
        "spectrum": "mel",
        "n_fft": 256,
        "bands": 40,
        "frames": 50,
    }
    found = heard({"defaults": {}, "mine": {"audio": audio}}, "mine")
    assert (found.kind, found.rate, found.hop, found.level) == ("mel", 8000, 80, "decibel")
    assert heard({"defaults": {}, "mine": {"images": {}}}, "mine") is None
    assert heard(RAW, "svhn") is None


@pytest.mark.parametrize(
    ("shape", "said"),
    [((2, 3, 8, 8), "have the shape (N, 1, bands, frames)"), ((1, 1, 99, 8), "99 bands")],
)
def test_other_fragments_are_refused(shape, said):
    how = Spectrogram("stft", 8000, 64, 32, "decibel", 80.0)
    with pytest.raises(V3Error, match=said.replace("(", r"\(").replace(")", r"\)")):
        sounds_of(np.zeros(shape), how)


def test_joined_sounds_do_not_click():
    line = joined(np.ones((2, 800), np.float32), 8000)
    assert line.shape == (1600,)
    assert line[[0, 799, 800, 1599]].tolist() == [0, 0, 0, 0]
    assert line[[400, 1200]].tolist() == [1, 1]


# --- lines and what is measured of them -----------------------------------------------------------


def test_a_line_is_the_beginning_of_a_sample():
    found = lines(np.array([4, 4, 4, 7, 9, 9]), 2)
    assert [line.tolist() for line in found] == [[0, 1], [3], [4, 5]]


def test_pairs_differ_in_style_and_come_once():
    styles = np.array([0, 0, 1, 2])
    found = pairs(styles, 8, 0)
    assert (styles[found[:, 0]] != styles[found[:, 1]]).all()
    assert len({*map(tuple, found.tolist())}) == len(found) == 8
    assert np.bincount(found[:, 0]).tolist() == [2, 2, 2, 2]
    assert len(pairs(np.array([3, 3]), 8, 0)) == 0
    unknown = pairs(np.array([-1, -1, -1]), 4, 0)
    assert len(unknown) == 4
    assert (unknown[:, 0] != unknown[:, 1]).all()


def test_a_counterpart_has_the_same_code_in_the_other_voice():
    """Two samples of one voice, one of another: the voice is that of all samples of the style."""
    nothing = np.zeros((6, 1), np.float32)
    test = Embeddings(
        z_c=nothing,
        codes=np.array([0, 1, 0, 2, 1, 1]),
        z_s=nothing,
        style_read=nothing,
        style_noisy=nothing,
        content_label=np.full(6, -1),
        style_label=np.array([0, 0, 1, 1, 1, 1]),
        sample=np.array([0, 0, 1, 1, 2, 2]),
        rows=np.arange(6),
    )
    how = Spectrogram("stft", 8000, 64, 32, "decibel", 80.0, seconds=3.0)
    silence = partial(np.full, fill_value=-80.0)
    made = Revoiced(test, how, lambda rows: silence((len(rows), 1, 8, 8)), lambda codes, _: codes)
    assert [line.tolist() for line in made.lines] == [[0, 1], [2, 3], [4, 5]]
    found = {pair: rows.tolist() for pair, rows in zip(made.pairs, made.counterparts, strict=True)}
    assert {*found} == {(0, 1), (0, 2), (1, 0), (2, 0)}
    assert found[0, 1] == found[0, 2] == [2, 5]  # of code 1 the second of two, for variety
    assert found[1, 0] == [0, -1]
    assert found[2, 0] == [1, 1]


def test_nearer_to_the_giver_of_style():
    content, style = np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, np.nan])
    found = nearer(np.array([4.5, 2.5, 3.0]), style, content)
    assert found["share"] == 0.5
    assert found["to_style"] == 2.0  # 0.5 and 3.5
    assert found["to_content"] == 2.0  # 3.5 and 0.5
    assert found["between"] == 4.0
    assert 0 <= found["chance"] <= 1
    assert set(nearer(*(np.zeros(0),) * 3).values()) == {None}
    assert nearer(np.ones(2), np.zeros(2), np.zeros(2))["share"] == 0.5


def test_pitches_lie_on_a_circle():
    assert apart(np.array([11.5]), np.array([0.5]), 12.0).tolist() == [1.0]
    assert np.isnan(pitches(np.zeros((1, 8000), np.float32), RATE)).all()
    assert np.isnan(brightness(np.zeros(8000, np.float32), RATE))


# --- the stage ------------------------------------------------------------------------------------


def write_spectrograms(path: Path) -> None:
    """12 samples of 4 fragments (1, 8, 8): a loud band, on a ground of the sample's own."""
    info = FragmentInfo("bars", "made up", ("x", "y", "z"), ("a", "b"), -40.0, 0.05)
    path.parent.mkdir(parents=True)
    draw = np.random.default_rng(0)
    with FragmentWriter(path, info, (1, 8, 8), np.float32) as writer:
        for sample in range(12):
            content = draw.integers(3, size=4)
            fragments = np.full((4, 1, 8, 8), -40.0 - 20 * (sample % 2), np.float32)
            for fragment, band in zip(fragments, content, strict=True):
                fragment[:, 2 * band + 1] = 0
            writer.append(fragments, content, sample % 2, f"sound-{sample}")


AUDIO = {
    "folder": "songs",
    "cut": "length",
    "seconds": 0.128,
    "rate": 8000,
    "spectrum": "stft",
    "n_fft": 256,
    "bands": 8,
    "frames": 8,
}


@pytest.fixture
def project(tmp_path, monkeypatch, tiny_spec):
    """In a folder of its own: spectrograms, their split, and a model that was never trained."""
    monkeypatch.chdir(tmp_path)
    write_spectrograms(Path("data/bars/fragments.h5"))
    write_params({"validation": 0.2, "test": 0.5})
    torch.manual_seed(0)
    info = ModelInfo(
        dataset="bars",
        source="made up",
        offset=-40.0,
        scale=0.05,
        fragment_shape=(1, 8, 8),
        variance=1.0,
    )
    V3(tiny_spec, info, StyleChannel(pooling="mean")).save("models/bars")
    stage("split", "bars")


def measured() -> dict[str, Any]:
    return json.loads(Path("metrics/bars/sounds.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("project")
def test_the_stage_writes_sounds_and_figures():
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["bars"]["audio"] = AUDIO
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    stage("sounds", "bars")
    index = json.loads(Path("sounds/bars/index.json").read_text(encoding="utf-8"))
    files = [one["file"] for group in index["groups"] for one in group["sounds"]]
    assert sorted(files) == sorted(file.name for file in Path("sounds/bars").glob("*.wav"))
    assert len({*files}) == len(files) > 8
    for file in files:
        sound, rate = soundfile.read(Path("sounds/bars") / file)
        assert rate == 8000
        assert len(sound) == 4 * 8 * 128
        assert 0.05 < np.abs(sound).max() <= 1
    assert measured()["source"] == "made up"
    assert measured()["recordings"] > 3
    assert 0 <= measured()["centroid"]["share"] <= 1


@pytest.mark.usefixtures("project")
def test_of_pictures_there_is_nothing_to_hear():
    stage("sounds", "bars")
    assert [file.name for file in Path("sounds/bars").iterdir()] == ["index.json"]
    assert measured()["centroid"]["share"] is None
    assert measured()["recordings"] == 0
