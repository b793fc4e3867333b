"""Adaptation to a few samples of unseen styles: no labels, the codebook frozen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from v3.base.errors import V3Error
from v3.base.params_file import Machine
from v3.evaluation.params import FewShotParams
from v3.model.v3 import V3, network_input
from v3.training.batches import Batches
from v3.training.loss import weighted_total
from v3.training.machine import use_threads
from v3.training.objective import objective
from v3.training.params import TrainParams

FEW_FRAGMENTS = 32  # of a batch: mean and variance of fewer say too little to normalise by
MOST_UPDATES = 50  # however many samples there are to adapt to


def adapt(
    model: V3,
    fragments: str | Path,
    samples: Sequence[int],
    params: FewShotParams,
    train: TrainParams,
    machine: Machine,
) -> V3:
    """A copy of the model after `passes` over the samples with the training loss.

    The codebook does not move, so a code keeps the meaning that it had before. Of very many
    samples the passes end after 50 updates. Where a batch holds fewer than 32 fragments, its mean
    and variance would lead astray: the norm layers then keep those of training. A single sample
    has no others to differ from; what compares samples then has no gradient. Deterministic under
    `params.seed`. Raises `V3Error` if there is no sample.
    """
    if not len(samples):
        raise V3Error("adaptation needs a sample, has none.")
    use_threads(machine)
    adapted = copy.deepcopy(model).train()
    batches = Batches(
        fragments,
        samples,
        min(train.batch_samples, len(samples)),
        train.fragments_per_sample,
        params.seed,
        machine.memory_gb,
    )
    if batches.b * batches.n < FEW_FRAGMENTS:
        for layer in adapted.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.eval()
    optimiser = torch.optim.AdamW(adapted.parameters(), params.learning_rate, weight_decay=0.0)
    for step in range(min(params.passes * batches.per_epoch, MOST_UPDATES)):
        generator = torch.Generator().manual_seed(params.seed * 1_000_003 + step)
        raw, distinct = batches[step]
        x = network_input(raw.to(adapted.device), adapted.info)
        repeats = None if bool(distinct.all()) else distinct.to(adapted.device)
        terms = objective(adapted, x, train, generator, repeats).terms
        optimiser.zero_grad(set_to_none=True)
        weighted_total(terms, train.weights.model_dump()).backward()
        optimiser.step()
    if not all(bool(value.isfinite().all()) for value in adapted.state_dict().values()):
        raise V3Error(
            "the adaptation ends in numbers that are not finite: lower few_shot.learning_rate "
            f"(is {params.learning_rate:g})."
        )
    return adapted.eval()
