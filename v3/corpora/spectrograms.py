"""How the corpora that are spectrograms were made, so that they can be made heard again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from v3.base.params_file import read_section
from v3.corpora.insnotes.params import AudioParams, StftParams
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.sound import SAMPLE_RATE

# s: what every phoneme lasts when it is heard. How long it was, its fragment does not say.
PHONEME_SECONDS = 0.1


def spectrogram(raw: Mapping[str, Any], dataset: str) -> dict[str, Any] | None:
    """What `v3.sound.spectrogram.Spectrogram` asks for, from the plain values of params.yaml; None
    if the dataset is no corpus of spectrograms."""
    if dataset == "insnotes":
        stft = read_section(raw, dataset, "stft", StftParams)
        audio = read_section(raw, dataset, "audio", AudioParams)
        return {
            "kind": "stft",
            "rate": audio.sample_rate,
            "n_fft": stft.n_fft,
            "hop": stft.hop,
            "level": "log",
            "floor": stft.floor,
            "centred": False,
        }
    if dataset == "librispeech":
        mel = read_section(raw, dataset, "phonemes", PhonemesParams)
        return {
            "kind": "mel",
            "rate": SAMPLE_RATE,
            "n_fft": mel.n_fft,
            "hop": mel.hop,
            "level": "decibel",
            "floor": mel.floor,
            "seconds": PHONEME_SECONDS,
            "loose": True,
        }
    return None
