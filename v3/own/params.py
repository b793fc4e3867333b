"""What the section of an own dataset says of the data: types and bounds.

`v3 new` writes one of these sections; `stages/own_import.py` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from v3.base.schema import Count, Natural, NonNegative, Pair, Section

Name = Annotated[str, Field(min_length=1)]
FROM_WIDTH = 0  # cells: as many as the width holds heights


class Source(Section):
    """A folder of files, and how their names say what they are."""

    folder: Name  # as it is found from the project's folder
    pattern: str = ""  # of names, as {sample}_{content}_{style}.png
    table: str = ""  # a CSV file: path, sample, content, style
    per_sample: Natural = (
        0  # samples of so many are formed of what has one style; 0: they are named
    )
    pass_over: bool = False  # go on without files that cannot be used

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if self.pattern and self.table:
            raise ValueError("table must stand alone: it takes the place of pattern")
        if self.per_sample == 1:
            raise ValueError("per_sample must be 0 or >= 2, is 1")
        return self


class ImagesParams(Source):
    """Pictures -> fragments of three channels."""

    cells: Natural = 1  # that a wide picture is cut into; 1: it is a fragment; 0: by its width
    size: Pair  # height and width that fragments are resized to
    paper: Literal["white", "black"] = "white"  # what shows where a picture is transparent


class AudioParams(Source):
    """Sounds -> spectrograms of one channel."""

    cut: Literal["file", "length", "onsets", "table", "textgrid"]  # what a fragment is
    seconds: Annotated[float, Field(gt=0, le=60)]  # of a fragment; shorter ones end in silence
    tier: str = ""  # of the TextGrids; none: the only one that has intervals
    rate: Annotated[int, Field(ge=1000, le=192_000)]  # Hz: what sounds are resampled to
    spectrum: Literal["mel", "stft"]
    n_fft: Annotated[int, Field(ge=32, le=32_768)]  # points of a window
    bands: Count  # the height: mel bands, or the lowest bins of the spectrum
    frames: Count  # the width
    floor: Annotated[float, Field(gt=0, le=200)] = 80.0  # dB below the loudest of a sample
    least_seconds: NonNegative = 0.02  # a shorter fragment is left out

    @property
    def hop(self) -> int:
        """Points from one window to the next: `seconds` fill all frames."""
        return max(1, round(self.seconds * self.rate / self.frames))

    @model_validator(mode="after")
    def _bins_exist(self) -> AudioParams:
        if self.spectrum == "stft" and self.bands > self.n_fft // 2 + 1:
            raise ValueError(
                f"bands must be <= n_fft / 2 + 1 ({self.n_fft // 2 + 1}), is {self.bands}"
            )
        if self.spectrum == "mel" and self.bands > self.n_fft // 4:
            raise ValueError(
                f"bands must be <= n_fft / 4 ({self.n_fft // 4}), or some are empty, "
                f"is {self.bands}"
            )
        return self


class FileParams(Section):
    """A fragment file that somebody else wrote."""

    file: Name  # as it is found from the project's folder


SECTIONS: dict[str, type[Section]] = {
    "images": ImagesParams,
    "audio": AudioParams,
    "fragments": FileParams,
}


def own_sections(section: Mapping[str, Any]) -> dict[str, type[Section]]:
    """Which of these sections a dataset's plain values have, with their types."""
    return {key: kind for key, kind in SECTIONS.items() if key in section}
