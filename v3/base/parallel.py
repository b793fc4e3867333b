"""Work shared among processes, with the results in the order of the work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from os import cpu_count
from typing import TypeVar

from v3.base.errors import V3Error

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # items a process that are under way or wait to be taken: memory does not grow with more


def in_order(
    work: Callable[[T], R], items: Iterable[T], workers: int
) -> Iterator[tuple[T, R]]:
    """Each item with `work(item)`, in order, by `workers` processes; 0: one a core, 1: none.

    `work` has to be a function of a module. Items are taken as they are needed. What it raises
    comes through; `V3Error` names the parameter if a process dies.
    """
    workers = workers or cpu_count() or 1
    if isinstance(items, Sized):
        workers = min(workers, len(items))
    if workers <= 1:
        for item in items:
            yield item, work(item)
        return
    # spawn, not fork: the parent may hold threads of HDF5, Arrow or a math library
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > AHEAD * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BrokenProcessPool:
        raise V3Error(
            "a process at work died, perhaps for want of memory: set machine.workers to 1 and run "
            "the same command again."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
