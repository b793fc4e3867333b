"""Encoder and decoder, built from a spec; one implementation for every dataset.

Two kinds of trunk: `residual`, the published one (Wu et al., ICLR 2025), and `strided`, a small
stack of strided convolutions for laptops. Both halve and double sizes exactly: a spec that would
shrink a fragment to nothing, or to a size that the decoder cannot restore, is refused.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from v3.base.errors import V3Error
from v3.model.layers import (
    LEAST_CONTRAST,
    Colours,
    Layers,
    ResidualBlock,
    SampleNorm,
    Size,
    Spreading,
    channels_last,
    conv,
    modulation,
    norm,
)
from v3.model.spec import ResidualGroup, Spec, StridedLayer


class Encoder(nn.Module):
    """Fragments (N, C, H, W) -> content (N, d_c) and style (N, d_s) embeddings."""

    def __init__(self, spec: Spec, fragment_shape: tuple[int, int, int]) -> None:
        super().__init__()
        sizes = trunk_sizes(spec, fragment_shape)
        self.split = [spec.content_dim, spec.style_dim]
        self.spec = spec
        self.trunk = _encoder_trunk(spec, fragment_shape[0])
        flat = spec.channels * sizes[-1][0] * sizes[-1][1]
        self.joint = nn.Sequential(nn.Flatten(), nn.Linear(flat, sum(self.split)), nn.GELU())
        self.content = nn.Linear(spec.content_dim, spec.content_dim)
        self.style = nn.Linear(spec.style_dim, spec.style_dim)
        self.sample: SampleNorm | None = None
        if spec.sample_norm:
            self.sample = SampleNorm(fragment_shape, spec.cepstra, spec.style_dim)
        self.colours: Colours | None = None
        if spec.colours:
            self.colours = Colours(fragment_shape[0], spec.colours, spec.style_dim)
        self.contrast: nn.Linear | None = None
        if spec.contrast_norm:
            self.contrast = nn.Linear(fragment_shape[0] + 1, spec.style_dim)

    def forward(self, x: Tensor, profile: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`profile`, with `sample_norm` only: each one's sample's, as `SampleNorm.profile` says."""
        # What the trunk no longer sees is style, and the decoder needs it.
        removed: list[Tensor] = []
        if self.colours is not None:
            removed.append(self.colours(x))
        if self.sample is not None:
            if profile is None:
                raise V3Error("a spec with sample_norm encodes fragments with their sample's mean.")
            x, read = self.sample(x, profile)
            removed.append(read)
        if self.contrast is not None:
            mean = x.mean((2, 3), keepdim=True)
            deviation = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt() + LEAST_CONTRAST
            x = (x - mean) / (2 * deviation)
            light = torch.cat([mean.flatten(1), deviation.flatten(1).log()], dim=1)
            removed.append(self.contrast(light))
        x = self.trunk(channels_last(x))
        if x.requires_grad:
            x.register_hook(channels_last)
        content, style = self.joint(x).split(self.split, dim=1)
        return self.content(content), sum(removed, self.style(style))


class Decoder(nn.Module):
    """Quantised content (N, d_c) and style (N, d_s) -> fragments (N, C, H, W).

    `concatenate`: the trunk begins with both, as published. `modulate`: it begins with the content,
    and the style says of every channel how much of it there is, and where it is level. `both`: it
    begins with both, and the style modulates as well, for styles that differ in shapes, too.
    """

    def __init__(self, spec: Spec, fragment_shape: tuple[int, int, int]) -> None:
        super().__init__()
        height, width = trunk_sizes(spec, fragment_shape)[-1]
        self.content = nn.Sequential(nn.Linear(spec.content_dim, spec.content_dim), nn.GELU())
        self.style: nn.Module | None = None
        read = spec.content_dim
        if spec.conditioning != "modulate":
            self.style = nn.Sequential(nn.Linear(spec.style_dim, spec.style_dim), nn.GELU())
            read += spec.style_dim
        self.joint = nn.Sequential(
            nn.Linear(read, spec.channels * height * width),
            nn.GELU(),
            nn.Unflatten(1, (spec.channels, height, width)),
        )
        self.trunk = _decoder_trunk(spec, fragment_shape[0])
        self.spec = spec

    def forward(self, z_q: Tensor, z_s: Tensor) -> Tensor:
        content = self.content(z_q)
        if self.style is not None:
            content = torch.cat([content, self.style(z_s)], dim=1)
        x = self.joint(content)
        x = self.trunk(channels_last(x), z_s)
        if x.requires_grad:
            x.register_hook(channels_last)
        return x.contiguous()


def trunk_sizes(spec: Spec, fragment_shape: tuple[int, int, int]) -> list[Size]:
    """Heights and widths from the fragment's down to the trunk's output, a stride apart."""
    height, width = fragment_shape[1:]
    sizes = [(height, width)]
    for down, right in spec.strides:
        if height % down or width % right:
            raise V3Error(
                f"the spec's strides take {fragment_shape[1]}x{fragment_shape[2]} fragments to "
                f"{height}x{width}, which stride {down}x{right} does not divide: choose strides "
                "whose products divide the fragment's height and width."
            )
        height, width = height // down, width // right
        sizes.append((height, width))
    return sizes


def _encoder_trunk(spec: Spec, channels: int) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for part in spec.parts:
        if isinstance(part, StridedLayer):
            blocks += [_strided(part, channels), nn.BatchNorm2d(part.channels), nn.GELU()]
        else:
            blocks.append(_down_group(part, channels))
        channels = part.channels
    return nn.Sequential(*blocks)


def _decoder_trunk(spec: Spec, channels: int) -> Layers:
    """The encoder's trunk in the mirror; no norm and no activation on what leaves it."""
    style_dim = spec.style_dim if spec.conditioning != "concatenate" else 0
    blocks: list[nn.Module] = []
    outputs = [channels, *(part.channels for part in spec.parts[:-1])]
    for index in reversed(range(len(spec.parts))):
        part, out = spec.parts[index], outputs[index]
        if isinstance(part, StridedLayer):
            blocks.append(_transposed(part, out, last=index == 0))
            if index:
                blocks += [*norm(out, style_dim), nn.GELU()]
        else:
            blocks.append(_up_group(part, out, style_dim))
    return Layers(*blocks, *modulation(channels, style_dim))


def _strided(layer: StridedLayer, channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, _margin(layer))


def _transposed(layer: StridedLayer, out: int, *, last: bool) -> nn.ConvTranspose2d:
    doubled = layer.kernel == (2 * layer.stride[0], 2 * layer.stride[1])
    even = all(step % 2 == 0 for step in layer.stride)
    kind = Spreading if last and doubled and even else nn.ConvTranspose2d
    return kind(layer.channels, out, layer.kernel, layer.stride, _margin(layer))


def _margin(layer: StridedLayer) -> Size:
    """Padding with which `stride` divides the size exactly."""
    (height, width), (down, right) = layer.kernel, layer.stride
    return (height - down) // 2, (width - right) // 2


def _down_group(group: ResidualGroup, channels: int) -> nn.Sequential:
    width = group.channels >> group.levels
    blocks: list[nn.Module] = [
        conv(channels, width, group.kernel),
        nn.BatchNorm2d(width),
        nn.GELU(),
        *(ResidualBlock(width, width, group.kernel) for _ in range(group.blocks)),
    ]
    for stride in group.strides:
        blocks.append(ResidualBlock(width, 2 * width, group.kernel, stride))
        width *= 2
        blocks += [ResidualBlock(width, width, group.kernel) for _ in range(group.blocks - 1)]
    return nn.Sequential(*blocks)


def _up_group(group: ResidualGroup, out: int, style_dim: int) -> Layers:
    width = group.channels
    blocks: list[nn.Module] = []

    def block(out: int) -> ResidualBlock:
        return ResidualBlock(width, out, group.kernel, transposed=True, style_dim=style_dim)

    for stride in reversed(group.strides):
        blocks += [block(width) for _ in range(group.blocks - 1)]
        blocks.append(block(width // 2))
        blocks.append(nn.Upsample(scale_factor=(float(stride[0]), float(stride[1]))))
        width //= 2
    blocks += [block(width) for _ in range(group.blocks)]
    blocks.append(conv(width, out, group.kernel, transposed=True))
    return Layers(*blocks)
