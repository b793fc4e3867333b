"""The sections of params.yaml that only Sprites has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from v3.base.schema import Items, Natural, OneOf

Sheets = Annotated[tuple[Natural, ...], Items(least=1)]
Source = Annotated[str, OneOf(("sample", "real"))]


@dataclass(frozen=True)
class DownloadParams:
    """Where the real sheets are: `<address>/<commit>/<part>/<n>.png`."""

    address: str
    commit: str


@dataclass(frozen=True)
class SampleParams:
    """The stand-in."""

    seed: Natural


@dataclass(frozen=True)
class PartsParams:
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
    "sample": SampleParams,
    "parts": PartsParams,
}
