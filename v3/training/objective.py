"""All terms of the training loss of one batch, by the names of their weights."""

from __future__ import annotations

from dataclasses import dataclass
from os import cpu_count

import torch
from torch import Generator, Tensor

from v3.model.v3 import V3, Batch
from v3.params import TrainParams
from v3.training.augment import augment
from v3.training.loss import (
    agreement,
    contrast_weights,
    decorrelation,
    discrimination,
    hinges,
    variability,
)
from v3.training.views import degrade, move


@dataclass(frozen=True)
class Objective:
    """What one batch of b samples with n fragments gave."""

    batch: Batch
    terms: dict[str, Tensor]  # each term of the loss
    statistics: dict[str, Tensor]  # the variabilities that the hinges compare
    error: Tensor  # (b * n,): each fragment's reconstruction error, as the loss weighs it


def objective(model: V3, x: Tensor, params: TrainParams, generator: Generator) -> Objective:
    """Network input (b, n, C, H, W) in its random changes of style through the model."""
    styled, seen = see(x, params, generator)
    other = None
    with torch.autocast(x.device.type, torch.bfloat16, enabled=params.precision == "bfloat16"):
        batch = model(seen, generator)
        if params.weights.agreement > 0 or params.weights.discrimination > 0:
            again = degrade(see(x, params, generator)[1], params.view, generator)
            other = model.embed_samples(again)[0].view_as(batch.z_c)
    statistics = variability(
        batch.z_c,
        batch.z_q,
        batch.z_s,
        supersampling=params.supersampling,
        style_window=params.style_window,
    )
    error = (batch.x_hat.float() - styled).square().mean((2, 3, 4))  # (b, n)
    if params.relative_error:
        error = error * contrast_weights(styled)[:, None]
    terms = {
        "reconstruction": error.mean(),
        **hinges(statistics, params.relativity),
        "commitment": batch.commitment,
        "decorrelation": decorrelation(batch.z_s),
        "agreement": x.new_zeros(()),
        "discrimination": x.new_zeros(()),
    }
    view = params.view
    if other is not None and params.weights.agreement > 0:
        one, two = batch.z_c.flatten(0, 1), other.flatten(0, 1)
        atoms = model.quantizer.atoms
        terms["agreement"] = agreement(one, two, atoms, view.temperature, view.evenness)
    if other is not None and params.weights.discrimination > 0:
        terms["discrimination"] = discrimination(batch.z_c, other, view.discrimination)
    return Objective(batch, terms, statistics, error.detach().flatten())


def see(x: Tensor, params: TrainParams, generator: Generator) -> tuple[Tensor, Tensor]:
    """The batch in another style, which the decoder is asked for, and what the encoder sees."""
    with torch.no_grad():
        styled = augment(x, params.augment, generator)
        return styled, move(styled, params.view, generator)


def use_threads(params: TrainParams) -> None:
    """Take as many CPU threads as the parameters say: sums depend on it in their last bits."""
    torch.set_num_threads(params.threads or cpu_count() or 1)
