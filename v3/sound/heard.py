"""How the fragments of a dataset become sound, as its section of params.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from v3.base.params_file import read_section
from v3.corpora.spectrograms import spectrogram
from v3.own.params import AudioParams, own_sections
from v3.sound.spectrogram import Spectrogram


def heard(raw: Mapping[str, Any], dataset: str) -> Spectrogram | None:
    """From the plain values of params.yaml; None for fragments that are no sound."""
    found = spectrogram(raw, dataset)
    if found is not None:
        return Spectrogram(**found)
    if "audio" not in own_sections(raw[dataset]):
        return None
    audio = read_section(raw, dataset, "audio", AudioParams)
    return Spectrogram(
        kind=audio.spectrum,
        rate=audio.rate,
        n_fft=audio.n_fft,
        hop=audio.hop,
        level="decibel",
        floor=audio.floor,
    )
