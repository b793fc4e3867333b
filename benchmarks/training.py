"""Training: fragments a second of every corpus and network, and where a step's time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.clock import finish, timed
from benchmarks.corpora import Kind, kinds, write_random
from benchmarks.machine import MATRIX_PRODUCT, ROOT
from benchmarks.rows import Bench, Row, scratch
from v3.base.params_file import merge, read_params_file, read_section
from v3.base.schema import read
from v3.model.spec import Spec, chosen_spec
from v3.training.batches import Batches
from v3.training.loop import State, build, make_optimiser, training_step
from v3.training.params import TrainParams

SAME_CONVOLUTIONS = "convolutions alone"
PROFILED = "laptop"  # the networks whose steps are profiled
PUBLISHED = "published"  # the study of the published choices: no second views, no changes of colour
PAPER = "paper"  # the published networks, which are measured by that study, too
TOP = 12  # rows of a profile
NAME = 80  # characters of an operator's: those of templates are endless
BATCHES = 2  # different ones, in turn


@dataclass(frozen=True)
class Training:
    """Everything that a step of training wants; `step` does the next one, as the loop does it."""

    model: nn.Module
    fragments: int  # in a batch
    step: Callable[[], Any]


def names(bench: Bench) -> dict[str, tuple[str, str, str | None]]:
    """All networks of all corpora by the name of their benchmark: (corpus, network, study)."""
    found: dict[str, tuple[str, str, str | None]] = {}
    for corpus in kinds(bench.params):
        networks = dict(bench.params.sections[corpus]["specs"])
        found |= {f"train/{corpus}/{name}": (corpus, name, None) for name in networks}
        if PAPER in networks:
            found[f"{PUBLISHED}/{corpus}"] = (corpus, PAPER, PUBLISHED)
    return found


def measure(bench: Bench) -> Iterator[Row]:
    """A row a network: how much of the matrix product's speed it has, and of the speed that its own
    convolutions have when nothing else is done."""
    for name, (corpus, network, study) in names(bench).items():
        if bench.wants(name):
            with prepared(bench, corpus, network, study) as training:
                yield _measured(bench, name, training)


def profiles(bench: Bench) -> Iterator[tuple[str, Row]]:
    """Of one step of each network that is called `laptop`: its operators by their own time."""
    for name, (corpus, network, study) in names(bench).items():
        if network == PROFILED and bench.wants(name):
            with prepared(bench, corpus, network, study) as training:
                yield name, _profiled(bench, training)


@contextmanager
def prepared(bench: Bench, corpus: str, network: str, study: str | None) -> Iterator[Training]:
    """A training on random fragments, after its first step (which starts the codebook): by the
    corpus's recipe with what the study says otherwise."""
    section = bench.params.sections[corpus]
    raw = read_params_file(ROOT / "params.yaml")
    params = train_params(bench, read_section(raw, corpus, "train", TrainParams, study))
    spec = chosen_spec(network, section["specs"], corpus)
    with scratch() as folder:
        yield begin(bench, corpus, kinds(bench.params)[corpus], spec, params, folder)


def train_params(bench: Bench, params: TrainParams) -> TrainParams:
    """The recipe with what the command line says otherwise."""
    changes = dict(bench.train)
    if bench.length.batch is not None:
        changes["batch_samples"] = bench.length.batch
    return read(TrainParams, merge(params.model_dump(), changes), "train")


def begin(
    bench: Bench, corpus: str, kind: Kind, spec: Spec, params: TrainParams, folder: Path
) -> Training:
    """The same of these parameters, its fragments in a file of the folder."""
    b, n = params.batch_samples, params.fragments_per_sample
    # k-means starts the codebook from one batch, which must hold as many fragments as it has atoms
    spec = spec.model_copy(update={"atoms": min(spec.atoms, b * n)})
    path = write_random(folder / "fragments.h5", corpus, kind, b * BATCHES, n)
    samples = list(range(b * BATCHES))
    model = build(path, samples, spec, params).to(bench.device)
    optimiser = make_optimiser(model, params)
    batches = Batches(path, samples, b, n, params.seed, bench.params.machine.memory_gb)
    state = State()

    def step() -> None:
        batch = batches[state.step]
        training_step(model, optimiser, batch, state, batches.per_epoch, params)
        state.step += 1

    step()
    return Training(model, b * n, step)


def _measured(bench: Bench, name: str, training: Training) -> Row:
    alone, operations = _convolutions(bench, training)
    timing = timed(training.step, bench.length, bench.device)
    row = bench.row(
        name, timing, training.fragments, "fragments", operations=(operations, MATRIX_PRODUCT)
    )
    row["shares"][SAME_CONVOLUTIONS] = alone / timing.seconds
    return row


# A layer, its input's shape and strides (the order in memory decides what runs), and whether the
# input wants a gradient.
Called = tuple[nn.Module, tuple[int, ...], tuple[int, ...], bool]


def _convolutions(bench: Bench, training: Training) -> tuple[float, float]:
    """Seconds that the convolutions of a step take, forwards and backwards, when each is called
    alone with input of its shape; operations of the whole step."""
    calls: list[Called] = []

    def note(layer: nn.Module, given: tuple[Tensor, ...], _: Any) -> None:
        x = given[0]
        calls.append((layer, tuple(x.shape), x.stride(), x.requires_grad))

    layers = [
        layer
        for layer in training.model.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with FlopCounterMode(display=False) as counter:
        training.step()
    for hook in hooks:
        hook.remove()
    seconds = sum(calls.count(call) * _alone(bench, call) for call in dict.fromkeys(calls))
    return seconds, float(counter.get_total_flops())


def _alone(bench: Bench, call: Called) -> float:
    layer, shape, strides, backwards = call
    x = torch.empty_strided(shape, strides, device=bench.device).normal_()
    x.requires_grad_(backwards)
    half = bench.train.get("precision") == "bfloat16"

    def autocast() -> torch.autocast:
        return torch.autocast(bench.device.type, torch.bfloat16, enabled=half)

    with autocast():
        gradient = torch.randn_like(layer(x))

    def run() -> None:
        with autocast():
            made = layer(x)
        made.backward(gradient)

    seconds = timed(run, bench.length, bench.device, 0.1).seconds
    layer.zero_grad(set_to_none=True)
    return seconds


def _profiled(bench: Bench, training: Training) -> Row:
    """Milliseconds of one step, and the operators that take most of them."""
    training.step()
    finish(bench.device)
    cuda = bench.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as found:
        training.step()
        finish(bench.device)

    def own(event: Any) -> float:  # microseconds
        return float(event.self_device_time_total if cuda else event.self_cpu_time_total)

    events = [event for event in found.key_averages() if own(event) > 0]
    if cuda:  # a kernel's time stands with it and with its operator, if the CPU called one
        kernels = [event for event in events if event.device_type == DeviceType.CUDA]
        operators = [event for event in events if event.device_type == DeviceType.CPU]
        whole = sum(map(own, operators)) > 0.9 * sum(map(own, kernels))
        events = operators if whole else kernels
    total = sum(map(own, events))
    rows = [
        {
            "operator": event.key.replace("|", "/")[:NAME],
            "calls": event.count,
            "milliseconds": own(event) / 1000,
            "share": own(event) / total,
        }
        for event in sorted(events, key=own, reverse=True)[:TOP]
    ]
    return {"milliseconds": total / 1000, "fragments": training.fragments, "operators": rows}
