"""What a few updates make of a model, by one process or, run by torchrun, by several.

`python -m one_step <case> <fragments> <file for the results>`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from conftest import TINY_SPEC
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from training_runs import few_steps, machine, replace

from v3.base import processes
from v3.model.spec import Spec
from v3.training.batches import Batches
from v3.training.loop import State, build, make_optimiser, training_step
from v3.training.machine import use_threads
from v3.training.objective import Loss
from v3.training.params import TrainParams
from v3.training.relocate import relocate

SAMPLES = range(16)
UPDATES = 2
CASES = ("images", "spectrograms")


def parts(case: str) -> tuple[Spec, TrainParams]:
    """Spec and parameters in which everything takes part that looks at a whole batch."""
    params = few_steps()
    weights = params.weights.model_copy(update={"agreement": 1.0, "discrimination": 0.5})
    moved = {"shift": 0.1, "zoom": 0.1, "blur": 0.5, "noise": 0.3}
    changes: dict[str, Any] = {
        "batch_samples": 8,
        "fragments_per_sample": 5,  # more than some samples have: they repeat
        "weights": weights,
        "view": params.view.model_copy(update=moved),
        "style_noise": 0.2,
        "dead_atom_threshold": 0.9,
        "learning_rate": 1e-7,
    }
    # So many atoms that no two samples choose the same ones: the means of those would differ by
    # rounding alone, and the gradient of their distance is a vector of length 1.
    spec = TINY_SPEC | {"atoms": 12}
    if case == "images":
        changes |= {"style_standardise": False, "forgiven_shift": 0.125, "in_place": 0.5}
    else:
        of_light = {"invert": 0.0, "frequency_mask": 0.3}
        changes |= {
            "kind": "spectrograms",
            "supersampling": True,
            "style_window": 3,
            "style_standardise": True,
            "relative_error": True,
            "augment": params.augment.model_copy(update=of_light),
        }
        spec |= {"sample_norm": True, "cepstra": 4, "conditioning": "modulate"}
    return Spec.from_dict(spec), replace(params, **changes)


def updates(case: str, fragments: str | Path) -> dict[str, torch.Tensor]:
    """Losses and statistics of each update, and the last gradients, codebook and averages."""
    spec, params = parts(case)
    use_threads(machine())
    model = build(fragments, SAMPLES, spec, params)
    processes.share_norms(model)
    optimiser = make_optimiser(model, params)
    share = processes.rank(), processes.count()
    batches = Batches(
        fragments, SAMPLES, params.batch_samples, params.fragments_per_sample, 0, 1.0, share
    )
    loss = processes.share_gradients(Loss(model, params))
    state, found = State(), dict[str, torch.Tensor]()
    for step in range(UPDATES):
        state.step = step
        row = training_step(
            model, optimiser, batches[step], state, batches.per_epoch, params, loss=loss
        )
        found |= {f"{step} {name}": torch.tensor(value) for name, value in row.items()}
    before_norms = set(biases_before_norms(model))
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        if name not in before_norms:
            found[f"gradient of {name}"] = weight.grad
    found["moved"] = torch.tensor(relocate(model, batches, UPDATES, params))
    return found | dict(model.named_buffers())


def biases_before_norms(model: nn.Module) -> Iterator[str]:
    """A batch norm takes them off again, so their gradient is rounding and no more."""
    for name, layers in model.named_modules():
        if isinstance(layers, nn.Sequential):
            for place, layer in enumerate(layers[1:]):
                if isinstance(layer, _BatchNorm):
                    yield f"{name}.{place}.bias"


if __name__ == "__main__":
    with processes.joined():
        made = updates(sys.argv[1], sys.argv[2])
        if processes.first():
            torch.save(made, sys.argv[3])
