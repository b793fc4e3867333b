"""What a saved model says of itself in model.json, and what is believed of that."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from v3.base.schema import Count, Positive, Section
from v3.model.spec import Spec

SCHEMA: Literal["v3-model/2"] = "v3-model/2"
LARGEST = 1e30  # of offset and scale: float32 ends at 3e38, and squares are taken


class StyleChannel(Section):
    """How the decoder reads the style: what it cannot hold, it cannot carry.

    pooling: `own` gives the decoder each fragment's own style, `mean` that of its sample,
        `neighbour` that of the sample's next fragment (of the last: the first), which can say
        nothing about a fragment but what they share.
    standardise: z_s has mean 0 and variance 1 in every dimension over the training data.
    noise: standard deviation of the Gaussian noise on what the decoder reads in training.
    """

    pooling: Literal["own", "mean", "neighbour"] = "own"
    standardise: bool = True
    noise: Annotated[float, Field(ge=0, le=1000)] = 0.0  # of what has variance 1


class ModelInfo(Section):
    """What the fragments are: (C, H, W), and network input = (value - offset) * scale.

    variance: of the network input over the training fragments, about their mean; an error of
        reconstruction that large is that of a decoder which knows nothing.
    """

    dataset: str
    source: str
    offset: float
    scale: float
    fragment_shape: tuple[Count, Count, Count]
    variance: Positive

    @model_validator(mode="after")
    def _in_single_precision(self) -> ModelInfo:
        """The network counts in float32, in which 1e-50 is 0 and 1e50 infinite."""
        if self.scale == 0:
            raise ValueError("scale must not be 0")
        for key in ("offset", "scale"):
            if abs(getattr(self, key)) > LARGEST:
                raise ValueError(f"{key} must be within {LARGEST:g}, is {getattr(self, key):g}")
        if abs(self.scale) < 1 / LARGEST:
            raise ValueError(f"scale must be {1 / LARGEST:g} or more, is {self.scale:g}")
        return self


class About(Section):
    """All of model.json."""

    schema_: Literal["v3-model/2"] = Field(SCHEMA, alias="schema")
    spec: Spec
    style_channel: StyleChannel
    codebook_decay: Annotated[float, Field(ge=0, lt=1)]
    info: ModelInfo
    training: dict[str, Any]  # <dataset>.train, as it was trained
    figures: dict[str, float]
