"""Changes of a single fragment that leave its content as it is: where it lies, how sharp it is.

Each fragment is changed in its own way (style changes, one draw a sample, are in `augment.py`).
The decoder is always asked for the fragment as it was.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

from v3.base.processes import rand, randn_like, std
from v3.training.params import ViewParams

SOFT = 4  # elements: the coarse grid that a blurred fragment is drawn from


def move(x: Tensor, params: ViewParams, kind: str, generator: Generator) -> Tensor:
    """Fragments (b, n, C, H, W), each shifted, stretched and slanted; edges are repeated.

    Shifts are parts of height and width, stretches factors e^(-+ zoom) of each, slants up to zoom.
    Spectrograms are moved in time alone, for the height of a line in one is its pitch.
    """
    if not (params.shift or params.zoom):
        return x
    flat = x.flatten(0, 1)

    def draw(most: float) -> Tensor:
        return ((rand(len(flat), 1, generator=generator) * 2 - 1) * most).to(x.device)

    wide, along = draw(params.zoom).exp(), draw(2 * params.shift)  # the grid is 2 wide and 2 high
    across = _middles(x.shape[4], x.device) * wide + along  # (b n, W)
    if kind == "spectrograms":
        return _resample(flat, across).view_as(x)
    high, slant, down = draw(params.zoom).exp(), draw(params.zoom), draw(2 * params.shift)
    rows = _middles(x.shape[3], x.device)
    grid = torch.empty(len(flat), *x.shape[3:], 2, device=x.device)
    grid[..., 0] = across[:, None] + (rows * slant)[:, :, None]
    grid[..., 1] = (rows * high + down)[:, :, None]
    return grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(x)


def _middles(size: int, device: torch.device) -> Tensor:
    """Middles of `size` pixels on a line from -1 to 1."""
    return (2 * torch.arange(size, device=device) + 1) / size - 1


def _resample(x: Tensor, places: Tensor) -> Tensor:
    """x (N, C, H, W) at the `places` (N, W) of its width, -1 to 1, between two columns linearly."""
    width = x.shape[3]
    column = (((places + 1) * width - 1) / 2).clamp(0, width - 1)
    distance = torch.arange(width, device=x.device)[:, None] - column[:, None]  # (N, W, W)
    return ((1 - distance.abs()).clamp_min(0).mT @ x.flatten(1, 2).mT).mT.view_as(x)


def degrade(x: Tensor, params: ViewParams, generator: Generator) -> Tensor:
    """Fragments (b, n, C, H, W), some samples blurred, all with noise of their own size.

    `blur` is the share of samples, `noise` the most noise, in standard deviations of the batch.
    """
    b, n = x.shape[:2]
    if params.blur > 0:
        flat = x.flatten(0, 1)
        coarse = interpolate(
            avg_pool2d(flat, SOFT), flat.shape[2:], mode="bilinear", align_corners=False
        ).view_as(x)
        share = rand(b, generator=generator)
        share = share * (rand(b, generator=generator) < params.blur)
        x = torch.lerp(x, coarse, share.to(x.device).view(-1, 1, 1, 1, 1))
    if params.noise > 0:
        size = params.noise * rand(b, n, 1, 1, 1, generator=generator).to(x.device) * std(x)
        x = x + randn_like(x, generator) * size
    return x
