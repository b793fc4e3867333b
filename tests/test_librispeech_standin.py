"""The stand-in: that its shards are of the corpus's schema, and that it sounds like speech."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.linalg
import scipy.signal
import soundfile
from librispeech_rows import GENUINE, PARAMS

from v3.base.files import file_digest
from v3.corpora.librispeech.params import StandInParams
from v3.corpora.librispeech.phonemes import PHONEMES, write_fragments
from v3.corpora.librispeech.shards import read_index
from v3.fragments.labels import LabelledFragments, validate
from v3.standins.librispeech.phones import LEXICON, PHONES
from v3.standins.librispeech.shards import SCHEMA, SHORTEST, compose, write_standin
from v3.standins.librispeech.speaker import RATE, draw_speaker
from v3.standins.librispeech.synthesis import Token, say

STAND_IN = StandInParams(
    seed=0,
    speakers=3,
    utterances=2,
    unseen_speakers=2,
    unseen_utterances=1,
    seconds=(1.5, 2.5),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """raw/ and fragments.h5 of `STAND_IN`; tests must not change them."""
    folder = tmp_path_factory.mktemp("librispeech")
    write_standin(folder / "raw", STAND_IN, 1)
    write_fragments(folder / "raw", folder / "fragments.h5", PARAMS, 1)
    return folder


def test_shards_are_of_the_corpuss_schema(made):
    index = read_index(made / "raw")
    assert index["source"].startswith("stand-in: ")
    assert [(s["split"], pq.read_metadata(made / "raw" / s["name"]).num_rows)
            for s in index["shards"]] == [("train_clean_100", 6), ("test_clean", 2)]  # fmt: skip
    for shard in index["shards"]:
        assert pq.read_schema(made / "raw" / shard["name"]).equals(SCHEMA)


@pytest.mark.skipif(not GENUINE.is_dir(), reason=f"no genuine shards in {GENUINE}")
def test_the_schema_is_the_genuine_one():
    for path in GENUINE.glob("*.parquet"):
        assert pq.read_schema(path).remove_metadata().equals(SCHEMA)


def test_rows_are_whole(made):
    for shard in read_index(made / "raw")["shards"]:
        for row in pq.read_table(made / "raw" / shard["name"]).to_pylist():
            sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
            assert rate == RATE
            assert sound.ndim == 1
            assert row["audio"]["path"] == f"{row['id']}.flac"
            assert row["subset"] == shard["split"]
            assert len(row["transcript"].split()) == len(row["words"])
            edges = [t for p in row["phonemes"] for t in (p["start"], p["end"])]
            assert edges == sorted(edges)
            assert edges[-1] < len(sound) / rate
            for span in row["phonemes"]:
                assert span["end"] - span["start"] >= SHORTEST - 1e-9


def test_the_stand_in_becomes_fragments(made):
    info = validate(made / "fragments.h5")
    with LabelledFragments(made / "fragments.h5") as file:
        assert len(file.style) == 8
        assert len(info.style_names) == 5
        assert info.group_names == ("train_clean_100", "test_clean")
        assert file.group.tolist() == [0] * 6 + [1] * 2
        assert info.source.startswith("stand-in: ")


def test_the_same_bytes_for_any_number_of_workers_and_others_for_another_seed(made, tmp_path):
    write_standin(tmp_path / "two", STAND_IN, 2)
    write_standin(tmp_path / "other", STAND_IN.model_copy(update={"seed": 1}), 1)
    for name in [shard["name"] for shard in read_index(made / "raw")["shards"]]:
        assert file_digest(tmp_path / "two" / name) == file_digest(made / "raw" / name)
        assert file_digest(tmp_path / "other" / name) != file_digest(made / "raw" / name)


def test_more_speakers_leave_the_others_as_they_are(made, tmp_path):
    few_speakers = STAND_IN.model_copy(update={"utterances": 1, "unseen_speakers": 0})
    write_standin(tmp_path / "raw", few_speakers, 1)
    name = "train_clean_100-00000-of-00001.parquet"
    few = pq.read_table(tmp_path / "raw" / name).to_pylist()
    assert few == pq.read_table(made / "raw" / name).to_pylist()[::2]


def test_all_phonemes_of_the_list_are_said_about_as_often_as_in_english():
    assert {p.lower() for p in PHONES} == {*PHONEMES, "zh"}
    rng = np.random.default_rng(0)
    counts = Counter[str]()
    for k in range(150):
        speaker = draw_speaker(np.random.default_rng(k), "FM"[k % 2])
        counts.update(token.name for token in compose(speaker, (4.0, 6.0), rng)[0])
    total = sum(counts.values())
    assert set(counts) == set(PHONES)
    assert 0.08 < counts["AH"] / total < 0.18
    assert all(0.025 < counts[name] / total < 0.10 for name in "TNDSR")
    assert all(counts[name] / total < 0.01 for name in ("ZH", "OY", "DX"))
    assert all(label.rstrip("012") in PHONES for _, labels in LEXICON for label in labels)


def test_vowels_have_their_formants():
    for vowel, low, high in (("IY", (220, 420), (1800, 3000)), ("AA", (560, 950), (900, 1500))):
        speaker = quiet_speaker()
        sound = say([Token(vowel, 1, 0.05, 0.45)], 0.5, speaker, np.random.default_rng(1))
        first, second = spectral_peaks(sound[3200:5600])[:2]
        assert low[0] < first < low[1], vowel
        assert high[0] < second < high[1], vowel


def test_a_shorter_tract_raises_formants_and_the_pitch_is_the_speakers():
    adult, child = quiet_speaker(), replace(quiet_speaker(), formant_factor=1.25)
    firsts = []
    for speaker in (adult, child):
        sound = say([Token("AA", 1, 0.05, 0.45)], 0.5, speaker, np.random.default_rng(1))
        firsts.append(spectral_peaks(sound[3200:5600])[0])
    assert 1.1 < firsts[1] / firsts[0] < 1.4
    high = say(
        [Token("AA", 1, 0.05, 0.45)], 0.5, replace(adult, pitch=200.0), np.random.default_rng(1)
    )
    middle = high[3200:5600]
    correlation = scipy.signal.correlate(middle, middle)[len(middle) - 1 :]
    period = 40 + int(correlation[40:200].argmax())
    assert 170 < RATE / period < 250


def test_friction_is_where_it_should_be_and_closures_are_quiet():
    speaker = quiet_speaker()
    centres = []
    for name in ("S", "SH"):
        sound = say([Token(name, -1, 0.1, 0.3)], 0.4, speaker, np.random.default_rng(0))
        frequency, power = scipy.signal.welch(sound[2000:4400], RATE, nperseg=512)
        centres.append((frequency * power).sum() / power.sum())
    assert centres[0] > 4500 > centres[1] > 2000
    tokens = [Token("AA", 1, 0.1, 0.3), Token("T", -1, 0.3, 0.42), Token("AA", 1, 0.42, 0.6)]
    sound = say(tokens, 0.7, speaker, np.random.default_rng(0))
    level = [np.sqrt(np.mean(sound[int(t * RATE) : int((t + 0.02) * RATE)] ** 2)) for t in
             (0.2, 0.33)]  # fmt: skip
    assert level[1] < 0.1 * level[0]


def quiet_speaker():
    speaker = draw_speaker(np.random.default_rng(5), "M")
    habits = {name: np.zeros(3) for name in PHONES}
    return replace(
        speaker,
        habits=habits, formant_factor=1.0, spread=0.0, pitch=110.0, room=0.0, noise=70.0, bells=(),
        slope=0.0, jitter=0.002, shimmer=0.01, breath=0.01, tilt=3000.0, damping=1.0, friction=1.0,
    )  # fmt: skip


def spectral_peaks(sound):
    """Frequencies in Hz of the peaks of an all-pole model of order 14, up to 4 kHz."""
    bright = scipy.signal.lfilter([1, -0.97], 1, sound)  # the larynx's slope is no formant
    down = scipy.signal.resample_poly(bright * np.hamming(len(sound)), 1, 2)
    correlation = scipy.signal.correlate(down, down)[len(down) - 1 :][:15]
    poles = np.roots(np.r_[1, -scipy.linalg.solve_toeplitz(correlation[:14], correlation[1:])])
    poles = poles[(poles.imag > 0) & (np.abs(poles) > 0.88)]
    return np.sort(np.angle(poles)) * RATE / 2 / (2 * np.pi)
