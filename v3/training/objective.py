"""All terms of the training loss of one batch, by the names of their weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from v3.base.processes import gather
from v3.model.v3 import V3, Batch
from v3.training.augment import augment
from v3.training.loss import (
    agreement,
    contrast,
    contrast_weights,
    decorrelation,
    discrimination,
    hinges,
    reconstruction_error,
    variability,
)
from v3.training.params import TrainParams
from v3.training.views import degrade, move


@dataclass(frozen=True)
class Objective:
    """What one batch of b samples with n fragments gave, those of all processes."""

    batch: Batch  # x_hat alone is of this process's samples
    terms: dict[str, Tensor]  # each term of the loss
    statistics: dict[str, Tensor]  # the variabilities that the hinges compare
    error: Tensor  # (b * n,): each fragment's reconstruction error, as the loss weighs it


def objective(
    model: V3,
    x: Tensor,
    params: TrainParams,
    generator: Generator,
    distinct: Tensor | None = None,
) -> Objective:
    """Network input (b, n, C, H, W) in its random changes of style through the model.

    `distinct` (b, n) is false for a fragment that stands in its sample a second time; None: all
    are true. Of several processes each gives its part of the samples, with all of `distinct`.
    """
    styled, seen = changed(x, params, generator)
    other = None
    with torch.autocast(x.device.type, torch.bfloat16, enabled=params.precision == "bfloat16"):
        batch = model(seen, generator)
        if params.weights.agreement > 0 or params.weights.discrimination > 0:
            again = degrade(changed(x, params, generator)[1], params.view, generator)
            with kept_statistics(model):
                other = model.embed_samples(again)[0].view_as(batch.z_c)
    batch, other = whole(batch, other)
    statistics = variability(
        batch.z_c,
        batch.z_q,
        batch.z_s,
        supersampling=params.supersampling,
        style_window=params.style_window,
        distinct=distinct,
    )
    error = part_of_variance(model, batch.x_hat.float(), styled, params)  # (b, n)
    if params.relative_error:
        error, variance = gather(error, contrast(styled))
        error = error * contrast_weights(variance)[:, None]
    else:
        (error,) = gather(error)
    terms = {
        "reconstruction": error.mean(),
        **hinges(statistics, params.relativity),
        "commitment": batch.commitment,
        "decorrelation": decorrelation(batch.z_s, distinct),
        "agreement": x.new_zeros(()),
        "discrimination": x.new_zeros(()),
    }
    view = params.view
    if other is not None and params.weights.agreement > 0:
        one, two = batch.z_c.flatten(0, 1), other.flatten(0, 1)
        atoms = model.quantizer.atoms
        terms["agreement"] = agreement(one, two, atoms, view.temperature, view.evenness)
    if other is not None and params.weights.discrimination > 0:
        terms["discrimination"] = discrimination(batch.z_c, other, view.discrimination, distinct)
    return Objective(batch, terms, statistics, error.detach().flatten())


class Loss(nn.Module):
    """`objective` as a module: what is wrapped to share a model's gradients among processes."""

    def __init__(self, model: V3, params: TrainParams) -> None:
        super().__init__()
        self.model, self.params = model, params

    def forward(self, x: Tensor, generator: Generator, distinct: Tensor | None = None) -> Objective:
        return objective(self.model, x, self.params, generator, distinct)


def whole(batch: Batch, other: Tensor | None) -> tuple[Batch, Tensor | None]:
    """A batch's content and style, and its second view's content, of all processes."""
    views = [] if other is None else [other]
    z_c, z_q, z_s, codes, commitment, *views = gather(
        batch.z_c, batch.z_q, batch.z_s, batch.codes, batch.commitment[None], *views
    )
    found = replace(batch, z_c=z_c, z_q=z_q, z_s=z_s, codes=codes, commitment=commitment.mean())
    return found, views[0] if views else None


def part_of_variance(model: V3, x_hat: Tensor, x: Tensor, params: TrainParams) -> Tensor:
    """Reconstruction errors (b, n) of (b, n, C, H, W), as parts of the data's variance."""
    height, width = x.shape[3:]
    share = params.forgiven_shift if params.kind == "images" else 0.0
    shift = round(share * height), round(share * width)
    variance = model.info.variance
    flat = x_hat.flatten(0, 1), x.flatten(0, 1)
    error = reconstruction_error(*flat, shift, params.in_place) / variance
    return error.view(x.shape[:2])


def changed(x: Tensor, params: TrainParams, generator: Generator) -> tuple[Tensor, Tensor]:
    """The batch in another style, which the decoder is asked for, and what the encoder sees."""
    with torch.no_grad():
        styled = augment(x, params.augment, params.kind, generator)
        return styled, move(styled, params.view, params.kind, generator)


@contextmanager
def kept_statistics(model: nn.Module) -> Iterator[None]:
    """Batch norms go on normalising by their batch, and leave the statistics for evaluation alone.

    Those are of fragments as evaluation has them, not of blurred and noisy second views.
    """
    norms = [
        layer for layer in model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)
    ]
    kept = [layer.track_running_stats for layer in norms]
    try:
        for layer in norms:
            # a layer in evaluation mode reads its statistics, which it would no longer do
            layer.track_running_stats = not layer.training
        yield
    finally:
        for layer, before in zip(norms, kept, strict=True):
            layer.track_running_stats = before
