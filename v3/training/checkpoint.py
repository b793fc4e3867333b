"""Checkpoints of an interrupted training, in a scratch folder that nothing else reads.

The folder's name is a digest of everything that decides the result: parameters, spec, data, split
and the code of training. A changed one of them never finds an old checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from v3.base.files import atomic_file, file_digest

ROOT = Path("scratch")


class Checkpoints:
    """The last checkpoint of one training."""

    def __init__(self, name: str, settings: Mapping[str, Any], files: Iterable[str | Path]) -> None:
        """`settings`: JSON-able parameters; `files`: data and code that decide the result."""
        text = json.dumps(settings, sort_keys=True, default=str)
        digests = [file_digest(file) for file in files]
        key = hashlib.sha256("\n".join([text, torch.__version__, *digests]).encode()).hexdigest()
        self.folder = ROOT / f"{name}-{key[:16]}"

    def load(self) -> dict[str, Any] | None:
        """The last checkpoint, or None; it is written whole, so it can be trusted."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the last checkpoint, whole or not at all."""
        with atomic_file(self.folder / "checkpoint.pt") as beside:
            torch.save(dict(state), beside)

    def remove(self) -> None:
        """A finished training leaves nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
