"""All terms of the training loss of one batch, by the names of their weights."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import mse_loss

from v3.loss import decorrelation, hinges, variability
from v3.model import Batch
from v3.params import TrainParams


def loss_terms(
    batch: Batch, x: Tensor, params: TrainParams
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every term of the loss, and the variability statistics that the hinges compare."""
    statistics = variability(
        batch.z_c,
        batch.z_q,
        batch.z_s,
        supersampling=params.supersampling,
        style_window=params.style_window,
    )
    terms = {
        "reconstruction": mse_loss(batch.x_hat.float(), x),
        **hinges(statistics, params.relativity),
        "commitment": batch.commitment,
        "decorrelation": decorrelation(batch.z_s),
    }
    return terms, statistics
