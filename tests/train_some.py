"""A training of 120 updates on a tiny corpus, by one process or, run by torchrun, by several.

`python -m train_some <fragments> <folder for the checkpoints> <row of death, 0: none> <results>`
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from conftest import TINY_SPEC
from training_runs import few_steps, run

import v3.training.checkpoint
from v3.base import processes
from v3.model.spec import Spec
from v3.training.checkpoint import Checkpoints
from v3.training.loop import Row


def main(fragments: str, folder: str, death: int, results: str) -> None:
    """The best error and the history of a training that dies after so many of its rows."""
    v3.training.checkpoint.ROOT = Path(folder)
    tiny = SimpleNamespace(path=fragments, training=range(16), validation=range(16, 24))
    rows: list[Row] = []

    def log(row: Row) -> None:
        rows.append(row)
        if len(rows) == death:
            os.kill(os.getpid(), signal.SIGKILL)

    spec = Spec.from_dict(TINY_SPEC)
    _, state = run(tiny, spec, few_steps(), Checkpoints("some", {}, []), log)
    if processes.first():
        torch.save({"best_error": state.best_error, "history": rows}, results)


if __name__ == "__main__":
    with processes.joined():
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
