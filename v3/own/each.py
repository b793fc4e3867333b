"""Work on each sample of own data, with a word on how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.own.samples import Sample

R = TypeVar("R")


def each_sample(
    work: Callable[[Sample], R], samples: Sequence[Sample], workers: int, name: str = ""
) -> Iterator[tuple[Sample, R]]:
    """Each sample with `work(sample)`, in order, by `workers` processes; `name`: what goes on."""
    made = in_order(work, samples, workers)
    yield from Progress(made, unit="sample", total=len(samples), name=name)
