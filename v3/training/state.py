"""Where a training stands, and what it has measured so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from v3.training.params import TrainParams

Row = dict[str, float]


@dataclass
class State:
    """What a checkpoint holds beside weights and optimiser."""

    step: int = 0
    history: list[Row] = field(default_factory=list)
    best_error: float = math.inf
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    reference_error: float = math.inf  # the last real improvement
    waited: int = 0  # validations since then
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)  # of the steps since the history's last row
    pending: list[dict[str, Tensor]] = field(default_factory=list)  # of those, not read yet


def note_best(state: State, model: nn.Module, error: float, params: TrainParams) -> None:
    """Keep the weights if they are the best so far; count the wait for a real improvement."""
    if error < state.best_error:
        state.best_error, state.best_step = error, state.step
        state.best = {name: value.detach().clone() for name, value in model.state_dict().items()}
    if error < state.reference_error * (1 - params.min_improvement):
        state.reference_error, state.waited = error, 0
    else:
        state.waited += 1


def mean_row(state: State, seconds: float, params: TrainParams) -> Row:
    """The mean of the rows since the last time, with step and throughput."""
    rows, state.rows = state.rows, []
    row = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    fragments = len(rows) * params.batch_samples * params.fragments_per_sample
    row["throughput/fragments_per_second"] = fragments / max(seconds - state.seconds, 1e-9)
    state.seconds = seconds
    return {"step": float(state.step), **row}


def training_figures(state: State) -> Row:
    """What training measured, without a label and without the clock."""
    best = next(row for row in state.history if row["step"] == state.best_step)
    return {
        "steps": state.step,
        "best_step": state.best_step,
        "validation_error": state.best_error,
        "validation_perplexity": best["validation/perplexity"],
    }
