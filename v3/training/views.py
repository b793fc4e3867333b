"""Changes of a single fragment that leave its content as it is: where it lies, how sharp it is.

Each fragment is changed in its own way (style changes, one draw a sample, are in `augment.py`).
The decoder is always asked for the fragment as it was.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

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

    def draw(count: int, most: float) -> Tensor:
        return (torch.rand(len(flat), count, generator=generator) * 2 - 1) * most

    affine = torch.zeros(len(flat), 2, 3)
    sides = torch.tensor([1.0, float(kind == "images")])  # width and height
    stretch = (draw(2, params.zoom) * sides).exp()
    affine[:, 0, 0], affine[:, 1, 1] = stretch.unbind(1)
    affine[:, 0, 1] = draw(1, params.zoom)[:, 0] * sides[1]
    affine[:, :, 2] = draw(2, 2 * params.shift) * sides  # the grid is 2 wide and 2 high
    grid = affine_grid(affine, list(flat.shape), align_corners=False).to(x.device)
    return grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(x)


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
        share = torch.rand(b, generator=generator)
        share = share * (torch.rand(b, generator=generator) < params.blur)
        x = torch.lerp(x, coarse, share.to(x.device).view(-1, 1, 1, 1, 1))
    if params.noise > 0:
        size = params.noise * torch.rand(b, n, 1, 1, 1, generator=generator) * x.std().cpu()
        x = x + (torch.randn(x.shape, generator=generator) * size).to(x.device)
    return x
