"""What the evaluations read of params.yaml, where each name is explained: types and bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from v3.base.schema import Count, Natural, Positive, Section


class RetrievalParams(Section):
    points: Annotated[int, Field(ge=2)]


class TsneParams(Section):
    seed: Natural
    fragments: Annotated[int, Field(ge=10)]
    perplexity: Annotated[float, Field(ge=1)]

    @model_validator(mode="after")
    def _fewer_neighbours_than_fragments(self) -> TsneParams:
        if self.perplexity >= self.fragments:
            raise ValueError(
                f"perplexity must be < fragments ({self.fragments}), is {self.perplexity:g}"
            )
        return self


class FewShotParams(Section):
    seed: Natural
    passes: Count
    learning_rate: Positive


class LeakageParams(Section):
    seed: Natural


class SwapParams(Section):
    seed: Natural
    swaps: Count


class BaselineParams(Section):
    seed: Natural
    fragments: Count
