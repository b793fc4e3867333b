"""The sections of params.yaml that only Librispeech has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from v3.base.errors import V3Error
from v3.base.schema import Count, Items, Natural, OneOf, Positive, Within

SOURCES = ("sample", "real")
Source = Annotated[str, OneOf(SOURCES)]


@dataclass(frozen=True)
class DownloadParams:
    repo: str
    revision: str
    splits: Annotated[tuple[str, ...], Items(least=1)]


@dataclass(frozen=True)
class SampleParams:
    seed: Natural
    speakers: Count
    utterances: Count
    unseen_speakers: Natural
    unseen_utterances: Natural
    seconds: tuple[Positive, Positive]
    workers: Natural

    def check(self, name: str) -> None:
        if self.seconds[0] > self.seconds[1]:
            raise V3Error(f"{name}.seconds must be [lowest, highest], is {list(self.seconds)}")


@dataclass(frozen=True)
class PhonemesParams:
    n_fft: Annotated[int, Within(least=64)]
    hop: Count
    bands: Annotated[int, Within(least=2)]
    width: Annotated[int, Within(least=2)]
    floor: Positive
    utterances: Natural
    workers: Natural

    def check(self, name: str) -> None:
        if self.n_fft % 2:
            raise V3Error(f"{name}.n_fft must be even, is {self.n_fft}")
        if self.hop > self.n_fft // 2:
            raise V3Error(
                f"{name}.hop must be <= {self.n_fft // 2} (half of {name}.n_fft, or samples at a "
                f"phoneme's ends go unheard), is {self.hop}"
            )


SECTIONS: dict[str, Any] = {
    "source": Source,
    "download": DownloadParams,
    "sample": SampleParams,
    "phonemes": PhonemesParams,
}
