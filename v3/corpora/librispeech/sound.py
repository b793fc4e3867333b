"""Bytes of a sound file -> samples at 16 kHz, or why not.

Any format, depth and rate is read that the bytes announce, as far as libsndfile knows it:

- 8 bits (or any other depth, floating point too) become numbers in [-1, 1]: taken, but the noise of
  so coarse a grid stays in.
- Two channels or more are averaged into one; those that cancel out are refused as silence.
- A rate above 16 kHz, 44.1 or 48 kHz say, is resampled to 16 kHz behind a low-pass filter.
- A rate below 16 kHz is refused, for it has nothing to say about the upper bands.
- NaN, infinity, silence throughout and broken bytes are refused.

What a header says is checked, not believed. Some do not know their length (a FLAC file of a
streaming encoder says 0): those are read to their end. Where a FLAC file has the MD5 of its
samples, that is compared, too: libsndfile reads one that lacks frames without a word.
"""

from __future__ import annotations

import hashlib
import io
import re

import numpy as np
import scipy.signal
import soundfile
from numpy.typing import NDArray

from v3.base.errors import V3Error

SAMPLE_RATE = 16000  # Hz
HIGHEST_RATE = 384000  # Hz: no recorder has more, and the low-pass filter grows with it
LONGEST = 600  # seconds: a reader takes breath sooner, and a header may lie
BLOCK = 1 << 16  # samples a channel that are read at a time
UNKNOWN = 1 << 48  # samples, and more: what libsndfile says where a header does not know
STREAMED = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # bytes that a WAV header says where it does not know
DEPTHS = {"PCM_S8": 1, "PCM_16": 2, "PCM_24": 3}  # bytes of a sample, as a FLAC file's MD5 has it


class UnusableSoundError(V3Error):
    """Why a sound cannot be used: the end of a sentence about it."""


class _Stream(soundfile.SoundFile):
    """Reads on and on: to seek, soundfile's habit, fails where the length is unknown."""

    def seekable(self) -> bool:
        return False


def decode(content: bytes | None) -> NDArray[np.float32]:
    """The sound (samples,) at 16 kHz, in [-1, 1]; `UnusableSoundError` if there is none."""
    if not content:
        raise UnusableSoundError("it has no audio bytes")
    try:
        with _Stream(io.BytesIO(content)) as file:
            rate = int(file.samplerate)
            _check_rate(rate)
            mono = _read(file, content)
    except (soundfile.LibsndfileError, RuntimeError, MemoryError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UnusableSoundError(f"its audio cannot be decoded ({reason})") from None
    if rate != SAMPLE_RATE:
        common = int(np.gcd(rate, SAMPLE_RATE))
        mono = scipy.signal.resample_poly(mono, SAMPLE_RATE // common, rate // common)
    if not np.isfinite(mono).all():
        raise UnusableSoundError("its audio has samples that are not finite (NaN or infinity)")
    if not mono.any():
        raise UnusableSoundError("its audio is silence only" if len(mono) else "its audio is empty")
    return np.asarray(mono, np.float32)


def _check_rate(rate: int) -> None:
    if rate < SAMPLE_RATE:
        raise UnusableSoundError(
            f"its audio has {rate} Hz, fewer than the {SAMPLE_RATE} Hz that the bands need"
        )
    if rate > HIGHEST_RATE:
        raise UnusableSoundError(
            f"its audio has {rate} Hz, more than any recorder's {HIGHEST_RATE}"
        )


def _read(file: soundfile.SoundFile, content: bytes) -> NDArray[np.float32]:
    """All samples, the channels averaged."""
    depth = DEPTHS.get(file.subtype, 0) if file.format == "FLAC" else 0
    digest, read, blocks = hashlib.md5(usedforsecurity=False), 0, []
    while True:
        block = file.read(BLOCK, dtype="int32" if depth else "float32", always_2d=True)
        read += len(block)
        if depth:  # samples fill the upper bytes
            digest.update(block.view(np.uint8).reshape(-1, 4)[:, 4 - depth :].tobytes())
            block = (block / 2**31).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at later
            blocks.append(block.mean(axis=1, dtype=np.float32))
        if read > LONGEST * file.samplerate:
            raise UnusableSoundError(f"its audio is longer than {LONGEST} s")
        if len(block) < BLOCK:
            break
    if read < file.frames < UNKNOWN:
        raise UnusableSoundError(
            f"its audio is cut short, its header announces {file.frames} samples and {read} follow"
        )
    cut = re.search(r"^data : (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if cut and int(cut[1]) > int(cut[2]) and int(cut[1]) not in STREAMED:
        raise UnusableSoundError(
            f"its audio is cut short, its header announces {cut[1]} bytes and {cut[2]} follow"
        )
    # Bytes 26 to 41 of a FLAC file are the MD5 of all samples, or 0.
    known = content[26:42] if depth and content[:4] == b"fLaC" else b""
    if known.strip(b"\0") and known != digest.digest():
        raise UnusableSoundError("its audio is damaged, its samples do not have the MD5 it says")
    return np.concatenate(blocks)
