"""Speakers of the synthesiser: what of a voice and its recording stays the same in all utterances.

A voice is a length of the vocal tract, habits of articulation, a larynx and a tempo; a recording
is a microphone's response, a room and its noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.standins.librispeech.phones import PHONES

Array = NDArray[np.float64]
SEXES = ("F", "M")
RATE = 16000  # Hz


@dataclass(frozen=True)
class Speaker:
    """Frequencies in Hz, times in seconds, levels as factors."""

    sex: str
    formant_factor: float  # on all formants: 1 / (length of the vocal tract, the adult male's is 1)
    habits: dict[str, Array]  # phone -> (3,) logarithms on its formants
    spread: float  # standard deviation of the logarithm of a formant from token to token
    reach: float  # how far a phone's formants reach into its neighbours
    pitch: float
    pitch_range: float  # standard deviation of accents, as a logarithm
    open_quotient: float  # part of a period for which the glottis is open
    tilt: float  # corner frequency of the voice's low-pass
    breath: float  # of noise in the voice
    jitter: float  # standard deviation of a period's length, as a part of it
    shimmer: float  # the same of its amplitude
    damping: float  # on the bandwidths of the formants
    tempo: float  # on all lengths
    friction: float  # on the level of friction
    bells: tuple[tuple[float, float, float], ...]  # microphone: (centre, octaves, decibels)
    slope: float  # microphone: decibels an octave, about 1 kHz
    noise: float  # decibels below speech
    hum: float  # decibels an octave by which the noise falls
    room: float  # reverberation by direct sound
    decay: float  # time in which it falls by 60 dB
    loudness: float  # root mean square of the speech


def draw_speaker(rng: np.random.Generator, sex: str) -> Speaker:
    """A speaker of the given sex (F or M); the sexes overlap as they do in people."""
    female = sex == "F"
    length = rng.uniform(0.80, 0.98) if female else rng.uniform(0.92, 1.20)
    return Speaker(
        sex=sex,
        formant_factor=1 / length,
        habits={name: rng.normal(0, (0.05, 0.035, 0.025)) for name in PHONES},
        spread=rng.uniform(0.06, 0.11),
        reach=rng.uniform(0.022, 0.040),
        pitch=float(np.exp(rng.normal(np.log(200 if female else 112), 0.14))),
        pitch_range=rng.uniform(0.06, 0.18),
        open_quotient=rng.uniform(0.5, 0.8) if female else rng.uniform(0.4, 0.7),
        tilt=float(np.exp(rng.uniform(np.log(1500), np.log(5000)))),
        breath=float(np.exp(rng.uniform(np.log(0.03), np.log(0.25)))),
        jitter=rng.uniform(0.003, 0.02),
        shimmer=rng.uniform(0.03, 0.12),
        damping=rng.uniform(0.9, 1.6),
        tempo=rng.uniform(0.8, 1.25),
        friction=float(np.exp(rng.normal(0, 0.35))),
        bells=tuple(
            (float(np.exp(rng.uniform(np.log(150), np.log(7000)))), o, d)
            for o, d in zip(rng.uniform(0.3, 1.5, 4), rng.normal(0, 3, 4), strict=True)
        ),
        slope=rng.normal(0, 1),
        noise=rng.uniform(22, 45),
        hum=rng.uniform(0, 5),
        room=rng.uniform(0.05, 0.35),
        decay=rng.uniform(0.15, 0.5),
        loudness=rng.uniform(0.04, 0.1),
    )


def record(sound: Array, speaker: Speaker, rng: np.random.Generator) -> NDArray[np.float32]:
    """Speech (samples,) as that speaker's microphone hears it in that room."""
    size = len(sound) + int(speaker.decay * RATE)
    size += size % 2
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(_room(speaker), size)
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    spectrum *= _microphone(frequency, speaker)
    heard = np.fft.irfft(spectrum, size)[: len(sound)]
    heard *= speaker.loudness / np.sqrt(np.mean(heard**2))
    hiss = np.fft.rfft(rng.standard_normal(size))
    hiss *= np.maximum(frequency, 60) ** (-speaker.hum / 6.02)
    noise = np.fft.irfft(hiss, size)[: len(sound)]
    noise *= speaker.loudness * 10 ** (-speaker.noise / 20) / np.sqrt(np.mean(noise**2))
    out = heard + noise
    return (out * min(1.0, 0.98 / np.abs(out).max())).astype(np.float32)


def _room(speaker: Speaker) -> Array:
    """Impulse response: the direct sound, and noise that decays exponentially, always the same."""
    length = int(speaker.decay * RATE)
    time = np.arange(length) / RATE
    rng = np.random.default_rng(int(speaker.decay * 1e9))
    tail = rng.standard_normal(length) * 10 ** (-3 * time / speaker.decay)
    tail[: int(0.004 * RATE)] = 0
    tail *= speaker.room / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail


def _microphone(frequency: NDArray[np.floating[Any]], speaker: Speaker) -> Array:
    """Gain (F,) of the microphone: a slope, some wide bells, nothing below 50 Hz."""
    octaves = np.log2(np.maximum(frequency, 20) / 1000)
    decibels = speaker.slope * octaves
    for centre, width, height in speaker.bells:
        decibels += height * np.exp(-((np.log2(np.maximum(frequency, 20) / centre) / width) ** 2))
    return np.asarray(10 ** (decibels / 20) * frequency**2 / (frequency**2 + 50**2))
