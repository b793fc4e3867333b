"""The network as data: what encoder, quantizer and decoder are built from.

A spec says nothing about the fragments; their shape comes from the fragment file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from v3.base.errors import V3Error
from v3.base.schema import Count, Pair, Section, items, read


class StridedLayer(Section):
    """One strided convolution with batch norm and GELU."""

    channels: Count
    kernel: Pair
    stride: Pair

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """`32, 8x8, 4x4` for channels, kernel and stride."""
        if isinstance(value, str) and value.count(",") == 2:
            return dict(zip(("channels", "kernel", "stride"), items(value), strict=True))
        return value

    @model_validator(mode="after")
    def _fits(self) -> StridedLayer:
        """A kernel smaller than its stride would never look at some of the input."""
        if any(size < step for size, step in zip(self.kernel, self.stride, strict=True)):
            raise ValueError(f"kernel must be >= stride, is {list(self.kernel)}")
        if any((size - step) % 2 for size, step in zip(self.kernel, self.stride, strict=True)):
            raise ValueError(
                "kernel must be even where stride is and odd where it is "
                f"(else no padding halves the size exactly), is {list(self.kernel)}"
            )
        return self


class ResidualGroup(Section):
    """A stage group: `levels` doublings of the width up to `channels`, `blocks` blocks each."""

    channels: Count
    levels: Count
    blocks: Count
    kernel: Pair
    strides: tuple[Pair, ...]  # one a level

    @model_validator(mode="before")
    @classmethod
    def _same_stride(cls, value: Any) -> Any:
        """`2x2` for that stride at every level."""
        if isinstance(value, dict) and isinstance(value.get("strides"), str):
            levels = value.get("levels")
            return value | {"strides": (value["strides"],) * (levels if type(levels) is int else 1)}
        return value

    @model_validator(mode="after")
    def _fits(self) -> ResidualGroup:
        """The width halves once a level; 'same' padding on both sides wants an odd kernel."""
        if self.channels % 2**self.levels:
            raise ValueError(
                f"channels must be a multiple of {2**self.levels} "
                f"({self.levels} levels double the width), is {self.channels}"
            )
        if not all(size % 2 for size in self.kernel):
            raise ValueError(f"kernel must be odd, is {list(self.kernel)}")
        if len(self.strides) != self.levels:
            raise ValueError(
                f"strides must have one pair for each of {self.levels} levels, "
                f"has {len(self.strides)}"
            )
        return self


class Spec(Section):
    """Network and codebook: a trunk (`layers` or `groups`, by `network`) and the sizes after it."""

    network: Literal["strided", "residual"]
    content_dim: Count  # d_c
    style_dim: Count  # d_s
    atoms: Annotated[int, Field(ge=2)]  # K
    layers: tuple[StridedLayer, ...] = ()
    groups: tuple[ResidualGroup, ...] = ()
    distance: Literal["euclidean", "cosine"] = "euclidean"  # to the nearest atom
    conditioning: Literal["concatenate", "modulate", "both"] = "concatenate"  # of the decoder
    colours: Annotated[int, Field(ge=0)] = 0  # levels a channel that the style counts; 0: none
    contrast_norm: bool = False  # the trunk sees each fragment at mean 0 and one contrast
    sample_norm: bool = False  # the trunk sees fragments less the mean profile of their sample
    cepstra: Annotated[int, Field(ge=0)] = 0  # and so many cepstra alone, each over its deviation

    @model_validator(mode="after")
    def _one_kind(self) -> Spec:
        """A strided network has layers only, a residual one groups only."""
        wanted, other = ("layers", "groups") if self.network == "strided" else ("groups", "layers")
        if not getattr(self, wanted):
            raise ValueError(f"{wanted} is missing: network is {self.network}")
        if getattr(self, other):
            raise ValueError(f"{other} must be left out: network is {self.network}")
        if self.colours == 1:
            raise ValueError("colours must be 0 or >= 2 (one level tells nothing), is 1")
        if self.cepstra and not self.sample_norm:
            raise ValueError("cepstra are those of sample_norm: set it to true, or cepstra to 0")
        return self

    @property
    def parts(self) -> tuple[StridedLayer | ResidualGroup, ...]:
        """The trunk's layers or groups, from the fragment inwards."""
        return self.layers or self.groups

    @property
    def channels(self) -> int:
        """Channels that the trunk ends in."""
        return self.parts[-1].channels

    @property
    def strides(self) -> tuple[tuple[int, int], ...]:
        """Every stride (height, width) of the trunk, from the fragment inwards."""
        if self.layers:
            return tuple(layer.stride for layer in self.layers)
        return tuple(stride for group in self.groups for stride in group.strides)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], name: str = "spec") -> Spec:
        """A spec from plain values; `V3Error` names what does not fit, below `name`."""
        return read(cls, raw, name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON keeps and `from_dict` reads back."""
        return {key: value for key, value in self.model_dump(mode="json").items() if value != []}


Specs = dict[str, Spec]  # by name


def chosen_spec(name: str, specs: Specs, dataset: str) -> Spec:
    """The spec of that name; `V3Error` by `<dataset>.spec` if there is none."""
    if name not in specs:
        raise V3Error(f"{dataset}.spec must be one of {', '.join(specs)}, is {name!r}")
    return specs[name]
