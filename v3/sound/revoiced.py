"""Lines of a test split as they are, as they are decoded, and in the voices of others: as sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.evaluation.embedding import Embeddings
from v3.sound.lines import Rows, lines, pairs
from v3.sound.measure import OCTAVE, RESOLVED, brightness, nearer, pitches
from v3.sound.spectrogram import Sound, Spectrogram, sounds_of

SECONDS = 6.0  # of a line
LONGEST = 24  # fragments of a line
PAIRS = 24  # lines that are re-voiced
SEED = 0
Decode = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]  # codes, styles -> fragments
Read = Callable[[NDArray[Any]], NDArray[Any]]  # fragment rows -> fragments


@dataclass(frozen=True)
class Revoiced:
    """Lines of the test split, those that are played in another's voice, and their sounds.

    read, decode: fragments by their rows in the file, and by codes (N,) and styles (N, d_s).
    """

    test: Embeddings
    how: Spectrogram
    read: Read
    decode: Decode

    @cached_property
    def lines(self) -> list[Rows]:
        """Of each sample rows of the embeddings, as many as last some seconds."""
        first = self.sounds(self.read(self.test.rows[:1]))
        length = round(SECONDS * self.how.rate / first.shape[1])
        return lines(self.test.sample, min(LONGEST, max(2, length)))

    @cached_property
    def pairs(self) -> Rows:
        """(M, 2) lines: the giver of content and the giver of style."""
        styles = np.array([self.test.style_label[line[0]] for line in self.lines])
        return pairs(styles, PAIRS, SEED)

    def sounds(self, fragments: NDArray[Any]) -> Sound:
        return sounds_of(fragments, self.how)

    def original(self, line: int) -> Sound:
        """Sounds (n, samples) of a line's own fragments."""
        return self.sounds(self.read(self.test.rows[self.lines[line]]))

    def decoded(self, content: int, style: int) -> Sound:
        """Sounds (n, samples) of one line's codes in the style of another, or in its own."""
        codes = self.test.codes[self.lines[content]]
        styles = self.test.style_read[np.resize(self.lines[style], len(codes))]
        return self.sounds(self.decode(codes, styles))

    def figures(self, originals: dict[int, Sound], swapped: list[Sound]) -> dict[str, Any]:
        """Figures of the sounds of the lines by number, and of those of the `pairs`, in order."""
        rate = self.how.rate
        bright = {line: brightness(sounds.ravel(), rate) for line, sounds in originals.items()}
        found = np.array([brightness(sounds.ravel(), rate) for sounds in swapped])
        content, style = (np.array([bright[line] for line in side]) for side in self.pairs.T)
        made: dict[str, Any] = {"recordings": len(swapped), "fragments": 0}
        made["centroid"] = nearer(found, style, content)
        made["pitch"] = nearer(*(np.zeros(0),) * 3)
        if rate / self.how.n_fft <= RESOLVED:
            values = self._pitches(originals, swapped)
            made |= {"pitch": nearer(*values, OCTAVE), "fragments": len(values[0])}
        return made

    def _pitches(self, originals: dict[int, Sound], swapped: list[Sound]) -> tuple[Any, Any, Any]:
        """Pitches of swapped fragments, of one of their giver of style that has another code, and
        of their giver of content; fragments without such another one are left out."""
        rate, codes = self.how.rate, self.test.codes
        high = {line: pitches(sounds, rate) for line, sounds in originals.items()}
        values = []
        for (one, other), sounds in zip(self.pairs.tolist(), swapped, strict=True):
            theirs = codes[self.lines[other]]
            for place, pitch in enumerate(pitches(sounds, rate)):
                differing = np.flatnonzero(theirs != codes[self.lines[one][place]])
                if len(differing):
                    chosen = differing[place % len(differing)]
                    values.append((pitch, high[other][chosen], high[one][place]))
        swaps, style, content = np.array(values).reshape(-1, 3).T
        return swaps, style, content
