"""Fragments that are spectrograms -> sound: levels undone, phases found by Griffin-Lim.

What a spectrogram does not say stays unsaid: phases are found anew (Griffin and Lim, 1984, in the
fast form of Perraudin, Balazs and Soendergaard, 2013), what lies below the floor is silence, and a
fragment that was stretched to a width of its own, or normalised, lasts and sounds as long and as
loud as all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import librosa
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import nnls

from v3.base.errors import V3Error

ROUNDS = 32  # of Griffin-Lim, librosa's own number: more are not heard
SEED = 0  # of the phases that it starts with
NEAR = 1.0  # dB above the floor that still count as nothing: resizing does not keep the floor
Sound = NDArray[np.float32]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrogram:
    """How a fragment (1, bands, frames) was made of a sound at `rate` Hz.

    Windows (Hann) of `n_fft` points at every `hop`; `centred` on their time, or starting there.
    kind: `stft`, the lowest bins, or `mel`, bands of power on Slaney's scale. level: `log`, the
    natural logarithm of magnitude + floor, or `decibel` of power, cut off at `floor` below the
    maximum. seconds: what a fragment lasts that was stretched to its width; 0: its frames say it.
    loose: whether each fragment was normalised, so that its loudness is lost.
    """

    kind: Literal["stft", "mel"]
    rate: int
    n_fft: int
    hop: int
    level: Literal["log", "decibel"]
    floor: float
    centred: bool = True
    seconds: float = 0.0
    loose: bool = False

    @property
    def lost(self) -> str:
        """What its sounds cannot say, in one line."""
        said = ["phases are found anew (Griffin-Lim)"]
        if self.kind == "mel":
            said.append("what lies between the mel bands is guessed")
        if self.seconds:
            said.append(f"every fragment lasts {self.seconds:g} s")
        if self.loose:
            said.append("and is as loud as all others")
        return ", ".join(said)


def sounds_of(fragments: NDArray[np.generic], how: Spectrogram) -> Sound:
    """Fragments (N, 1, bands, frames) in file units -> sounds (N, samples) at `how.rate`.

    1 is full scale where the levels say how loud a sound was. The same fragments give the same
    sounds. `V3Error` if they have more than one channel, or more bands than the windows hold.
    """
    if fragments.ndim != 4 or fragments.shape[1] != 1:
        raise V3Error(f"spectrograms have the shape (N, 1, bands, frames), not {fragments.shape}.")
    if fragments.shape[2] > how.n_fft // 2 + 1:
        raise V3Error(f"{fragments.shape[2]} bands do not come from windows of {how.n_fft} points.")
    levels = _unstretched(np.asarray(fragments[:, 0], np.float64), how)
    magnitudes = _magnitudes(levels, how)
    pad = 0 if how.centred else -(-how.n_fft // (2 * how.hop))
    magnitudes = np.pad(magnitudes, ((0, 0), (0, 0), (pad, pad)))
    found = librosa.griffinlim(
        magnitudes.astype(np.float32),
        n_iter=ROUNDS,
        hop_length=how.hop,
        n_fft=how.n_fft,
        random_state=SEED,
    )
    return _trimmed(np.asarray(found, np.float32), levels.shape[2], pad, how)


def joined(sounds: Sound, rate: int) -> Sound:
    """Sounds (N, samples) one after the other (samples,), each faded in and out in 5 ms."""
    ramp = min(round(0.005 * rate), sounds.shape[1] // 2)
    fade = np.ones(sounds.shape[1], np.float32)
    fade[:ramp] = np.linspace(0, 1, ramp)
    fade[len(fade) - ramp :] = np.linspace(1, 0, ramp)
    return np.asarray((sounds * fade).ravel(), np.float32)


def _unstretched(levels: Array, how: Spectrogram) -> Array:
    """Levels (N, bands, frames) with as many frames as `how.seconds` holds, bicubically."""
    if not how.seconds:
        return levels
    frames = 1 + round(how.seconds * how.rate) // how.hop
    size = frames, levels.shape[1]
    images = [Image.fromarray(one.astype(np.float32)) for one in levels]
    resized = [image.resize(size, Image.Resampling.BICUBIC) for image in images]
    return np.stack([np.asarray(one, np.float64) for one in resized])


def _magnitudes(levels: Array, how: Spectrogram) -> Array:
    """Levels (N, bands, frames) -> magnitudes (N, n_fft / 2 + 1, frames)."""
    if how.level == "log":
        heard = np.maximum(np.exp(np.minimum(levels, np.log(how.n_fft))) - how.floor, 0)
        power = heard**2
    else:
        power = 10 ** (np.minimum(levels, 0) / 10)
        power[levels <= NEAR - how.floor] = 0
    if how.kind == "mel":
        power = np.einsum("fb,nbt->nft", _from_mel(how.rate, how.n_fft, levels.shape[1]), power)
    missing = how.n_fft // 2 + 1 - power.shape[1]
    return np.sqrt(np.pad(power, ((0, 0), (0, missing), (0, 0))))


@lru_cache(maxsize=4)
def _from_mel(rate: int, n_fft: int, bands: int) -> Array:
    """Weights (n_fft / 2 + 1, bands): what power each frequency has if a single band has power 1.

    The least squares without negative power, band by band: a matrix in place of a search a frame.
    """
    mel = np.asarray(librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands), np.float64)
    return np.stack([nnls(mel, one)[0] for one in np.eye(bands)], axis=1)


def _trimmed(found: Sound, frames: int, pad: int, how: Spectrogram) -> Sound:
    """What the frames cover, and no more."""
    if how.seconds:
        length = round(how.seconds * how.rate)
    elif how.centred:
        length = frames * how.hop
    else:
        length = how.n_fft + (frames - 1) * how.hop
    start = pad * how.hop - (0 if how.centred else how.n_fft // 2)
    cut = found[:, max(start, 0) : max(start, 0) + length]
    return np.pad(cut, ((0, 0), (0, length - cut.shape[1])))
