"""How far long work is: a bar on a terminal, else one plain line a minute for the log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from tqdm import tqdm

T = TypeVar("T")
EVERY = 60.0  # seconds between two lines
UNITS = (("", 1), ("k", 10**3), ("M", 10**6), ("G", 10**9))


class Progress(Generic[T]):
    """Goes through `items`, or is told of each step by `update` within a `with` block.

    `total`: how many there will be (default: `len(items)`; unknown: no share is given), `initial`:
    how many were done before. The line begins with `name`, by default the command and its
    arguments. Work of less than a minute says nothing in a log, what is not `shown` never.
    """

    def __init__(
        self,
        items: Iterable[T] = (),
        *,
        unit: str,
        total: int | None = None,
        initial: int = 0,
        name: str = "",
        shown: bool = True,
    ) -> None:
        if total is None and isinstance(items, Sized) and len(items):
            total = len(items)
        self._items = items
        self._unit, self._total, self._done, self._initial = unit, total, initial, initial
        self._name = name or " ".join([Path(sys.argv[0]).stem, *sys.argv[1:]])
        self._begun = self._said = time.monotonic()
        self._note = ""
        self._shown = shown
        self._bar: Any = None
        if shown and sys.stdout.isatty() and sys.stderr.isatty():
            self._bar = tqdm(
                total=total, initial=initial, unit=unit, desc=name or None, unit_scale=unit == "B"
            )

    def update(self, count: int = 1) -> None:
        """`count` further ones are done."""
        self._done += count
        if self._bar is not None:
            self._bar.update(count)
        elif self._shown and time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            print(self._line(), flush=True)

    def note(self, text: str) -> None:
        """What else is worth a look, behind the figures from now on."""
        self._note = text
        if self._bar is not None:
            self._bar.set_postfix_str(text)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __iter__(self) -> Iterator[T]:
        with self:
            for item in self._items:
                yield item
                self.update()

    def __enter__(self) -> Progress[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self) -> str:
        """`train mine: 450 of 1800 steps (25 %), 4 min to go`."""
        passed = time.monotonic() - self._begun
        text = f"{self._name}: {_number(self._done)}"
        if self._total:
            text += f" of {_number(self._total)}"
        text += " bytes" if self._unit == "B" else f" {self._unit}s"
        if self._total:
            text += f" ({100 * self._done // self._total} %)"
            if self._done > self._initial:
                left = passed * (self._total - self._done) / (self._done - self._initial)
                text += f", {_duration(left)} to go"
        return text + (f", {self._note}" if self._note else "")


def _number(count: int) -> str:
    """Four digits as they are, more with a letter for the thousands, millions or billions."""
    fitting = [(letter, size) for letter, size in UNITS if count >= max(size, 10**4)]
    letter, size = fitting[-1] if fitting else UNITS[0]
    return f"{count / size:.3g} {letter}" if letter else str(count)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
