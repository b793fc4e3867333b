"""The layers that encoder and decoder are built of, besides PyTorch's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from v3.base.errors import V3Error

Size = tuple[int, int]
LEAST_CONTRAST = 0.02  # added to a deviation: what is flat stays flat
MODULATION = 64  # width of the hidden layer that reads the style for one modulation
MOST_BINS = 4096  # of colours: 16 levels a channel of three
SMALL_COUNTS = 4.0  # times the roots of shares, which are small


def channels_last(x: Tensor) -> Tensor:
    """The order in memory in which convolutions are fastest.

    Of gradients, too, where they enter a trunk: layers hand on the order that they are given.
    """
    return x.contiguous(memory_format=torch.channels_last)


class SampleNorm(nn.Module):
    """Takes off what the fragments of a sample share, and says what it was to the style.

    That is the mean of every row. With `cepstra` > 0 the rows are brought to so many coefficients
    of their cosine transform, each over its deviation in the sample, and back: cepstral mean and
    variance normalisation (Viikki and Laurila, 1998), which leaves the broad shape of a spectrum
    and drops the fine one, the pitch of a voice, as speech recognisers do (Davis and Mermelstein,
    1980).
    """

    transform: Tensor  # (cepstra, H)

    def __init__(self, fragment_shape: tuple[int, int, int], cepstra: int, style_dim: int) -> None:
        super().__init__()
        channels, height = fragment_shape[:2]
        if cepstra > height:
            raise V3Error(
                f"the spec's cepstra must be <= the fragments' height {height}, is {cepstra}."
            )
        self.height, self.cepstra = height, cepstra
        order, row = torch.arange(cepstra)[:, None], torch.arange(height) + 0.5
        transform = (torch.pi / height * order * row).cos() * (2 / height) ** 0.5
        transform[:1] /= 2**0.5  # orthonormal DCT-II
        self.register_buffer("transform", transform, persistent=False)
        self.read = nn.Linear(channels * (height + cepstra), style_dim)

    def profile(self, x: Tensor) -> Tensor:
        """Fragments (N, C, H, W) -> (N, C, H + cepstra, 1), to be averaged over a sample's.

        The mean of every row and the mean square of every cepstrum.
        """
        rows = x.mean(3, keepdim=True)
        if not self.cepstra:
            return rows
        return torch.cat([rows, (self.transform @ x).square().mean(3, keepdim=True)], dim=2)

    def forward(self, x: Tensor, profile: Tensor) -> tuple[Tensor, Tensor]:
        """Fragments (N, C, H, W) with their samples' profiles -> normalised ones, and style."""
        rows, squares = profile.split([self.height, self.cepstra], dim=2)
        x = x - rows
        if not self.cepstra:
            return x, self.read(rows.flatten(1))
        variance = (squares - (self.transform @ rows).square()).clamp_min(0)
        deviation = variance.sqrt() + LEAST_CONTRAST
        shape = (self.transform @ x) / deviation * deviation.mean(2, keepdim=True)
        known = torch.cat([rows, deviation.log()], dim=2)
        return self.transform.mT @ shape, self.read(known.flatten(1))


class Colours(nn.Module):
    """What colours pictures (N, C, H, W) of [0, 1] have, wherever they lie -> style (N, d_s).

    The share of pixels in each of `bins` ** C bins, between which colours are interpolated; its
    root, or small things would not count. A trunk has to learn for every place what this says for
    all of them: thin strokes have their ink, and skin is read beside hair that no sample had.
    """

    def __init__(self, channels: int, bins: int, style_dim: int) -> None:
        super().__init__()
        if bins**channels > MOST_BINS:
            raise V3Error(
                f"the spec's colours are {bins} to the power of {channels} channels, more than "
                f"{MOST_BINS}: lower them, or set them to 0."
            )
        self.bins = bins
        self.read = nn.Linear(bins**channels, style_dim)

    @torch.no_grad()
    def shares(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) -> the share of each bin (N, bins ** C), by every second pixel of
        every second row."""
        x = x.detach()[:, :, ::2, ::2].float().flatten(2)
        middles = torch.arange(self.bins, device=x.device)
        place = x.clamp(0, 1)[..., None] * (self.bins - 1)
        near = (1 - (place - middles).abs_()).clamp_min_(0)  # (N, C, pixels, bins)
        *others, last = near.unbind(1)
        joint = torch.ones_like(last[..., :1])
        for one in others:
            joint = (joint[..., :, None] * one[..., None, :]).flatten(2)
        with torch.autocast(x.device.type, enabled=False):
            return (joint.mT @ last).flatten(1) / x.shape[2]

    def forward(self, x: Tensor) -> Tensor:
        read: Tensor = self.read(SMALL_COUNTS * self.shares(x).sqrt())
        return read


class Modulation(nn.Module):
    """x (N, C, H, W) * (1 + gain) + offset, one gain and one offset a channel, read from z_s.

    Feature-wise linear modulation (Perez et al., 2018, arXiv 1709.07871). A style is mostly a gain
    and an offset of something: ink and paper, contrast and polarity, loudness and tilt. Changes
    nothing at first.
    """

    def __init__(self, style_dim: int, channels: int) -> None:
        super().__init__()
        last = nn.Linear(MODULATION, 2 * channels)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.read = nn.Sequential(nn.Linear(style_dim, MODULATION), nn.GELU(), last)

    def forward(self, x: Tensor, z_s: Tensor) -> Tensor:
        gain, offset = self.read(z_s)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(offset, x, 1 + gain)


class Spreading(nn.ConvTranspose2d):
    """A transposed convolution whose kernel is twice its even stride, computed another way.

    Between the middles of two strides every output depends on the same two inputs a side, so all
    of them are channels of one 2x2 convolution (Shi et al., 2016, arXiv 1609.07009), put in
    their places afterwards. The same weights give the same values but for rounding; to few
    channels PyTorch's own takes up to six times as long.
    """

    def forward(self, x: Tensor, _output_size: list[int] | None = None) -> Tensor:
        inputs, out = self.weight.shape[:2]
        down, right = (int(step) for step in self.stride)
        # the kernel's second half belongs to the input before, its first half to the one after
        taps = self.weight.view(inputs, out, 2, down, 2, right).flip(2, 4)
        weight = taps.permute(3, 5, 1, 0, 2, 4).reshape(down * right * out, inputs, 2, 2)
        weight = channels_last(weight)
        bias = None if self.bias is None else self.bias.repeat(down * right)
        y = nn.functional.conv2d(x, weight, bias, padding=1).permute(0, 2, 3, 1)
        n, height, width = y.shape[:3]
        y = y.reshape(n, height, width, down, right, out).transpose(2, 3)
        y = y.reshape(n, height * down, width * right, out)
        top, left = down // 2, right // 2  # half a stride too much on every side
        return y[:, top:-top, left:-left].permute(0, 3, 1, 2)


class Layers(nn.Sequential):
    """Layers one after the other; those that modulate get the style (N, d_s), too."""

    def forward(self, x: Tensor, z_s: Tensor | None = None) -> Tensor:
        for layer in self:
            styled = isinstance(layer, Modulation | Layers | ResidualBlock)
            x = layer(x, z_s) if styled else layer(x)
        return x


def norm(channels: int, style_dim: int) -> list[nn.Module]:
    """Batch norm, and with `style_dim` > 0 what a style of so many dimensions makes of it."""
    return [nn.BatchNorm2d(channels), *modulation(channels, style_dim)]


def modulation(channels: int, style_dim: int) -> list[nn.Module]:
    return [Modulation(style_dim, channels)] if style_dim else []


class ResidualBlock(nn.Module):
    """Two convolutions with batch norm; GELU after the first and after the sum.

    The first convolution takes the stride, and changes the width; in a transposed block it keeps
    the width and the second changes it. The shortcut is a 1x1 convolution with batch norm where
    width or size change. With `style_dim` > 0 a style of so many dimensions modulates both norms.
    """

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: Size,
        stride: Size = (1, 1),
        *,
        transposed: bool = False,
        style_dim: int = 0,
    ) -> None:
        super().__init__()
        middle = channels if transposed else out
        self.body = Layers(
            conv(channels, middle, kernel, stride, transposed=transposed),
            *norm(middle, style_dim),
            nn.GELU(),
            conv(middle, out, kernel, transposed=transposed),
            *norm(out, style_dim),
        )
        self.shortcut: nn.Module = nn.Identity()
        if channels != out or stride != (1, 1):
            self.shortcut = nn.Sequential(
                conv(channels, out, (1, 1), stride, transposed=transposed), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor, z_s: Tensor | None = None) -> Tensor:
        return nn.functional.gelu(self.body(x, z_s) + self.shortcut(x))


class Pointwise(nn.Conv2d):
    """A 1x1 convolution with a stride: of the pixels that are kept one without.

    PyTorch 2.13.0 dies in its backward pass on CPUs with channels last and few channels (4 to 8 on
    512x32: signal 11).
    """

    def forward(self, x: Tensor) -> Tensor:
        down, right = self.stride
        if x.requires_grad:  # a gradient in another order would slow down all layers before
            x = x.view_as(x)
            x.register_hook(channels_last)
        kept = channels_last(x[:, :, ::down, ::right])
        return nn.functional.conv2d(kept, self.weight, self.bias)


class SmallMaps(nn.Conv2d):
    """A "same"-padded convolution of stride 1 that is one matrix product on maps far smaller than
    its kernel, where most of the kernel meets padding alone and every output sees every input.

    The same weights give the same values but for rounding.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not _far_smaller(x, self):
            return super().forward(x)
        seen = _from_everywhere(self.weight, x)  # (H x W x O, H x W x C)
        return _map_of(nn.functional.linear(_flat(x), seen), x, self.bias)


class SmallMapsTransposed(nn.ConvTranspose2d):
    """The same of a transposed convolution."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if not _far_smaller(x, self):
            return super().forward(x, output_size)
        reached = _from_everywhere(self.weight, x)  # (H x W x C, H x W x O)
        return _map_of(_flat(x) @ reached, x, self.bias)


def _far_smaller(x: Tensor, layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """Whether the kernel reaches everywhere from everywhere, and a CPU is faster at the product,
    whose work grows with the square of the map."""
    (height, width), (down, right) = x.shape[2:], layer.kernel_size
    small = (
        height <= down // 2 + 1 and width <= right // 2 + 1 and 3 * height * width < down * right
    )
    return small and layer.stride == (1, 1) and x.device.type == "cpu"


class _FromEverywhere(torch.autograd.Function):
    """A kernel (I, J, kh, kw) with its middle on each place of a map of height x width in turn ->
    (H x W x I, H x W x J): what it has on every place then.

    A Function for the way back: PyTorch's would make a whole kernel of zeros for every place.
    """

    @staticmethod
    def forward(context: Any, weight: Tensor, height: int, width: int) -> Tensor:
        context.of = weight.shape, height, width
        last = weight.permute(0, 2, 3, 1)  # channels last, as it lies
        parts = [part.flatten(1) for part in _parts(last, height, width)]
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (inputs, outputs, down, right), height, width = context.of
        summed = gradients[0].new_zeros(inputs, down, right, outputs)
        places = gradients[0].view(height * width, inputs, height, width, outputs)
        for part, gradient in zip(_parts(summed, height, width), places, strict=True):
            part += gradient
        return summed.permute(0, 3, 1, 2), None, None


def _parts(last: Tensor, height: int, width: int) -> list[Tensor]:
    """Of a kernel (I, kh, kw, J) what lies on the map, with its middle on each place."""
    down, right = last.shape[1] // 2, last.shape[2] // 2
    return [
        last[:, down - i : down - i + height, right - j : right - j + width]
        for i in range(height)
        for j in range(width)
    ]


def _from_everywhere(weight: Tensor, x: Tensor) -> Tensor:
    if torch.is_autocast_enabled(x.device.type):
        weight = weight.to(torch.get_autocast_dtype(x.device.type))
    made: Tensor = _FromEverywhere.apply(weight, *x.shape[2:])
    return made


def _flat(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H x W x C), as it lies with channels last."""
    return x.permute(0, 2, 3, 1).flatten(1)


def _map_of(flat: Tensor, x: Tensor, bias: Tensor | None) -> Tensor:
    """(N, H x W x O) -> (N, O, H, W), of x's height and width."""
    y = flat.view(len(x), *x.shape[2:], -1)
    return (y if bias is None else y + bias).permute(0, 3, 1, 2)


def conv(
    channels: int, out: int, kernel: Size, stride: Size = (1, 1), *, transposed: bool = False
) -> nn.Module:
    """A "same"-padded convolution with bias: its output is the input's size over the stride."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    if transposed:
        return SmallMapsTransposed(channels, out, kernel, stride, padding)
    kind = Pointwise if kernel == (1, 1) != stride else SmallMaps
    return kind(channels, out, kernel, stride, padding)
