"""Changes of style in training: one draw a sample, the same for all of its fragments.

Colours: brightness, contrast, saturation and hue as torchvision's ColorJitter defines them, and
gamma and inversion, on images in [0, 1]. Spectrograms: one frequency mask (SpecAugment, Park et
al., 2019, arXiv 1904.08779).
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from v3.base.errors import V3Error
from v3.training.params import AugmentParams

SLACK = 1e-3  # of rounding, on the range of images
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def augment(x: Tensor, params: AugmentParams, generator: Generator) -> Tensor:
    """Network input (b, n, C, H, W) -> the same shape, each sample changed in its own way."""
    colour = [
        (change, strength)
        for change, strength in (
            (_brightness, params.brightness),
            (_contrast, params.contrast),
            (_saturation, params.saturation),
            (_hue, params.hue),
            (_gamma, params.gamma),
        )
        if strength > 0
    ]
    for index in torch.randperm(len(colour), generator=generator).tolist():
        change, strength = colour[index]
        draw = (torch.rand(len(x), generator=generator) * 2 - 1) * strength
        x = change(x, draw.to(x.device).view(-1, 1, 1, 1, 1))
    if params.invert > 0:
        turned = torch.rand(len(x), generator=generator) < params.invert
        x = torch.where(turned.to(x.device).view(-1, 1, 1, 1, 1), 1 - x, x)
    if params.frequency_mask > 0:
        x = _mask_frequencies(x, params.frequency_mask, generator)
    return x


def check_augmentation(
    params: AugmentParams, channels: int, low: float, high: float, name: str
) -> None:
    """V3Error by `name` if the fragments are not what is asked to be changed.

    `channels` of a fragment; `low` and `high`: the least and the highest network input.
    """
    for key in ("brightness", "contrast", "gamma", "invert", "saturation", "hue"):
        if getattr(params, key) == 0:
            continue
        if channels not in ((3,) if key in ("saturation", "hue") else (1, 3)):
            raise V3Error(
                f"{name}.{key} must be 0 for fragments of {channels} channel(s): it is for images."
            )
        if low < -SLACK or high > 1 + SLACK:
            raise V3Error(
                f"{name}.{key} must be 0 for fragments whose network input goes from {low:g} to "
                f"{high:g}: it is for images, in [0, 1]."
            )
    if params.frequency_mask and channels != 1:
        raise V3Error(
            f"{name}.frequency_mask must be 0 for fragments of {channels} channels: it is for "
            "spectra."
        )


def _brightness(x: Tensor, draw: Tensor) -> Tensor:
    return (x * (1 + draw)).clamp(0, 1)


def _contrast(x: Tensor, draw: Tensor) -> Tensor:
    mean = _grey(x).mean((-2, -1), keepdim=True)
    return torch.lerp(mean, x, 1 + draw).clamp(0, 1)


def _saturation(x: Tensor, draw: Tensor) -> Tensor:
    return torch.lerp(_grey(x).expand_as(x), x, 1 + draw).clamp(0, 1)


def _hue(x: Tensor, draw: Tensor) -> Tensor:
    """Turn the hue of HSV by `draw` of a full circle; saturation and value stay.

    With value v = max and chroma c, a channel of hue h is v - c * clip(min(k, 4 - k), 0, 1) where
    k = (offset + 6 h) mod 6 and offset is 5, 3, 1 for red, green, blue.
    """
    red, green, blue = x.unbind(2)
    value = x.amax(2)
    chroma = value - x.amin(2)
    safe = chroma.clamp_min(1e-8)
    sector = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    sector = sector + 6 * draw.squeeze(2)
    channels = []
    for offset in (5.0, 3.0, 1.0):
        k = torch.remainder(sector + offset, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 2)


def _gamma(x: Tensor, draw: Tensor) -> Tensor:
    """x to the power exp(draw): below 0 dark inks turn pale while white paper stays white."""
    return x.clamp_min(1e-6).pow(draw.exp())


def _grey(x: Tensor) -> Tensor:
    if x.shape[2] == 1:
        return x
    weights = torch.tensor(GREY, device=x.device).view(3, 1, 1)
    return (x * weights).sum(2, keepdim=True)


def _mask_frequencies(x: Tensor, most: int, generator: Generator) -> Tensor:
    """Set a band of 0 to `most` rows to 0, the middle of the network's input range."""
    b, height = len(x), x.shape[3]
    width = torch.randint(most + 1, (b, 1), generator=generator)
    start = (torch.rand(b, 1, generator=generator) * (height - width + 1)).long()
    row = torch.arange(height)
    masked = (row >= start) & (row < start + width)  # (b, H)
    return x.masked_fill(masked.to(x.device).view(b, 1, 1, height, 1), 0.0)
