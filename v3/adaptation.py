"""Adaptation to a few samples of unseen styles: no labels, the codebook frozen."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from v3.augment import augment
from v3.batches import Batches
from v3.errors import V3Error
from v3.loss import weighted_total
from v3.model import V3, network_input
from v3.objective import loss_terms
from v3.params import FewShotParams, TrainParams


def adapt(
    model: V3,
    fragments: str | Path,
    samples: Sequence[int],
    params: FewShotParams,
    train: TrainParams,
) -> V3:
    """A copy of the model after `passes` over the samples with the training loss.

    The codebook does not move, so a code keeps the meaning that it had before. Deterministic
    under `params.seed`. Raises `V3Error` for fewer than two samples: the loss compares samples.
    """
    if len(samples) < 2:
        raise V3Error(f"adaptation needs at least 2 samples, has {len(samples)}.")
    adapted = copy.deepcopy(model).train()
    batches = Batches(
        fragments,
        samples,
        min(train.batch_samples, len(samples)),
        train.fragments_per_sample,
        params.seed,
        train.memory_gb,
    )
    optimiser = torch.optim.AdamW(adapted.parameters(), params.learning_rate, weight_decay=0.0)
    for step in range(params.passes * batches.per_epoch):
        generator = torch.Generator().manual_seed(params.seed * 1_000_003 + step)
        x = network_input(batches[step].to(adapted.device), adapted.info)
        x = augment(x, train.augment, generator)
        terms, _ = loss_terms(adapted(x, generator), x, train)
        optimiser.zero_grad(set_to_none=True)
        weighted_total(terms, asdict(train.weights)).backward()
        optimiser.step()
    return adapted.eval()
