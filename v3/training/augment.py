"""Changes of style in training: one draw a sample, the same for all of its fragments.

Images: brightness, contrast, saturation and hue as torchvision's ColorJitter defines them, and
gamma and inversion, in [0, 1]. Spectrograms: one frequency mask (SpecAugment, Park et al., 2019,
arXiv 1904.08779).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from v3.base.errors import V3Error
from v3.base.processes import rand, randint
from v3.training.params import AugmentParams, TrainParams

IN_CACHE = 200_000  # numbers that are changed together: with what is between, some 2 MB
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
    drawn = []
    for index in torch.randperm(len(changes), generator=generator).tolist():
        change, strength = changes[index]
        draw = (rand(len(x), generator=generator) * 2 - 1) * strength
        drawn.append((change, draw.to(x.device).view(-1, 1, 1, 1, 1)))
    parts = []
    for begin, some in _in_cache(x):
        for change, draw in drawn:
            some = change(some, draw[begin : begin + len(some)])
        parts.append(some)
    x = torch.cat(parts)
    if params.invert > 0:
        turned = rand(len(x), generator=generator) < params.invert
        x = torch.where(turned.to(x.device).view(-1, 1, 1, 1, 1), 1 - x, x)
    return x


def _in_cache(x: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Samples in a row with the number of the first: on a CPU as many as its cache holds while one
    change follows another, on a GPU all."""
    size = max(1, IN_CACHE // x[0].numel()) if x.device.type == "cpu" else len(x)
    for begin in range(0, len(x), size):
        yield begin, x[begin : begin + size]


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
    return (x * (1 + draw)).clamp_(0, 1)


def _contrast(x: Tensor, draw: Tensor) -> Tensor:
    mean = _grey(x).mean((-2, -1), keepdim=True)
    return (x * (1 + draw)).sub_(mean * draw).clamp_(0, 1)


def _saturation(x: Tensor, draw: Tensor) -> Tensor:
    return (x * (1 + draw)).sub_(_grey(x) * draw).clamp_(0, 1)


def _hue(x: Tensor, draw: Tensor) -> Tensor:
    """Turn the hue of HSV by `draw` of a full circle; saturation and value stay.

    With value v = max, chroma c and a hue h of 0 to 6, red is v - c + c * clip(|h - 3| - 1, 0, 1)
    and green and blue are v - c + c * clip(2 - |h - p|, 0, 1) with p of 2 and 4. (A choice is a
    product with 0 or 1 here, and a maximum one of pairs: `where`, `amax` and `remainder` take
    several times as long on a CPU.)
    """
    red, green, blue = x.unbind(2)
    value = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = value - low
    is_red = value.clone().eq_(red)
    is_green = value.eq_(green).mul_(1 - is_red)
    # from the sector's own channel, 0, 2 or 4, towards the larger of the other two
    hue = ((red - green) * (1 - is_red - is_green)).addcmul_(is_red, green - blue)
    hue.addcmul_(is_green, blue - red).div_(chroma.clamp_min(1e-8))
    hue.add_(4 + 6 * draw.squeeze(2)).sub_(is_red, alpha=4).sub_(is_green, alpha=2)
    hue.sub_((hue / 6).floor_(), alpha=6)
    turned = torch.empty_like(x)
    share = (hue - 3).abs_().sub_(1).clamp_(0, 1)
    torch.addcmul(low, chroma, share, out=turned[:, :, 0])
    for channel, middle in ((1, 2), (2, 4)):
        share = (hue - middle).abs_().neg_().add_(2).clamp_(0, 1)
        torch.addcmul(low, chroma, share, out=turned[:, :, channel])
    return turned


def _gamma(x: Tensor, draw: Tensor) -> Tensor:
    """x to the power exp(draw): below 0 dark inks turn pale while white paper stays white."""
    return x.clamp_min(1e-6).log_().mul_(draw.exp()).exp_()


def _grey(x: Tensor) -> Tensor:
    if x.shape[2] == 1:
        return x
    red, green, blue = x.split(1, dim=2)
    return (red * GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


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
