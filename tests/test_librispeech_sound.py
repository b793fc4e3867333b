"""Librispeech: sound of every rate, depth and header, and its spectrograms."""

import librosa
import numpy as np
import pytest
from librispeech_rows import PARAMS, RATE, flac, fragments, noise, row, sound_file, wav
from PIL import Image

from v3.base.errors import V3Error
from v3.corpora.librispeech.features import phoneme_spectrograms
from v3.corpora.librispeech.sound import decode
from v3.fragments.labels import LabelledFragments


@pytest.mark.filterwarnings("ignore:n_fft")
def test_spectrograms_are_librosas_and_pillows():
    sound = noise(1.2).astype(np.float32) * np.linspace(0.01, 1, round(1.2 * RATE), dtype="f4")
    spans = np.array([[0, 1], [1, 81], [100, 580], [700, 5000], [5000, 10040], [5000, 19200]])
    ours = phoneme_spectrograms(sound, spans, PARAMS, RATE)
    for (start, end), picture in zip(spans, ours, strict=True):
        cut = sound[start:end] / np.abs(sound[start:end]).max()
        power = librosa.feature.melspectrogram(y=cut, sr=RATE, n_fft=256, hop_length=80, n_mels=80)
        level = librosa.power_to_db(power, ref=np.max, top_db=80).astype(np.float32)
        expected = Image.fromarray(level).resize((64, 80), Image.Resampling.BICUBIC)
        assert np.abs(picture[0] - np.asarray(expected)).max() < 0.05  # decibels, of float16


def test_stereo_is_mixed_and_a_higher_rate_resampled(tmp_path):
    time = np.arange(RATE * 3) / (RATE * 3)
    tone = 0.3 * np.sin(2 * np.pi * 1000 * time)
    whole = [(0.0, 1.0, "AA1")]
    rows = [
        row("1-1-0000", whole, sound_file(tone[::3])),
        row("1-1-0001", whole, sound_file(np.stack([tone[::3], tone[::3]], 1))),
        row("1-1-0002", whole, sound_file(tone, RATE * 3)),
        row("1-1-0003", whole, sound_file(tone[::3], subtype="PCM_U8", kind="WAV")),
    ]
    with LabelledFragments(fragments(tmp_path, rows)) as file:
        pictures = file.read(np.arange(4)).astype(np.float32)[:, 0, :, 8:-8]
    assert len({int(p.mean(1).argmax()) for p in pictures}) == 1
    loud = pictures[0] > -40
    for other in pictures[1:]:
        assert np.abs(other - pictures[0])[loud].max() < 2


@pytest.mark.parametrize("rate", [44100, 22050, 48000])
def test_a_tone_keeps_its_pitch_and_length_at_any_higher_rate(rate):
    """And what is above the Nyquist frequency of 16 kHz is gone, not folded back."""
    whole = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate) * 0.3
    above = np.sin(2 * np.pi * 10000 * np.arange(rate) / rate) * 0.3
    sound = decode(sound_file(whole + above, rate))
    assert sound.shape == (RATE,)
    expected = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE) * 0.3
    assert np.abs(sound - expected)[200:-200].max() < 0.003


def test_a_header_that_does_not_know_its_length_is_read_to_the_end(tmp_path):
    rows = [row("1-1-0000", sound=flac()), row("1-1-0001", sound=flac(0, md5=bytes(16)))]
    rows += [row("1-1-0002", sound=flac(0)), row("1-1-0003", sound=wav())]
    rows += [row("1-1-0004", sound=wav(length=2**32 - 1))]
    with LabelledFragments(fragments(tmp_path, rows)) as file:
        pictures = file.read(np.arange(10)).reshape(5, 2, 80, 64)
        assert file.info.source == "a test"
    assert np.array_equal(pictures[1], pictures[0])
    assert np.array_equal(pictures[2], pictures[0])
    assert np.array_equal(pictures[4], pictures[3])


def test_a_sound_without_end_is_refused():
    with pytest.raises(V3Error, match="longer than 600 s"):
        decode(sound_file(np.zeros(601 * RATE), subtype="PCM_S8"))


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_all_depths_of_flac_have_the_md5_that_they_say(subtype):
    sound = noise()
    assert np.abs(decode(sound_file(sound, subtype=subtype)) - sound).max() < 0.01
