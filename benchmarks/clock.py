"""How long something takes: several rounds of calls, and the median of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch


@dataclass(frozen=True)
class Length:
    """How long to measure, and on how much."""

    seconds: float  # of each measurement at the least
    rounds: int  # of each at the least
    warm: int  # calls before the clock starts
    size: float  # of the data, as a part of the usual one
    batch: int | None = None  # samples in a training batch; None: as the recipe says


FEW = 2  # rounds of what takes longer than the whole measurement
LENGTHS = {
    "tiny": Length(0.0, 1, 0, 0.02, 2),
    "short": Length(0.5, 2, 1, 0.2),
    "usual": Length(3.0, 3, 1, 1.0),
    "long": Length(20.0, 5, 2, 2.0),
}


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, the median over the rounds and the least, and the number of calls."""

    seconds: float
    least: float
    calls: int


def finish(device: torch.device) -> None:
    """Wait for what the device has still to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(
    call: Callable[[], Any], length: Length, device: torch.device | None = None, part: float = 1.0
) -> Timing:
    """Time a call again and again for `part` of the length's seconds.

    A round is as many calls as take a tenth of them: on a device that works beside the CPU, one is
    waited for after each round and not after each call. What takes longer than all of them is done
    twice.
    """
    device = device or torch.device("cpu")
    seconds = length.seconds * part

    def round_of(count: int) -> float:
        finish(device)
        start = time.perf_counter()
        for _ in range(count):
            call()
        finish(device)
        return (time.perf_counter() - start) / count

    for _ in range(length.warm):
        call()
    means = [round_of(1)]
    rounds = min(length.rounds, FEW) if means[0] > seconds else length.rounds
    count = max(1, int(seconds / 10 / max(means[0], 1e-9)))
    total, calls = means[0], 1
    if count > 1:  # a single call is no fair round among others
        means, total = [], 0.0
    while len(means) < rounds or total < seconds:
        means.append(round_of(count))
        total += means[-1] * count
        calls += count
    return Timing(median(means), min(means), calls)
