"""Speech by source and filter: phones with times and a speaker -> sound.

Glottal pulses and noise pass the vocal tract, a product of resonances whose frequencies move from
target to target; friction and bursts are noise with a spectrum of their own. (Fant, Acoustic Theory
of Speech Production, 1960; Klatt, Software for a cascade/parallel formant synthesizer, 1980.) The
filters change every 5 ms: 20 ms of sound are filtered as a spectrum and added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from v3.standins.librispeech.phones import PHONES, SCHWA, Phone
from v3.standins.librispeech.speaker import RATE, Speaker, record

Array = NDArray[np.float64]
HOP, FRAME, FFT = 80, 320, 1024  # samples: between frames, of one, of its spectrum
OVERSAMPLED = 4  # pulses have corners: they are made at this times the rate, then filtered
UPPER = (3500, 4500, 5500, 6500, 7500)  # Hz: the formants that do not tell phones apart
WIDTHS = (70, 90, 140, 220, 300, 400, 500, 600)  # Hz
NASAL_POLE = 290.0  # Hz
FREQUENCY = np.fft.rfftfreq(FFT, 1 / RATE)


@dataclass(frozen=True)
class Token:
    """A phone to be said; `stress` is that of a vowel (0: none), -1 for other phones."""

    name: str
    stress: int
    start: float  # seconds
    end: float

    @property
    def phone(self) -> Phone:
        return PHONES[self.name]


@dataclass
class _Levels:
    """Amplitudes (samples,) of the three sources, and how far the mouth is shut."""

    voice: Array
    breath: Array
    friction: Array
    bursts: Array
    shut: Array


def say(
    tokens: Sequence[Token], seconds: float, speaker: Speaker, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The recording (samples,) at 16 kHz of the tokens; what lies between them is silence."""
    samples = round(seconds * RATE)
    frames = -(-samples // HOP) + FRAME // HOP
    levels = _levels(tokens, samples, speaker, rng)
    formants = _formants(tokens, frames, speaker, rng)
    voice, opening = _pulses(_pitch(tokens, samples, speaker, rng), speaker, rng)
    noise = rng.standard_normal(samples)
    source = voice * levels.voice + noise * (
        levels.breath + speaker.breath * levels.voice * (0.3 + opening)
    )
    tract = _tract(formants, speaker) * _nose(tokens, frames)
    shut = levels.shut[np.minimum(np.arange(frames) * HOP, samples - 1)][:, None]
    tract *= (1 + (FREQUENCY / 250) ** 2) ** -shut
    friction = rng.standard_normal(samples) * (levels.friction + levels.bursts)
    spectra = _friction(tokens, frames, formants, speaker, rng)
    return record(_filtered(source, tract) + _filtered(friction, spectra), speaker, rng)


def _levels(
    tokens: Sequence[Token], samples: int, speaker: Speaker, rng: np.random.Generator
) -> _Levels:
    levels = _Levels(*np.zeros((5, samples)))
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        if following is not None and following.start > token.end + 0.005:
            following = None
        a, b = int(token.start * RATE), min(int(token.end * RATE), samples)
        gain = 10 ** (rng.normal(0, 2) / 20) * (0.65 if token.stress == 0 else 1.0)
        _add_token(levels, token, following, (a, b), gain, speaker, rng)
    for level, window in ((levels.voice, 0.016), (levels.friction, 0.012), (levels.shut, 0.010)):
        for _ in range(2):
            scipy.ndimage.uniform_filter1d(level, int(window * RATE / 2), output=level)
    scipy.ndimage.uniform_filter1d(levels.breath, int(0.015 * RATE), output=levels.breath)
    return levels


def _add_token(
    levels: _Levels,
    token: Token,
    following: Token | None,
    span: tuple[int, int],
    gain: float,
    speaker: Speaker,
    rng: np.random.Generator,
) -> None:
    phone, (a, b) = token.phone, span
    friction = phone.noise.level * speaker.friction * gain
    if phone.kind in ("vowel", "glide", "nasal"):
        levels.voice[a:b] = phone.voice * gain
    elif phone.kind == "breath":
        levels.breath[a:b] = 0.25 * gain
        levels.voice[a:b] = 0.3 * gain * (rng.random() < 0.3)
    elif phone.kind == "fricative":
        voiced = phone.voice * rng.uniform(0, 1.6)  # often devoiced
        levels.voice[a:b] = voiced * gain
        levels.friction[a:b] = friction * (0.6 if phone.voice else 1.0)
        levels.shut[a:b] = 0.5
    else:
        _add_stop(levels, token, following, span, gain, friction, rng)


def _add_stop(
    levels: _Levels,
    token: Token,
    following: Token | None,
    span: tuple[int, int],
    gain: float,
    friction: float,
    rng: np.random.Generator,
) -> None:
    """Closure, burst, and what comes before the voice: friction, or breath after p, t, k."""
    phone, (a, b) = token.phone, span
    voiced, open_vowel = phone.voice > 0, following is not None and following.stress >= 0
    part = {"affricate": 0.4, "tap": 0.6}.get(phone.kind, 0.7 if voiced else 0.5)
    release = a + int((b - a) * np.clip(part + rng.normal(0, 0.1), 0.2, 0.9))
    levels.voice[a:release] = phone.voice * gain * rng.uniform(0.3, 1.3)
    levels.shut[a:release] = 1.0 if phone.kind != "tap" else 0.5
    if phone.kind == "affricate":
        levels.friction[release:b] = friction * (0.7 if voiced else 1.0)
        return
    if following is not None and not open_vowel and rng.random() < 0.5:
        friction *= 0.15  # the next consonant swallows the release
    decay = rng.uniform(0.003, 0.007) if voiced else rng.uniform(0.005, 0.012)
    time = np.arange(b - release) / RATE
    levels.bursts[release:b] += (0.6 if voiced else 1.0) * 1.5 * friction * np.exp(-time / decay)
    if voiced and open_vowel:
        levels.voice[release:b] = 0.6 * gain
    elif not voiced:
        levels.breath[release:b] = (0.2 if open_vowel else 0.06) * gain * rng.uniform(0.5, 1.2)


def _formants(
    tokens: Sequence[Token], frames: int, speaker: Speaker, rng: np.random.Generator
) -> Array:
    """First three formants (frames, 3) in Hz: means of the targets around, weighted by their hold.

    The nearer and the more insistent a phone, the more it counts (Cohen and Massaro, Modeling
    coarticulation in synthetic visual speech, 1993), so short phones miss their targets.
    """
    time = np.arange(frames) * HOP / RATE
    neutral = np.log(SCHWA)
    weight = np.full((frames, 3), 0.02)
    weighted = weight * neutral
    for token in tokens:
        phone = token.phone
        inside = (time >= token.start) & (time < token.end)
        share = (time[inside] - token.start) / (token.end - token.start)
        glide = np.clip((share - 0.2) / 0.6, 0, 1)[:, None]
        target = (1 - glide) * np.log(phone.start) + glide * np.log(phone.end)
        target = target + speaker.habits[token.name] + rng.normal(0, speaker.spread, 3)
        if token.stress == 0:
            target = target + 0.3 * (neutral - target)
        hold = np.array([phone.hold[0], phone.hold[1], phone.hold[1]])
        weight[inside] = hold
        weighted[inside] = hold * target
    steps = np.arange(-25, 26) * HOP / RATE
    kernel = np.exp(-np.abs(steps) / speaker.reach)[:, None]
    smooth = scipy.signal.fftconvolve(weighted, kernel, "same", axes=0)
    smooth /= scipy.signal.fftconvolve(weight, kernel, "same", axes=0)
    return np.exp(smooth) * speaker.formant_factor


def _pitch(
    tokens: Sequence[Token], samples: int, speaker: Speaker, rng: np.random.Generator
) -> Array:
    """Fundamental frequency (samples,) in Hz: it falls along the utterance, with accents."""
    places, values = [0.0], [0.1]
    for token in tokens:
        if token.stress > 0:
            places.append((token.start + token.end) / 2)
            fall = 0.15 - 0.3 * places[-1] * RATE / samples
            values.append(fall + abs(rng.normal(0, speaker.pitch_range)))
    places.append(samples / RATE)
    values.append(-0.25)
    contour = np.interp(np.arange(0, samples, HOP) / RATE, places, values)
    smooth = scipy.ndimage.gaussian_filter1d(contour, 6)
    pitch: Array = np.interp(np.arange(samples), np.arange(0, samples, HOP), np.exp(smooth))
    return pitch * speaker.pitch


def _pulses(pitch: Array, speaker: Speaker, rng: np.random.Generator) -> tuple[Array, Array]:
    """Derivative of the glottal flow, and how open the glottis is, both (samples,).

    Flow of an open phase: u^2 - u^3, u from 0 to 1 (Klatt and Klatt, 1990), derived: 2u - 3u^2.
    """
    fast = np.repeat(pitch, OVERSAMPLED) / (RATE * OVERSAMPLED)
    smooth = np.cumsum(fast)
    periods = int(smooth[-1]) + 2
    # Jitter bends the clock: period k begins where the clock shows k.
    clock = np.arange(periods + 1) + np.cumsum(rng.normal(0, speaker.jitter, periods + 1))
    phase = np.interp(smooth, clock, np.arange(periods + 1))
    shimmer = 1 + rng.normal(0, speaker.shimmer, periods + 2)
    u = (phase % 1) / speaker.open_quotient
    is_open = u < 1
    flow = np.where(is_open, 2 * u - 3 * u**2, 0) * shimmer[phase.astype(int)]
    pulses = scipy.signal.resample_poly(flow, 1, OVERSAMPLED)[: len(pitch)]
    opening = np.where(is_open, 6.75 * (u**2 - u**3), 0)[::OVERSAMPLED]
    return pulses / np.sqrt(np.mean(pulses**2)), opening


def _resonance(frequency: Array, width: Array | float) -> NDArray[np.complex64]:
    """Response (frames, bins) of a pair of poles at `frequency` (frames,) in Hz, 1 at 0 Hz."""
    radius = np.exp(-np.pi * np.asarray(width) / RATE)
    b = -2 * radius * np.cos(2 * np.pi * frequency / RATE)
    c = np.broadcast_to(radius**2, b.shape)
    z = np.exp(-2j * np.pi * FREQUENCY / RATE).astype(np.complex64)
    below = 1 + b[:, None].astype(np.float32) * z + c[:, None].astype(np.float32) * z**2
    return ((1 + b + c)[:, None].astype(np.float32) / below).astype(np.complex64)


def _tract(formants: Array, speaker: Speaker) -> NDArray[np.complex64]:
    """Response (frames, bins) of larynx, throat and mouth."""
    tilt = 1 / (1 + 1j * FREQUENCY / speaker.tilt)
    response = np.broadcast_to(tilt.astype(np.complex64), (len(formants), len(FREQUENCY))).copy()
    for k, width in enumerate(WIDTHS):
        frequency = formants[:, k] if k < 3 else np.full(1, UPPER[k - 3] * speaker.formant_factor)
        if frequency.max() < RATE / 2:
            response *= _resonance(frequency, width * speaker.damping)
    return response


def _nose(tokens: Sequence[Token], frames: int) -> NDArray[np.complex64]:
    """Response (frames, bins) of the nose: a pole, and a zero that leaves it when the nose opens.

    The palate is slow: vowels beside a nasal are nasal too.
    """
    zero = np.zeros(frames)
    for token in tokens:
        if token.phone.zero:
            a, b = int(token.start * RATE / HOP), int(np.ceil(token.end * RATE / HOP))
            zero[a:b] = token.phone.zero - NASAL_POLE
    zero = scipy.ndimage.gaussian_filter1d(zero, 4) + NASAL_POLE
    pole = _resonance(np.full(1, NASAL_POLE), 100.0)
    return np.asarray(pole / _resonance(zero, 100 + 0.1 * (zero - NASAL_POLE)), np.complex64)


def _friction(
    tokens: Sequence[Token],
    frames: int,
    formants: Array,
    speaker: Speaker,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Spectra (frames, bins) of friction, of mean square 1 in each frame."""
    spectra = np.zeros((frames, len(FREQUENCY)), np.float32)
    for token in tokens:
        phone = token.phone
        if not phone.noise.level:
            continue
        a, b = int(token.start * RATE / HOP), int(np.ceil(token.end * RATE / HOP)) + 1
        shift = np.sqrt(speaker.formant_factor) * np.exp(rng.normal(0, speaker.spread))
        shape = np.full(len(FREQUENCY), 0.02)
        for k, (centre, width, level) in enumerate(phone.noise.peaks):
            if k == 0 and token.name in ("K", "G"):  # the tongue's back follows the vowel
                centre = float(np.clip(formants[min(b, frames - 1), 1], 1000, 3300)) / shift
            bell = 1 / (1 + ((FREQUENCY - centre * shift) / (width * shift / 2)) ** 2)
            shape = shape + level * bell * np.exp(rng.normal(0, 0.2))
        spectra[a:b] = shape / np.sqrt(np.mean(shape**2))
    return spectra


def _filtered(sound: Array, response: NDArray[np.generic]) -> Array:
    """Sound (samples,) through a response (frames, bins) that changes every HOP samples."""
    frames = len(response)
    padded = np.pad(sound, (FRAME // 2, frames * HOP + FRAME - len(sound)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[: frames * HOP : HOP]
    window = scipy.signal.get_window("hann", FRAME) * (2 * HOP / FRAME)
    spectrum = scipy.fft.rfft((cut * window).astype(np.float32), FFT, axis=1)
    pieces = scipy.fft.irfft(spectrum * response, FFT, axis=1)
    out = np.zeros(frames * HOP + FFT)
    for k, piece in enumerate(pieces):
        out[k * HOP : k * HOP + FFT] += piece
    return out[FRAME // 2 : FRAME // 2 + len(sound)]
