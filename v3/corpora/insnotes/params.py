"""The sections of params.yaml that only InsNotes has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from v3.base.errors import V3Error
from v3.base.schema import Count, Items, Natural, Positive, Within, disjoint

Midi = Annotated[int, Within(least=0, most=127)]


@dataclass(frozen=True)
class MidiParams:
    seed: Natural
    files: Count
    unseen_files: Natural
    programs: Annotated[dict[str, Midi], Items(least=1)]
    unseen_programs: dict[str, Midi]
    first_pitch: Midi
    last_pitch: Midi
    notes: Count
    note_seconds: Positive
    interval_seconds: Positive
    velocity: tuple[Annotated[int, Within(least=1, most=127)], Annotated[int, Within(most=127)]]

    def check(self, name: str) -> None:
        seen, unseen = f"{name}.programs", f"{name}.unseen_programs"
        disjoint(unseen, self.unseen_programs, seen, self.programs)
        numbers = [*self.programs.values(), *self.unseen_programs.values()]
        for number in numbers:
            if numbers.count(number) > 1:
                raise V3Error(f"{seen} and {unseen} must use no number twice, repeat {number}")
        if self.last_pitch <= self.first_pitch:
            raise V3Error(
                f"{name}.last_pitch must be > {name}.first_pitch ({self.first_pitch}), "
                f"is {self.last_pitch}"
            )
        if self.interval_seconds < self.note_seconds:
            raise V3Error(
                f"{name}.interval_seconds must be >= {name}.note_seconds "
                f"({self.note_seconds:g}), is {self.interval_seconds:g}"
            )
        _rising(f"{name}.velocity", self.velocity)


@dataclass(frozen=True)
class AudioParams:
    seed: Natural
    soundfont: str
    sample_rate: Annotated[int, Within(least=8000, most=192000)]
    gain: tuple[Positive, Positive]
    peak: Annotated[float, Within(over=0, most=1)]
    workers: Natural

    def check(self, name: str) -> None:
        _rising(f"{name}.gain", self.gain)


@dataclass(frozen=True)
class StftParams:
    n_fft: Annotated[int, Within(least=16)]
    hop: Count
    floor: Positive
    bins: Count
    frames: Count

    def check(self, name: str) -> None:
        if self.hop > self.n_fft:
            raise V3Error(f"{name}.hop must be <= {name}.n_fft ({self.n_fft}), is {self.hop}")
        if self.bins > self.n_fft // 2 + 1:
            raise V3Error(
                f"{name}.bins must be <= {self.n_fft // 2 + 1} (half of {name}.n_fft, and one), "
                f"is {self.bins}"
            )


def _rising(name: str, pair: tuple[float, float]) -> None:
    if pair[0] > pair[1]:
        raise V3Error(f"{name} must be [lowest, highest], is {list(pair)}")


SECTIONS: dict[str, Any] = {"midi": MidiParams, "audio": AudioParams, "stft": StftParams}
