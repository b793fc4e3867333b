"""The network as data: what encoder, quantizer and decoder are built from.

A spec says nothing about the fragments; their shape comes from the fragment file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from v3.errors import V3Error
from v3.schema import Count, Items, OneOf, Within, read

Pair = tuple[Count, Count]  # (height, width)


@dataclass(frozen=True)
class StridedLayer:
    """One strided convolution with batch norm and GELU."""

    channels: Count
    kernel: Pair
    stride: Pair

    def check(self, name: str) -> None:
        """A kernel smaller than its stride would never look at some of the input."""
        if any(size < step for size, step in zip(self.kernel, self.stride, strict=True)):
            raise V3Error(f"{name}.kernel must be >= {name}.stride, is {list(self.kernel)}")
        if any((size - step) % 2 for size, step in zip(self.kernel, self.stride, strict=True)):
            raise V3Error(
                f"{name}.kernel must be even where {name}.stride is and odd where it is "
                f"(else no padding halves the size exactly), is {list(self.kernel)}"
            )


@dataclass(frozen=True)
class ResidualGroup:
    """A stage group: `levels` doublings of the width up to `channels`, `blocks` blocks each."""

    channels: Count
    levels: Count
    blocks: Count
    kernel: Pair
    strides: tuple[Pair, ...]  # one a level

    def check(self, name: str) -> None:
        """The width halves once a level; 'same' padding on both sides wants an odd kernel."""
        if self.channels % 2**self.levels:
            raise V3Error(
                f"{name}.channels must be a multiple of {2**self.levels} "
                f"({self.levels} levels double the width), is {self.channels}"
            )
        if not all(size % 2 for size in self.kernel):
            raise V3Error(f"{name}.kernel must be odd, is {list(self.kernel)}")
        if len(self.strides) != self.levels:
            raise V3Error(
                f"{name}.strides must have one pair for each of {self.levels} levels, "
                f"has {len(self.strides)}"
            )


@dataclass(frozen=True)
class Spec:
    """Network and codebook: a trunk (`layers` or `groups`, by `network`) and the sizes after it."""

    network: Annotated[str, OneOf(("strided", "residual"))]
    content_dim: Count  # d_c
    style_dim: Count  # d_s
    atoms: Annotated[int, Within(least=2)]  # K
    layers: Annotated[tuple[StridedLayer, ...], Items(distinct=False)] = ()
    groups: Annotated[tuple[ResidualGroup, ...], Items(distinct=False)] = ()
    distance: Annotated[str, OneOf(("euclidean", "cosine"))] = "euclidean"  # to the nearest atom
    contrast_norm: bool = False  # the trunk sees each fragment at mean 0 and one contrast
    sample_norm: bool = False  # the trunk sees fragments less the mean profile of their sample

    def check(self, name: str) -> None:
        """A strided network has layers only, a residual one groups only."""
        wanted, other = ("layers", "groups") if self.network == "strided" else ("groups", "layers")
        if not getattr(self, wanted):
            raise V3Error(f"{name}.{wanted} is missing: {name}.network is {self.network}")
        if getattr(self, other):
            raise V3Error(f"{name}.{other} must be left out: {name}.network is {self.network}")

    @property
    def parts(self) -> tuple[StridedLayer | ResidualGroup, ...]:
        """The trunk's layers or groups, from the fragment inwards."""
        return self.layers or self.groups

    @property
    def channels(self) -> int:
        """Channels that the trunk ends in."""
        return self.parts[-1].channels

    @property
    def strides(self) -> tuple[Pair, ...]:
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
        plain = _plain(dataclasses.asdict(self))
        return {key: value for key, value in plain.items() if value != []}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
