"""Encoder and decoder, built from a spec; one implementation for every dataset.

Two kinds of trunk: `residual`, the published one (Wu et al., ICLR 2025), and `strided`, a small
stack of strided convolutions for laptops. Both halve and double sizes exactly: a spec that would
shrink a fragment to nothing, or to a size that the decoder cannot restore, is refused.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from v3.base.errors import V3Error
from v3.model.spec import ResidualGroup, Spec, StridedLayer

Size = tuple[int, int]
LEAST_CONTRAST = 0.02  # added to a fragment's deviation: what is flat stays flat


class Encoder(nn.Module):
    """Fragments (N, C, H, W) -> content (N, d_c) and style (N, d_s) embeddings."""

    def __init__(self, spec: Spec, fragment_shape: tuple[int, int, int]) -> None:
        super().__init__()
        sizes = trunk_sizes(spec, fragment_shape)
        self.split = [spec.content_dim, spec.style_dim]
        self.trunk = _encoder_trunk(spec, fragment_shape[0])
        flat = spec.channels * sizes[-1][0] * sizes[-1][1]
        self.joint = nn.Sequential(nn.Flatten(), nn.Linear(flat, sum(self.split)), nn.GELU())
        self.content = nn.Linear(spec.content_dim, spec.content_dim)
        self.style = nn.Linear(spec.style_dim, spec.style_dim)
        self.profile: nn.Linear | None = None
        if spec.sample_norm:
            self.profile = nn.Linear(fragment_shape[0] * fragment_shape[1], spec.style_dim)
        self.contrast: nn.Linear | None = None
        if spec.contrast_norm:
            self.contrast = nn.Linear(fragment_shape[0] + 1, spec.style_dim)

    def forward(self, x: Tensor, profile: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`profile` (N, C, H, 1), of each fragment's sample, is read with `sample_norm` only."""
        # What the trunk no longer sees is style, and the decoder needs it.
        removed: list[Tensor] = []
        if self.profile is not None:
            if profile is None:
                raise V3Error("a spec with sample_norm encodes fragments with their sample's mean.")
            x = x - profile
            removed.append(self.profile(profile.flatten(1)))
        if self.contrast is not None:
            mean = x.mean((2, 3), keepdim=True)
            deviation = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt() + LEAST_CONTRAST
            x = (x - mean) / (2 * deviation)
            light = torch.cat([mean.flatten(1), deviation.flatten(1).log()], dim=1)
            removed.append(self.contrast(light))
        content, style = self.joint(self.trunk(x)).split(self.split, dim=1)
        return self.content(content), sum(removed, self.style(style))


class Decoder(nn.Module):
    """Quantised content (N, d_c) and style (N, d_s) -> fragments (N, C, H, W)."""

    def __init__(self, spec: Spec, fragment_shape: tuple[int, int, int]) -> None:
        super().__init__()
        height, width = trunk_sizes(spec, fragment_shape)[-1]
        self.content = nn.Sequential(nn.Linear(spec.content_dim, spec.content_dim), nn.GELU())
        self.style = nn.Sequential(nn.Linear(spec.style_dim, spec.style_dim), nn.GELU())
        self.joint = nn.Sequential(
            nn.Linear(spec.content_dim + spec.style_dim, spec.channels * height * width),
            nn.GELU(),
            nn.Unflatten(1, (spec.channels, height, width)),
        )
        self.trunk = _decoder_trunk(spec, fragment_shape[0])

    def forward(self, z_q: Tensor, z_s: Tensor) -> Tensor:
        joint = torch.cat([self.content(z_q), self.style(z_s)], dim=1)
        return self.trunk(self.joint(joint))


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


def _decoder_trunk(spec: Spec, channels: int) -> nn.Sequential:
    """The encoder's trunk in the mirror; no norm and no activation on what leaves it."""
    blocks: list[nn.Module] = []
    outputs = [channels, *(part.channels for part in spec.parts[:-1])]
    for index in reversed(range(len(spec.parts))):
        part, out = spec.parts[index], outputs[index]
        if isinstance(part, StridedLayer):
            blocks.append(_transposed(part, out))
            if index:
                blocks += [nn.BatchNorm2d(out), nn.GELU()]
        else:
            blocks.append(_up_group(part, out))
    return nn.Sequential(*blocks)


def _strided(layer: StridedLayer, channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, layer.channels, layer.kernel, layer.stride, _margin(layer))


def _transposed(layer: StridedLayer, out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(layer.channels, out, layer.kernel, layer.stride, _margin(layer))


def _margin(layer: StridedLayer) -> Size:
    """Padding with which `stride` divides the size exactly."""
    (height, width), (down, right) = layer.kernel, layer.stride
    return (height - down) // 2, (width - right) // 2


def _down_group(group: ResidualGroup, channels: int) -> nn.Sequential:
    width = group.channels >> group.levels
    blocks: list[nn.Module] = [
        _conv(channels, width, group.kernel),
        nn.BatchNorm2d(width),
        nn.GELU(),
        *(ResidualBlock(width, width, group.kernel) for _ in range(group.blocks)),
    ]
    for stride in group.strides:
        blocks.append(ResidualBlock(width, 2 * width, group.kernel, stride))
        width *= 2
        blocks += [ResidualBlock(width, width, group.kernel) for _ in range(group.blocks - 1)]
    return nn.Sequential(*blocks)


def _up_group(group: ResidualGroup, out: int) -> nn.Sequential:
    width = group.channels
    blocks: list[nn.Module] = []
    for stride in reversed(group.strides):
        blocks += [
            ResidualBlock(width, width, group.kernel, transposed=True)
            for _ in range(group.blocks - 1)
        ]
        blocks.append(ResidualBlock(width, width // 2, group.kernel, transposed=True))
        blocks.append(nn.Upsample(scale_factor=(float(stride[0]), float(stride[1]))))
        width //= 2
    blocks += [
        ResidualBlock(width, width, group.kernel, transposed=True) for _ in range(group.blocks)
    ]
    blocks.append(_conv(width, out, group.kernel, transposed=True))
    return nn.Sequential(*blocks)


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm; GELU after the first and after the sum.

    The first convolution takes the stride, and changes the width; in a transposed block it keeps
    the width and the second changes it. The shortcut is a 1x1 convolution with batch norm where
    width or size change.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: Size,
        stride: Size = (1, 1),
        *,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        middle = channels if transposed else out
        self.body = nn.Sequential(
            _conv(channels, middle, kernel, stride, transposed=transposed),
            nn.BatchNorm2d(middle),
            nn.GELU(),
            _conv(middle, out, kernel, transposed=transposed),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if channels != out or stride != (1, 1):
            self.shortcut = nn.Sequential(
                _conv(channels, out, (1, 1), stride, transposed=transposed), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.gelu(self.body(x) + self.shortcut(x))


def _conv(
    channels: int, out: int, kernel: Size, stride: Size = (1, 1), *, transposed: bool = False
) -> nn.Module:
    """A "same"-padded convolution with bias: its output is the input's size over the stride."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    return kind(channels, out, kernel, stride, padding)
