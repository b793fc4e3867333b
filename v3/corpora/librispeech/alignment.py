"""The alignment of an utterance: which phoneme lasts from when to when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.corpora.librispeech.sound import UnusableSoundError

PHONEMES = (
    *("aa", "ae", "ah", "ao", "aw", "ay", "b", "ch", "d", "dh", "dx", "eh", "er", "ey", "f", "g"),
    *("hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t"),
    *("th", "uh", "uw", "v", "w", "y", "z"),
)
# what aligners call silence, pauses and spoken noise: no phonemes, and in most utterances
NO_PHONEMES = ("", "sil", "sp", "spn")
SLACK = 0.1  # seconds: what lies further beyond the audio is the alignment of something else


def phoneme_spans(
    phonemes: list[dict[str, Any] | None] | None,
) -> tuple[NDArray[np.float64], list[str]]:
    """Start and end in seconds (P, 2), and labels: lower case, without the stress digit.

    `UnusableSoundError` for what is no number, ends before it starts, or starts before its
    predecessor has ended.
    """
    spans: list[tuple[float, float]] = []
    labels: list[str] = []
    for place, item in enumerate(phonemes or []):
        if item is None or item["phoneme"] is None:
            what = "null" if item is None else "without a label"
            raise UnusableSoundError(f"phoneme {place} is {what}")
        start, end, label = item["start"], item["end"], item["phoneme"]
        if start is None or end is None or not -np.inf < start <= end < np.inf:
            raise UnusableSoundError(
                f"phoneme {place} ({label}) goes from {start} to {end} s, which is no span of time"
            )
        if spans and start < spans[-1][1] - SLACK:
            raise UnusableSoundError(
                f"phoneme {place} ({label}) starts at {start:g} s, before the one before it ends, "
                f"at {spans[-1][1]:g} s"
            )
        spans.append((start, end))
        labels.append(label.rstrip("012").lower())
    return np.asarray(spans, np.float64).reshape(-1, 2), labels
