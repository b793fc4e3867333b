"""The sections of params.yaml that only PhoneNums has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from PIL import ImageColor

from v3.base.errors import V3Error
from v3.base.schema import Count, Items, Names, Natural, NonNegative, Within, disjoint


@dataclass(frozen=True)
class PagesParams:
    seed: Natural
    pages: Count
    unseen_pages: Natural
    colours: Annotated[tuple[str, ...], Items(least=1)]
    unseen_colours: Names
    jitter: Annotated[int, Within(least=0, most=8)]
    noise: NonNegative
    translation: Annotated[float, Within(least=0, most=15)]  # a glyph has a margin of 16 pixels
    workers: Natural

    def check(self, name: str) -> None:
        for key in ("colours", "unseen_colours"):
            for colour in getattr(self, key):
                if colour.lower() not in ImageColor.colormap:
                    raise V3Error(f"{name}.{key} must be CSS colour names, has '{colour}'")
        if self.unseen_pages and not self.unseen_colours:
            raise V3Error(
                f"{name}.unseen_pages must be 0 where {name}.unseen_colours is empty, "
                f"is {self.unseen_pages}"
            )
        disjoint(f"{name}.unseen_colours", self.unseen_colours, f"{name}.colours", self.colours)


SECTIONS: dict[str, Any] = {"pages": PagesParams}
