"""The training loop. Nothing here ever sees a label.

All randomness of step t comes from the seed and from t, never from what ran before: an interrupted
training that goes on from a checkpoint ends with the same bits as one that never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v3.base import processes
from v3.base.errors import V3Error
from v3.base.params_file import Machine
from v3.base.progress import Progress
from v3.fragments.reader import Fragments
from v3.model.about import ModelInfo, StyleChannel
from v3.model.spec import Spec
from v3.model.v3 import V3, network_input
from v3.training.augment import check_kind
from v3.training.batches import Batch, Batches
from v3.training.checkpoint import Checkpoints
from v3.training.loss import weighted_total
from v3.training.machine import choose_device, use_threads
from v3.training.objective import Loss, changed, part_of_variance
from v3.training.params import TrainParams
from v3.training.relocate import looks, relocate
from v3.training.state import Row, State, mean_row, note_best

LOG_EVERY = 20  # steps that a row of the history averages over, or fewer up to a validation
VALIDATION_FRAGMENTS = 4000  # at the most: enough for three digits of the error
VARIANCE_FRAGMENTS = 4000  # at the most, evenly over the training samples


def train(
    fragments: str | Path,
    training: Sequence[int],
    validation: Sequence[int],
    spec: Spec,
    params: TrainParams,
    machine: Machine,
    checkpoints: Checkpoints,
    log: Callable[[Row], None] | None = None,
    section: str = "train",
) -> tuple[V3, State]:
    """Train on the sample rows `training` of a fragment file; the best weights by `validation`.

    Best is the least reconstruction error on the validation samples, which needs no label. `log`
    gets each row of the history, those from before an interruption first. `section` names the
    parameters in errors.
    """
    device = choose_device(machine.device)
    use_threads(machine)
    model = build(fragments, training, spec, params, section).to(device)
    processes.share_norms(model)
    optimiser = make_optimiser(model, params)
    batches = Batches(
        fragments,
        training,
        params.batch_samples,
        params.fragments_per_sample,
        params.seed,
        machine.memory_gb / processes.here(),
        (processes.rank(), processes.count()),
    )
    batches.move_to(device)
    held_out = validation_set(fragments, validation, params).to(device)
    state = State()
    saved = processes.from_first(checkpoints.load() if processes.first() else None)
    if saved is not None:
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        state = State(**saved["state"])
    loss = processes.share_gradients(Loss(model, params))
    log = log if log and processes.first() else _ignore
    for row in state.history:
        log(row)

    clock = time.monotonic() - state.seconds
    source = batches.from_step(state.step, params.steps, machine.loaders)
    moves = looks(params)
    progress = Progress(
        source, total=params.steps, initial=state.step, unit="step", shown=processes.first()
    )
    for batch in progress:
        state.pending.append(
            training_step(model, optimiser, batch, state, batches.per_epoch, params, loss)
        )
        state.step += 1
        if state.step in moves:
            state.pending[-1]["codes/replaced"] += relocate(model, batches, state.step, params)
        last = state.step == params.steps
        validates = last or state.step % params.validate_every == 0
        saves = state.step % machine.checkpoint_every == 0 and not last
        if validates or saves or state.step % LOG_EVERY == 0:
            read_pending(state, params, section)
        if validates or state.step % LOG_EVERY == 0:
            row = mean_row(state, time.monotonic() - clock, params)
            if validates:
                row |= processes.from_first(
                    validate(model, held_out, params) if processes.first() else {}
                )
                note_best(state, model, row["validation/error"], params)
                progress.note(f"validation error {row['validation/error']:.5f}")
            state.history.append(row)
            log(row)
        if params.patience and state.waited > params.patience:
            break
        if saves and processes.first():
            checkpoints.save(
                {
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "state": vars(state),
                }
            )
    finite = all(bool(value.isfinite().all()) for value in state.best.values())
    require_finite(state.best_error if finite else math.nan, state.step, params, section)
    model.load_state_dict(state.best)
    return model.cpu().eval(), state


def training_step(
    model: V3,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    state: State,
    steps_per_epoch: int,
    params: TrainParams,
    loss: nn.Module | None = None,
) -> dict[str, Tensor]:
    """One update on raw fragments (b, n, C, H, W); returns the losses and statistics.

    A GPU is not waited for to read the numbers: that is done when somebody wants them. `loss`: the
    model's `Loss` as it shares gradients among processes, if there are several.
    """
    raw, distinct = batch[0].to(model.device), batch[1]
    repeats = None if bool(distinct.all()) else distinct.to(model.device)
    generator = torch.Generator().manual_seed(params.seed * 1_000_003 + state.step)
    for group in optimiser.param_groups:
        group["lr"] = learning_rate(state.step, steps_per_epoch, params)
    model.train()
    x = network_input(raw, model.info)
    if state.step == 0:
        with torch.no_grad():
            seen = changed(x, params, generator)[1]
            (z_c,) = processes.gather(model.embed_samples(seen)[0])
            model.quantizer.start(z_c, params.seed)
    result = (loss or Loss(model, params))(x, generator, repeats)
    passed, terms = result.batch, result.terms
    total = weighted_total(terms, params.weights.model_dump())
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    if params.clip_norm > 0:
        torch.nn.utils.clip_grad_norm_(model.parameters(), params.clip_norm)
    optimiser.step()
    late = state.step >= params.late_after * params.steps
    replaced = model.quantizer.update(
        passed.z_c.detach().flatten(0, 1),
        passed.codes,
        result.error,
        params.late_threshold if late else params.dead_atom_threshold,
        generator,
    )
    usage = nn.functional.one_hot(passed.codes, model.spec.atoms).float().mean(0)
    row = {"loss/total": total, **{f"loss/{k}": v for k, v in terms.items()}}
    row |= {f"variability/{k}": v for k, v in result.statistics.items()}
    row |= {"codes/perplexity": perplexity(usage), "codes/active": (usage > 0).sum()}
    row["codes/replaced"] = replaced
    return {name: value.detach() for name, value in row.items()}


def read_pending(state: State, params: TrainParams, section: str = "train") -> None:
    """The numbers of the steps that `state` has not read yet, all at once.

    `V3Error` if a loss is no number.
    """
    if not state.pending:
        return
    values = torch.stack(
        [torch.stack([*map(torch.Tensor.float, row.values())]) for row in state.pending]
    )
    first = state.step - len(state.pending)
    for step, (row, found) in enumerate(zip(state.pending, values.tolist(), strict=True), first):
        numbers = dict(zip(row, found, strict=True))
        require_finite(numbers["loss/total"], step, params, section)
        state.rows.append(numbers)
    state.pending = []


def build(
    fragments: str | Path,
    training: Sequence[int],
    spec: Spec,
    params: TrainParams,
    section: str = "train",
) -> V3:
    """A new model for a fragment file, its weights drawn from the seed."""
    with Fragments(fragments) as file:
        x = some_input(file, training)
        info = ModelInfo(
            **vars(file.source), fragment_shape=file.shape, variance=data_variance(x, file.path)
        )
    limits = float(x.min()), float(x.max())
    check_kind(params, *limits, section)
    style = StyleChannel(
        pooling=params.style_pooling,
        standardise=params.style_standardise,
        noise=params.style_noise,
    )
    torch.manual_seed(params.seed)
    model = V3(spec, info, style, params.codebook_decay)
    model.training_params = params.model_dump(mode="json")
    return model


def some_input(file: Fragments, training: Sequence[int]) -> NDArray[np.float32]:
    """Network input (N, C, H, W) of fragments spread evenly over the samples `training`."""
    rows = file.rows_of(training)
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), VARIANCE_FRAGMENTS)).astype(int)]
    x: NDArray[np.float32] = file.read(chosen).astype(np.float32)
    x -= np.float32(file.source.offset)
    x *= np.float32(file.source.scale)
    return x


def data_variance(x: NDArray[np.float32], path: Path) -> float:
    """Mean squared deviation of network input (N, C, H, W) from its mean fragment.

    That is the error of a decoder that knows nothing, and so the unit of the reconstruction error.
    `V3Error` by the file's path if all fragments are the same.
    """
    variance = float(x.var(axis=0, dtype=np.float64).mean())
    if not variance > 0:
        raise V3Error(f"{path}: all fragments of training are the same, so nothing can be learnt.")
    return variance


def make_optimiser(model: V3, params: TrainParams) -> torch.optim.Optimizer:
    """AdamW or Adam over all weights (the codebook has none that learn by gradient)."""
    kind = torch.optim.AdamW if params.optimiser == "adamw" else torch.optim.Adam
    return kind(
        model.parameters(),
        fused=True,
        lr=params.learning_rate,
        betas=params.betas,
        weight_decay=params.weight_decay,
    )


def learning_rate(step: int, steps_per_epoch: int, params: TrainParams) -> float:
    """Linear warm-up, then constant, cosine, or the published steps; never under the floor."""
    factor = 1.0
    if params.schedule == "cosine":
        done = step / params.steps
        factor = (
            params.final_factor + (1 - params.final_factor) * (1 + math.cos(math.pi * done)) / 2
        )
    elif params.schedule == "step":
        epoch = step // steps_per_epoch
        factor = max(params.step_factor ** (epoch // params.step_epochs), params.final_factor)
    if step < params.warmup_steps:
        factor *= (step + 1) / params.warmup_steps
    return params.learning_rate * factor


def validation_set(fragments: str | Path, samples: Sequence[int], params: TrainParams) -> Tensor:
    """Fragments (s, n, C, H, W) of validation samples, the same ones every time."""
    n = params.fragments_per_sample
    count = max(1, min(len(samples), VALIDATION_FRAGMENTS // n))
    return Batches(fragments, samples, count, n, seed=0, memory_gb=0)[0][0]


@torch.inference_mode()
def validate(model: V3, held_out: Tensor, params: TrainParams) -> Row:
    """Reconstruction error and code usage on held-out samples; noise and labels have no part."""
    model.eval()
    error, codes = [], []
    for raw in held_out.split(32):
        x = network_input(raw, model.info)
        batch = model(x)
        error.append(part_of_variance(model, batch.x_hat, x, params).mean(1))
        codes.append(batch.codes)
    usage = torch.bincount(torch.cat(codes), minlength=model.spec.atoms) / sum(map(len, codes))
    return {
        "validation/error": float(torch.cat(error).mean()) * model.info.variance,
        "validation/perplexity": float(perplexity(usage)),
    }


def perplexity(usage: Tensor) -> Tensor:
    """exp of the entropy of the shares (K,): how many codes are in even use."""
    return torch.special.entr(usage.float()).sum().exp()


def require_finite(loss: float, step: int, params: TrainParams, section: str) -> None:
    """Stop at a loss that is no number."""
    if not math.isfinite(loss):
        raise V3Error(
            f"the loss is {loss} at step {step}: lower {section}.learning_rate "
            f"(is {params.learning_rate:g}) or set {section}.clip_norm, and run it again."
        )


def _ignore(_: Row) -> None:
    """For those who want no log."""
