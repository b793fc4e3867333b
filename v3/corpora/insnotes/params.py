"""The sections of params.yaml that only InsNotes has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from v3.base.schema import Count, Natural, Positive, Range, Section, share_nothing

Midi = Annotated[int, Field(ge=0, le=127)]
Velocity = Annotated[int, Field(ge=1, le=127)]


SHORTEST = 0.002  # seconds, ticks of a score are half that: a note of none would sound for ever
LONGEST = 10800  # seconds: a WAV file holds 4 GB, and so no more at the highest rate


class MidiParams(Section):
    """The scores."""

    seed: Natural
    files: Count
    unseen_files: Natural
    programs: Annotated[dict[str, Midi], Field(min_length=1)]
    unseen_programs: dict[str, Midi]
    first_pitch: Midi
    last_pitch: Midi
    notes: Count
    note_seconds: Annotated[float, Field(ge=SHORTEST)]
    interval_seconds: Positive
    velocity: tuple[Velocity, Velocity]

    @model_validator(mode="after")
    def _fits(self) -> MidiParams:
        share_nothing("unseen_programs", self.unseen_programs, "programs", self.programs)
        numbers = [*self.programs.values(), *self.unseen_programs.values()]
        for number in numbers:
            if numbers.count(number) > 1:
                raise ValueError(
                    f"programs and unseen_programs must use no number twice, repeat {number}"
                )
        if self.last_pitch <= self.first_pitch:
            raise ValueError(
                f"last_pitch must be > first_pitch ({self.first_pitch}), is {self.last_pitch}"
            )
        if self.interval_seconds < self.note_seconds:
            raise ValueError(
                f"interval_seconds must be >= note_seconds ({self.note_seconds:g}), "
                f"is {self.interval_seconds:g}"
            )
        if self.notes * self.interval_seconds > LONGEST:
            raise ValueError(
                f"notes must be <= {LONGEST / self.interval_seconds:.0f} (a file of {LONGEST} s "
                f"with one every {self.interval_seconds:g} s), is {self.notes}"
            )
        if self.velocity[0] > self.velocity[1]:
            raise ValueError(f"velocity must be [lowest, highest], is {list(self.velocity)}")
        return self


class AudioParams(Section):
    """The recordings."""

    seed: Natural
    soundfont: str
    sample_rate: Annotated[int, Field(ge=8000, le=96000)]  # as far as FluidSynth goes
    gain: Range
    peak: Annotated[float, Field(gt=0, le=1)]


class StftParams(Section):
    """The spectra."""

    n_fft: Annotated[int, Field(ge=16)]
    hop: Count
    floor: Positive
    bins: Count
    frames: Count

    @model_validator(mode="after")
    def _fits(self) -> StftParams:
        if self.hop > self.n_fft:
            raise ValueError(f"hop must be <= n_fft ({self.n_fft}), is {self.hop}")
        if self.bins > self.n_fft // 2 + 1:
            raise ValueError(
                f"bins must be <= {self.n_fft // 2 + 1} (half of n_fft, and one), is {self.bins}"
            )
        return self


SECTIONS: dict[str, Any] = {"midi": MidiParams, "audio": AudioParams, "stft": StftParams}
