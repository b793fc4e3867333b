"""Work shared among processes, with the results in the order of the work."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

from v3.base.errors import V3Error

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # items a process that are under way or wait to be taken: memory does not grow with more


def in_order(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Each item with `work(item)`, in order, by `workers` processes; 0: one a core, 1: none.

    `work` has to be a function of a module. Items are taken as they are needed. What it raises
    comes through; `V3Error` names the parameter if a process dies or none can be had. The processes
    end with this one, however it ends.
    """
    workers = workers or os.cpu_count() or 1
    if isinstance(items, Sized):
        workers = min(workers, len(items))
    if workers <= 1:
        for item in items:
            yield item, work(item)
        return
    with _pool(workers) as submit:
        waiting: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            waiting.append((item, submit(work, item)))
            if len(waiting) > AHEAD * workers:
                first, future = waiting.popleft()
                yield first, _result(future)
        while waiting:
            first, future = waiting.popleft()
            yield first, _result(future)


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., Future[R]]]:
    """What hands work to `workers` processes."""
    try:
        # spawn, not fork: the parent may hold threads of HDF5, Arrow or a math library
        pool = ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent)
    except OSError as error:  # of semaphores, which lie in /dev/shm
        raise _alone(f"several processes cannot share work here: {error.strerror}") from None

    def submit(work: Callable[[T], R], item: T) -> Future[R]:
        try:
            # Processes start here, and inherit that Ctrl-C is not for them: this one stops them.
            with _without_interrupts():
                return pool.submit(work, item)
        except BrokenProcessPool:
            raise _died() from None
        except OSError as error:
            raise _alone(f"no further process can be started: {error.strerror}") from None

    try:
        yield submit
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: Future[R]) -> R:
    try:
        return future.result()
    except BrokenProcessPool:
        raise _died() from None


def _died() -> V3Error:
    return _alone("a process at work died, perhaps for want of memory")


def _alone(reason: str) -> V3Error:
    return V3Error(f"{reason}: set machine.workers to 1 and run the same command again.")


@contextmanager
def _without_interrupts() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(_: int = 0) -> None:
    """In a process of a pool: end when the one that started it has ended, by force or not.

    Also for loaders of PyTorch (`worker_init_fn`, hence the argument), which otherwise wait for
    ever to hand over what they have read.
    """
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
