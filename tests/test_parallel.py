"""Work in processes: in order, no more ahead than needed, and a death is named."""

from __future__ import annotations

import os
import signal

import pytest

from v3.base.errors import V3Error
from v3.base.parallel import AHEAD, in_order


def double(x: int) -> int:
    return 2 * x


def refuse(x: int) -> int:
    raise V3Error(f"{x} is refused.")


def die(x: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_every_item_with_its_result_in_order(workers: int) -> None:
    assert list(in_order(double, range(9), workers, "w")) == [(i, 2 * i) for i in range(9)]
    assert list(in_order(double, iter([5]), workers, "w")) == [(5, 10)]
    assert list(in_order(double, [], workers, "w")) == []


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []
    results = in_order(double, (taken.append(i) or i for i in range(100)), 2, "w")
    assert next(results) == (0, 0)
    assert len(taken) == 2 * AHEAD + 1
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_comes_through(workers: int) -> None:
    with pytest.raises(V3Error, match=r"^3 is refused"):
        list(in_order(refuse, [3, 4], workers, "w"))


def test_a_process_that_dies_is_named() -> None:
    with pytest.raises(V3Error, match=r"died.* set svhn\.sample\.workers to 1"):
        list(in_order(die, [1, 2], 2, "svhn.sample.workers"))
