"""What every benchmark is given, and the rows that it gives back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch

from benchmarks.clock import Length, Timing
from v3.params import Params

Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What every benchmark is given."""

    params: Params
    length: Length
    device: torch.device
    train: Mapping[str, Any]  # training parameters in place of those in params.yaml
    peaks: dict[str, float]  # operations or bytes a second, once they are measured
    only: Sequence[str] = ()

    def wants(self, name: str) -> bool:
        """Whether a name, as `train/svhn/laptop`, or something above it, was asked for."""
        parts = name.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        return not self.only or any(fnmatch(one, wanted) for one in above for wanted in self.only)

    def row(
        self, name: str, timing: Timing, items: int, unit: str, **work: tuple[float, str]
    ) -> Row:
        """Items a second. `work`: operations or bytes of one call by what they are called, with the
        name of the peak that they are measured by."""
        shares = {
            peak: amount / timing.seconds / self.peaks[peak] for amount, peak in work.values()
        }
        return {
            "name": name,
            "unit": unit,
            "per_second": items / timing.seconds,
            "items": items,
            "seconds": timing.seconds,
            "calls": timing.calls,
            **{kind: amount for kind, (amount, _) in work.items()},
            "shares": shares,
        }


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="v3-benchmark-") as folder:
        yield Path(folder)
