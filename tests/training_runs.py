"""Trainings of a few steps on the tiny corpus, on one thread, and what is compared of them."""

from __future__ import annotations

from typing import Any

import torch

from v3.base.params_file import Machine
from v3.params import load_params
from v3.training.checkpoint import Checkpoints
from v3.training.loop import train
from v3.training.params import TrainParams

PARAMS = load_params()


def replace(params: TrainParams, **changes: Any) -> TrainParams:
    """Other parameters, checked as those of the file are."""
    return TrainParams.model_validate(dict(params) | changes)


def machine(**changes: Any) -> Machine:
    return PARAMS.machine.model_copy(update={"threads": 1, "checkpoint_every": 20, **changes})


def few_steps() -> TrainParams:
    return replace(
        PARAMS.sections["phonenums"]["train"],
        steps=120,
        batch_samples=4,
        fragments_per_sample=4,
        validate_every=40,
        patience=0,
    )


def run(tiny, spec, params, checkpoints=None, log=None, **of_machine):
    checkpoints = checkpoints or Checkpoints("none", {}, [])
    return train(
        tiny.path,
        tiny.training,
        tiny.validation,
        spec,
        params,
        machine(**of_machine),
        checkpoints,
        log,
    )


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
