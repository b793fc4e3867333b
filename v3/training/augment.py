"""Changes of style in training: one draw a sample, the same for all of its fragments.

Images: brightness, contrast, saturation and hue as torchvision's ColorJitter defines them, and
gamma and inversion, in [0, 1]. Spectrograms: one frequency mask (SpecAugment, Park et al., 2019,
arXiv 1904.08779).
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from v3.base.errors import V3Error
from v3.base.processes import rand, randint
from v3.training.params import AugmentParams, TrainParams

SLACK = 1e-3  # of rounding, on the range of images
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def augment(x: Tensor, params: AugmentParams, kind: str, generator: Generator) -> Tensor:
    """Network input (b, n, C, H, W) -> the same shape, each sample changed in its own way.

    By the `kind` of fragments only what it takes part in: images of one or three channels in their
    light, those of three in their colours; spectrograms in the mask.
    """
    if kind == "images":
        return _other_light(x, params, generator) if x.shape[2] in (1, 3) else x
    return _mask_frequencies(x, params.frequency_mask, generator)


def _other_light(x: Tensor, params: AugmentParams, generator: Generator) -> Tensor:
    in_colour = x.shape[2] == 3
    changes = [
        (change, strength)
        for change, strength in (
            (_brightness, params.brightness),
            (_contrast, params.contrast),
            (_saturation, params.saturation * in_colour),
            (_hue, params.hue * in_colour),
            (_gamma, params.gamma),
        )
        if strength > 0
    ]
    for index in torch.randperm(len(changes), generator=generator).tolist():
        change, strength = changes[index]
        draw = (rand(len(x), generator=generator) * 2 - 1) * strength
        x = change(x, draw.to(x.device).view(-1, 1, 1, 1, 1))
    if params.invert > 0:
        turned = rand(len(x), generator=generator) < params.invert
        x = torch.where(turned.to(x.device).view(-1, 1, 1, 1, 1), 1 - x, x)
    return x


def check_kind(params: TrainParams, low: float, high: float, section: str) -> None:
    """V3Error by `section` if network input from `low` to `high` is not of its kind."""
    if params.kind == "images" and (low < -SLACK or high > 1 + SLACK):
        raise V3Error(
            f"{section}.kind is images, whose network input lies in [0, 1], and these fragments' "
            f"goes from {low:g} to {high:g}: set it to spectrograms, or give the fragment file an "
            "offset and a scale that bring them there."
        )
    if params.kind == "spectrograms" and params.augment.invert > 0:
        raise V3Error(
            f"{section}.augment.invert must be 0 for spectrograms, which have no negative: it is "
            f"for images ({section}.kind)."
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


def _mask_frequencies(x: Tensor, share: float, generator: Generator) -> Tensor:
    """Set a band of 0 to `share` of all rows to 0, the middle of the network's input range."""
    b, height = len(x), x.shape[3]
    most = round(share * height)
    if most == 0:
        return x
    width = randint(most + 1, (b, 1), generator=generator)
    start = (rand(b, 1, generator=generator) * (height - width + 1)).long()
    row = torch.arange(height)
    masked = (row >= start) & (row < start + width)  # (b, H)
    return x.masked_fill(masked.to(x.device).view(b, 1, 1, height, 1), 0.0)
