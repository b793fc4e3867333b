"""Checkpoints of an interrupted training, in a scratch folder that nothing else reads.

The folder's name is a digest of everything that decides the result: parameters, spec, data, split
and the code of training. A changed one of them never finds an old checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from v3.base.files import atomic_file, file_digest

ROOT = Path("scratch")
KEYS = {"model", "optimiser", "state"}
# what torch.load raises for bytes that are no checkpoint, or only part of one
DAMAGE = (RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError, TypeError, OSError)


class Checkpoints:
    """The last checkpoint of one training."""

    def __init__(self, name: str, settings: Mapping[str, Any], files: Iterable[str | Path]) -> None:
        """`settings`: JSON-able parameters; `files`: data and code that decide the result."""
        text = json.dumps(settings, sort_keys=True, default=str)
        digests = [file_digest(file) for file in files]
        key = hashlib.sha256("\n".join([text, torch.__version__, *digests]).encode()).hexdigest()
        self.folder = ROOT / f"{name}-{key[:16]}"

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint, or None if there is none or a power cut, say, has damaged it."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return None
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(state, dict) and state.keys() == KEYS:
                return state
        except DAMAGE:
            pass
        print(f"{path} is damaged: training begins anew.", file=sys.stderr)
        return None

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the last checkpoint, whole or not at all."""
        with atomic_file(self.folder / "checkpoint.pt") as beside:
            torch.save(dict(state), beside)

    def remove(self) -> None:
        """A finished training leaves nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
