"""Lines of a test split as they are, as they are decoded, and in the voices of others: as sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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
PAIRS = 40  # lines that are re-voiced
SEED = 0
PIECE = 64  # fragments that become sound at once
Decode = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]  # codes, styles -> fragments
Read = Callable[[NDArray[Any]], NDArray[Any]]  # fragment rows -> fragments


@dataclass(frozen=True)
class Revoiced:
    """Lines of the test split, those that are played in another's voice, and their sounds.

    read, decode: fragments by their rows in the file, and by codes (N,) and styles (N, d_s). All
    other rows are those of the embeddings.
    """

    test: Embeddings
    how: Spectrogram
    read: Read
    decode: Decode
    heard: dict[int, Sound] = field(default_factory=dict)  # originals that are sound by now

    @cached_property
    def lines(self) -> list[Rows]:
        """Of each sample as many rows as last some seconds."""
        length = round(SECONDS * self.how.rate / len(self.originals([0])[0]))
        return lines(self.test.sample, min(LONGEST, max(2, length)))

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Lines: the giver of content and the giver of style."""
        styles = np.array([self.test.style_label[line[0]] for line in self.lines])
        return [(one, other) for one, other in pairs(styles, PAIRS, SEED).tolist()]

    @cached_property
    def counterparts(self) -> list[Rows]:
        """Of each pair, for every row of the giver of content, a row with the same code in the
        voice of the giver of style; -1 where it has none.

        The voice: all samples of the style, where that is known, else the one sample.
        """
        test, found = self.test, []
        for one, other in self.pairs:
            first = self.lines[other][0]
            style = test.style_label[first]
            same = test.style_label == style if style >= 0 else test.sample == test.sample[first]
            voice = np.flatnonzero(same)
            rows = []
            for place, code in enumerate(test.codes[self.lines[one]]):
                alike = voice[test.codes[voice] == code]
                rows.append(alike[place % len(alike)] if len(alike) else -1)
            found.append(np.array(rows, np.int64))
        return found

    def originals(self, rows: Iterable[int]) -> Sound:
        """Sounds (n, samples) of fragments as they are."""
        rows = [int(row) for row in rows]
        wanted = sorted({*rows} - self.heard.keys())
        for start in range(0, len(wanted), PIECE):
            piece = np.array(wanted[start : start + PIECE])
            made = self._sounds(self.read(self.test.rows[piece]))
            self.heard.update(zip(piece.tolist(), made, strict=True))
        return np.stack([self.heard[row] for row in rows])

    def decoded(self, content: int, style: int) -> Sound:
        """Sounds (n, samples) of one line's codes in the style of another, or in its own."""
        codes = self.test.codes[self.lines[content]]
        styles = self.test.style_read[np.resize(self.lines[style], len(codes))]
        return self._sounds(self.decode(codes, styles))

    def _sounds(self, fragments: NDArray[Any]) -> Sound:
        return sounds_of(fragments, self.how)

    def figures(self, swapped: list[Sound]) -> dict[str, Any]:
        """Figures of the sounds of the `pairs`, in order (see docs/metrics.md)."""
        made: dict[str, Any] = {"recordings": len(swapped), "fragments": 0}
        made["centroid"] = nearer(*self._centroids(swapped))
        made["pitch"] = nearer(*(np.zeros(0),) * 3)
        if self.how.rate / self.how.n_fft <= RESOLVED:
            values = self._pitches(swapped)
            made |= {"pitch": nearer(*values, OCTAVE), "fragments": len(values[0])}
        return made

    def _centroids(self, swapped: list[Sound]) -> NDArray[np.float64]:
        """(3, M): of re-voiced lines, of the same codes in the voice of the giver of style, and of
        the giver of content; fragments without a counterpart are left out of all three."""
        values = np.full((3, len(swapped)), np.nan)
        for place, ((one, _), rows, sounds) in enumerate(
            zip(self.pairs, self.counterparts, swapped, strict=True)
        ):
            there = rows >= 0
            if there.any():
                given = self.originals(rows[there]), self.originals(self.lines[one][there])
                values[:, place] = [
                    brightness(part.ravel(), self.how.rate) for part in (sounds[there], *given)
                ]
        return values

    def _pitches(self, swapped: list[Sound]) -> tuple[Any, Any, Any]:
        """Pitches of swapped fragments, of one of their giver of style that has another code, and
        of their giver of content; fragments without such another one are left out."""
        rate, codes = self.how.rate, self.test.codes
        used = sorted({line for pair in self.pairs for line in pair})
        high = {line: pitches(self.originals(self.lines[line]), rate) for line in used}
        values = []
        for (one, other), sounds in zip(self.pairs, swapped, strict=True):
            theirs = codes[self.lines[other]]
            for place, pitch in enumerate(pitches(sounds, rate)):
                differing = np.flatnonzero(theirs != codes[self.lines[one][place]])
                if len(differing):
                    chosen = differing[place % len(differing)]
                    values.append((pitch, high[other][chosen], high[one][place]))
        swaps, style, content = np.array(values).reshape(-1, 3).T
        return swaps, style, content
