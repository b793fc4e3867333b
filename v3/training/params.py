"""What training reads of params.yaml, where each name is explained: types and bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from v3.base.schema import Count, Natural, NonNegative, Positive, Section, Seed, Share

Decay = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1e6)]  # far above sense, and far below float32's end


class Weights(Section):
    reconstruction: Strength
    content: Strength
    style: Strength
    between: Strength
    within: Strength
    commitment: Strength
    decorrelation: Strength
    agreement: Strength
    discrimination: Strength


class AugmentParams(Section):
    brightness: Share
    contrast: Share
    saturation: Share
    hue: Annotated[float, Field(ge=0, le=0.5)]
    gamma: Annotated[float, Field(ge=0, le=3)]
    invert: Share
    frequency_mask: Share


class ViewParams(Section):
    shift: Annotated[float, Field(ge=0, le=0.5)]
    zoom: Share
    blur: Share
    noise: Strength
    temperature: Positive
    evenness: Annotated[float, Field(ge=1)]
    discrimination: Positive


class TrainParams(Section):
    kind: Literal["images", "spectrograms"]
    seed: Seed
    steps: Count
    batch_samples: Annotated[int, Field(ge=2)]
    fragments_per_sample: Annotated[int, Field(ge=2)]
    optimiser: Literal["adamw", "adam"]
    learning_rate: Annotated[float, Field(gt=0, le=1000)]
    weight_decay: Strength
    betas: tuple[Decay, Decay]
    schedule: Literal["constant", "cosine", "step"]
    final_factor: Share
    step_factor: Annotated[float, Field(gt=0, le=1)]
    step_epochs: Count
    warmup_steps: Natural
    clip_norm: NonNegative
    precision: Literal["float32", "bfloat16"]
    relativity: Annotated[float, Field(gt=1, le=1e6)]
    weights: Weights
    supersampling: bool
    style_window: Count
    style_pooling: Literal["own", "mean", "neighbour"]
    style_standardise: bool
    style_noise: Annotated[float, Field(ge=0, le=1000)]
    codebook_decay: Decay
    dead_atom_threshold: Share
    late_threshold: Share
    late_after: Share
    relocate: bool
    relative_error: bool
    forgiven_shift: Annotated[float, Field(ge=0, le=0.25)]
    in_place: Share
    augment: AugmentParams
    view: ViewParams
    validate_every: Count
    patience: Natural
    min_improvement: NonNegative

    @model_validator(mode="after")
    def _fields_agree(self) -> TrainParams:
        if self.style_window % 2 == 0:
            raise ValueError(f"style_window must be odd, is {self.style_window}")
        for lower, upper, sign in (
            ("late_threshold", "dead_atom_threshold", "<="),
            ("style_window", "fragments_per_sample", "<="),
            ("warmup_steps", "steps", "<"),
        ):
            below, above = getattr(self, lower), getattr(self, upper)
            if below > above or (sign == "<" and below == above):
                raise ValueError(f"{lower} must be {sign} {upper} ({above:g}), is {below:g}")
        return self
