"""Sound files that libsndfile reads -> samples at one rate -> spectrograms of fragments."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import librosa
import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from v3.own.params import AudioParams

SUFFIXES = frozenset(
    f".{name}"
    for name in "wav flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64".split()  # noqa: SIM905
)
LEAST = 1e-10  # of power: against the logarithm of 0
Sound = NDArray[np.float32]


class UnusableSoundError(ValueError):
    """Why a sound cannot be used, in words."""


def rate_and_seconds(path: Path) -> tuple[int, float]:
    """Hz and length of a file, by its header; `UnusableSoundError` if it is no sound."""
    try:
        about = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _unreadable(error) from None
    return int(about.samplerate), float(about.frames / about.samplerate)


def read_sound(path: Path, rate: int) -> Sound:
    """A file's samples (N,) at `rate` Hz, its channels averaged."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            announced, own = file.frames, int(file.samplerate)
            values = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, MemoryError) as error:
        raise _unreadable(error) from None
    mono = values.mean(axis=1, dtype=np.float32)
    if len(mono) < announced and path.suffix.lower() not in (".mp3", ".ogg", ".opus", ".oga"):
        raise UnusableSoundError(
            f"it is cut short: {announced} samples are announced and {len(mono)} follow"
        )
    if not np.isfinite(mono).all():
        raise UnusableSoundError("it has samples that are not finite")
    if not mono.any():
        raise UnusableSoundError("it is silence only" if len(mono) else "it is empty")
    if own != rate:
        common = int(np.gcd(own, rate))
        mono = scipy.signal.resample_poly(mono, rate // common, own // common)
    return np.asarray(mono, np.float32)


def spectrograms(sounds: list[Sound], params: AudioParams) -> list[NDArray[np.float16]]:
    """Levels (1, bands, frames) of a sample's fragments: dB below the loudest of them all, cut at
    `floor`. Windows are centred on their time; a sound shorter than `seconds` ends in silence."""
    length = (params.frames - 1) * params.hop + 1
    powers = []
    for sound in sounds:
        cut = np.zeros(length, np.float32)
        cut[: min(length, len(sound))] = sound[:length]
        spectrum = librosa.stft(cut, n_fft=params.n_fft, hop_length=params.hop, pad_mode="constant")
        power = np.abs(spectrum) ** 2
        if params.spectrum == "mel":
            power = _mel_bands(params.rate, params.n_fft, params.bands) @ power
        powers.append(power[: params.bands, : params.frames])
    loudest = max(float(power.max()) for power in powers)
    levels = [10 * np.log10(np.maximum(power, LEAST) / max(loudest, LEAST)) for power in powers]
    return [np.maximum(level, -params.floor)[None].astype(np.float16) for level in levels]


@cache
def _mel_bands(rate: int, n_fft: int, bands: int) -> NDArray[np.float32]:
    """Weights (bands, n_fft / 2 + 1) of the frequencies in each band, as librosa has them."""
    return librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands)


def _unreadable(error: BaseException) -> UnusableSoundError:
    said = " ".join(str(error).split()).rstrip(".")
    return UnusableSoundError(said.rpartition(": ")[2] or type(error).__name__)
