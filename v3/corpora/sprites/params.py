"""The sections of params.yaml that only Sprites has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from v3.base.schema import Natural, Section


def _each_once(numbers: tuple[int, ...]) -> tuple[int, ...]:
    repeated = [number for number in numbers if numbers.count(number) > 1]
    if repeated:
        raise ValueError(f" must hold each sheet once, repeats {repeated[0]}")
    return numbers


Sheets = Annotated[tuple[Natural, ...], Field(min_length=1), AfterValidator(_each_once)]
Source = Literal["standin", "real"]


class DownloadParams(Section):
    """Where the real sheets are: `<address>/<commit>/<part>/<n>.png`."""

    address: str
    commit: str


class StandInParams(Section):
    """The stand-in."""

    seed: Natural


class PartsParams(Section):
    """Numbers of the sheets of each part; every combination of them is a character."""

    body: Sheets
    bottomwear: Sheets
    topwear: Sheets
    hair: Sheets
    shoes: Natural

    def sheets(self) -> list[str]:
        """Names of all sheets that are needed, such as `body/0.png`, in the order of the parts."""
        parts = {
            "body": self.body,
            "bottomwear": self.bottomwear,
            "topwear": self.topwear,
            "hair": self.hair,
            "shoes": (self.shoes,),
        }
        return [f"{part}/{number}.png" for part, numbers in parts.items() for number in numbers]


SECTIONS: dict[str, Any] = {
    "source": Source,
    "download": DownloadParams,
    "standin": StandInParams,
    "parts": PartsParams,
}
