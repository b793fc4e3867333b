"""The sections of params.yaml that only PhoneNums has."""

from __future__ import annotations

from typing import Annotated, Any

from PIL import ImageColor
from pydantic import Field, model_validator

from v3.base.schema import Count, Names, Natural, NonNegative, Section, SomeNames


class PagesParams(Section):
    """How pages are drawn; colours are CSS colour names."""

    seed: Natural
    pages: Count
    unseen_pages: Natural
    colours: SomeNames
    unseen_colours: Names
    jitter: Annotated[int, Field(ge=0, le=8)]
    noise: NonNegative
    translation: Annotated[float, Field(ge=0, le=15)]  # a glyph has a margin of 16 pixels

    @model_validator(mode="after")
    def _every_colour_once(self) -> PagesParams:
        """No two names of one colour (aqua and cyan, gray and grey, Red and red): pages of it would
        have two styles, or be unseen in name alone."""
        first: dict[tuple[int, ...], str] = {}
        for key in ("colours", "unseen_colours"):
            for colour in getattr(self, key):
                if colour.lower() not in ImageColor.colormap:
                    raise ValueError(f"{key} must be CSS colour names, has {colour!r}")
                other = first.setdefault(ImageColor.getrgb(colour), f"{colour!r} of {key}")
                if other != f"{colour!r} of {key}":
                    raise ValueError(f"{key} has {colour!r}, the very colour of {other}")
        return self

    @model_validator(mode="after")
    def _colours_for_unseen_pages(self) -> PagesParams:
        if self.unseen_pages and not self.unseen_colours:
            raise ValueError(
                f"unseen_pages must be 0 where unseen_colours is empty, is {self.unseen_pages}"
            )
        return self


SECTIONS: dict[str, Any] = {"pages": PagesParams}
