"""Work on each sample of own data, with a word on how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from threadpoolctl import threadpool_limits

from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.own.samples import Sample

R = TypeVar("R")


def each_sample(
    work: Callable[[Sample], R], samples: Sequence[Sample], workers: int, name: str = ""
) -> Iterator[tuple[Sample, R]]:
    """Each sample with `work(sample)`, in order, by `workers` processes; `name`: what goes on."""
    made = in_order(partial(_on_one_thread, work), samples, workers)
    yield from Progress(made, unit="sample", total=len(samples), name=name)


def _on_one_thread(work: Callable[[Sample], R], sample: Sample) -> R:
    """There is a process a core already: threads of a math library would wait for each other, which
    takes many times as long as the work where the machine has other things to do, too."""
    with threadpool_limits(1):
        return work(sample)
