"""What is heard, as numbers: how bright a sound is, how high, and whose it is nearer to."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Array = NDArray[np.float64]
LOWEST, HIGHEST = 60.0, 1600.0  # Hz: what a pitch may be
RESOLVED = 25.0  # Hz between bins, at most, that tell the harmonics of a low voice apart (100 Hz)
FRAME = 2048  # points in which a pitch is looked for: two periods of the lowest at 48 kHz
SHUFFLES = 20  # over which chance is averaged
OCTAVE = 12.0  # semitones


def brightness(sound: Sound, rate: int) -> float:
    """Octaves (log2 of Hz) of the spectral centroid of a sound (samples,); NaN of silence.

    The mean frequency of its spectrum, weighted by magnitude, over the whole sound.
    """
    spectrum = np.abs(librosa.stft(sound, n_fft=1024)).sum(1)
    total = float(spectrum.sum())
    if total == 0:
        return float("nan")
    frequencies = librosa.fft_frequencies(sr=rate, n_fft=1024)
    return float(np.log2(max(1.0, frequencies @ spectrum / total)))


def pitches(sounds: Sound, rate: int) -> Array:
    """Semitones above C (0 to 12) of sounds (N, samples), octaves aside; NaN of silence.

    Median over time of the fundamental by YIN (de Cheveigne and Kawahara, 2002), which takes half
    or double for it now and then: so octaves are left out.
    """
    found = librosa.yin(sounds, fmin=LOWEST, fmax=HIGHEST, sr=rate, frame_length=FRAME)
    semitones = np.asarray(OCTAVE * np.log2(np.median(found, axis=1) / librosa.note_to_hz("C4")))
    return np.where(np.abs(sounds).max(1) > 0, semitones % OCTAVE, np.nan)


def apart(one: Array, other: Array, around: float = 0.0) -> Array:
    """Distance of values (N,) and others (N,); on a circle of so many units, if not 0."""
    distance = np.abs(one - other)
    return np.minimum(distance, around - distance) if around else distance


def nearer(swapped: Array, style: Array, content: Array, around: float = 0.0) -> dict[str, Any]:
    """Whether values of swaps (N,) are nearer to those of the giver of style than of content.

    share: of the swaps in which they are (a tie is half a one). chance: the same with other pairs
    of givers, mean of 20 shuffles. to_style, to_content, between: median distances. Each is None
    if no swap has all three values.
    """
    known = np.isfinite(swapped) & np.isfinite(style) & np.isfinite(content)
    swapped, style, content = swapped[known], style[known], content[known]
    if not len(swapped):
        return dict.fromkeys(("share", "chance", "to_style", "to_content", "between"))

    def share(order: NDArray[np.int64]) -> float:
        to_style = apart(swapped, style[order], around)
        to_content = apart(swapped, content[order], around)
        return float(((to_style < to_content) + 0.5 * (to_style == to_content)).mean())

    rng = np.random.default_rng(0)
    return {
        "share": share(np.arange(len(swapped))),
        "chance": fmean(share(rng.permutation(len(swapped))) for _ in range(SHUFFLES)),
        "to_style": float(np.median(apart(swapped, style, around))),
        "to_content": float(np.median(apart(swapped, content, around))),
        "between": float(np.median(apart(style, content, around))),
    }
