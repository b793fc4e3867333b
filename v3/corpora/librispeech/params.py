"""The sections of params.yaml that only Librispeech has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from v3.base.schema import Count, Names, Natural, Positive, Range, Section, SomeNames

Source: Any = Literal["standin", "real"]


class DownloadParams(Section):
    """The published shards."""

    repo: str
    revision: str
    splits: SomeNames


class StandInParams(Section):
    """The synthesised speech."""

    seed: Natural
    speakers: Count
    utterances: Count
    unseen_speakers: Natural
    unseen_utterances: Natural
    seconds: Range


class PhonemesParams(Section):
    """How a phoneme becomes a picture."""

    n_fft: Annotated[int, Field(ge=64)]
    hop: Count
    bands: Annotated[int, Field(ge=2)]
    width: Annotated[int, Field(ge=2)]
    floor: Positive
    utterances: Natural
    leave_out: Names = ()  # ids of utterances

    @model_validator(mode="after")
    def _every_sample_heard(self) -> PhonemesParams:
        if self.n_fft % 2:
            raise ValueError(f"n_fft must be even, is {self.n_fft}")
        if self.hop > self.n_fft // 2:
            raise ValueError(
                f"hop must be <= {self.n_fft // 2} (half of n_fft, or samples at a phoneme's ends "
                f"go unheard), is {self.hop}"
            )
        return self


SECTIONS: dict[str, Any] = {
    "source": Source,
    "download": DownloadParams,
    "standin": StandInParams,
    "phonemes": PhonemesParams,
}
