"""Where the fragments of a recording lie: by length, by onsets, by a CSV file or a TextGrid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
from praatio import textgrid
from praatio.data_classes.interval_tier import IntervalTier
from praatio.utilities.errors import PraatioException

from v3.base.errors import V3Error
from v3.own.params import AudioParams
from v3.own.samples import read_table
from v3.own.sound import Sound

COLUMNS = ("start", "end", "label")
HOP = 256  # points between two looks for an onset
AHEAD = 0.2  # s of silence that a sound is heard after
QUIET = 0.01  # part of the sound's peak: what stays below it is a pause
BESIDE = {"table": ".csv", "textgrid": ".TextGrid"}  # the file beside a sound that says it


@dataclass(frozen=True)
class Span:
    """Seconds from `start` to `end` of a recording, and what is heard there, if that is known."""

    start: float
    end: float
    label: str | None = None


def spans_of(path: Path, sound: Sound, params: AudioParams) -> list[Span]:
    """The fragments of a sound at `params.rate` in the file `path`, in order of time.

    Those shorter than `least_seconds` are left out. `V3Error` says what is wrong with a CSV file or
    a TextGrid.
    """
    seconds = len(sound) / params.rate
    if params.cut == "file":
        return [Span(0.0, seconds)]
    if params.cut == "length":
        count = int(seconds / params.seconds + 1e-6)
        return [Span(k * params.seconds, (k + 1) * params.seconds) for k in range(count)]
    if params.cut == "onsets":
        spans = by_onsets(sound, params)
    else:
        spans = listed_spans(path, params)
        late = [span for span in spans if span.start >= seconds]
        if late:
            raise V3Error(
                f"{_beside(path, params.cut)} has a fragment at {late[0].start:g} s, and "
                f"{path.name} ends at {seconds:.2f} s: mend it (times are in seconds)."
            )
    return [span for span in spans if span.end - span.start >= params.least_seconds]


def by_onsets(sound: Sound, params: AudioParams) -> list[Span]:
    """From each onset (librosa's spectral flux) to the next, or as long as a fragment is; what is
    all but silent is left out."""
    ahead = np.zeros(round(AHEAD * params.rate), np.float32)  # or a sound at once has no onset
    found = librosa.onset.onset_detect(
        y=np.concatenate([ahead, sound]),
        sr=params.rate,
        hop_length=HOP,
        backtrack=True,
        units="samples",
    )
    starts = np.unique(np.maximum(np.asarray(found, np.int64) - len(ahead), 0))
    quiet = QUIET * float(np.abs(sound).max())
    spans = []
    for start, end in pairwise([*starts.tolist(), len(sound)]):
        end = min(end, start + round(params.seconds * params.rate))
        if end > start and float(np.abs(sound[start:end]).max()) > quiet:
            spans.append(Span(start / params.rate, end / params.rate))
    return spans


def listed_spans(path: Path, params: AudioParams) -> list[Span]:
    """The fragments that the file beside a sound lists; labels without a letter are no fragment in
    a TextGrid."""
    file = _beside(path, params.cut)
    if not file.is_file():
        raise V3Error(
            f"{file} is missing, which has to say where the fragments of {path.name} lie: put "
            "it there, or cut otherwise (--cut onsets, or --cut length --seconds 0.5)."
        )
    spans = _from_csv(file) if params.cut == "table" else _from_textgrid(file, params.tier)
    wrong = [span for span in spans if not 0 <= span.start < span.end]
    if wrong:
        raise V3Error(
            f"{file} has a fragment from {wrong[0].start:g} to {wrong[0].end:g} s: an end must "
            "come after its start."
        )
    return sorted(spans, key=lambda span: span.start)


def _beside(path: Path, cut: str) -> Path:
    return path.with_suffix(BESIDE[cut])


def _from_csv(file: Path) -> list[Span]:
    spans = []
    for number, row in enumerate(read_table(file, ("start", "end"), COLUMNS), start=2):
        try:
            start, end = float(row["start"]), float(row["end"])
        except ValueError:
            raise V3Error(
                f"{file}, row {number}: start and end must be seconds, are {row['start']!r} and "
                f"{row['end']!r}."
            ) from None
        spans.append(Span(start, end, row.get("label") or None))
    return spans


def _from_textgrid(file: Path, tier: str) -> list[Span]:
    try:
        grid = textgrid.openTextgrid(str(file), includeEmptyIntervals=False)
        tiers = [
            name
            for name in grid.tierNames
            if isinstance(grid.getTier(name), IntervalTier)  # and not of single points
        ]
    except (PraatioException, ValueError, IndexError, KeyError, UnicodeError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise V3Error(f"{file} is no TextGrid that can be read ({said}): save it anew.") from None
    if tier not in tiers and (tier or len(tiers) != 1):
        asked = f"has no tier {tier!r} of intervals" if tier else "has several tiers, or none"
        raise V3Error(
            f"{file} {asked}: name one with --tier ({', '.join(tiers) or 'there is none'})."
        )
    entries = grid.getTier(tier or tiers[0]).entries
    return [Span(float(e.start), float(e.end), e.label.strip()) for e in entries if e.label.strip()]
