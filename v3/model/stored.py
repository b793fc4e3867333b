"""The files of a saved model, of which nothing is believed before it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from v3.base.disk import disk_full
from v3.base.errors import OF_THE_MACHINE, V3Error
from v3.base.files import read_json
from v3.base.schema import read
from v3.model.about import SCHEMA, About

WEIGHTS, ABOUT = "model.safetensors", "model.json"
LARGEST = 1e18  # of a weight: the square of a larger one is infinite in float32


def mend(folder: Path) -> str:
    """What helps: DVC replaces a file that was changed only by force."""
    return (
        f"get the model again (`dvc checkout --force {folder}`, `dvc pull --force {folder}`) or "
        "train it (`dvc repro`)"
    )


def read_about(folder: Path) -> About:
    """model.json of a model folder; `V3Error` names the key that does not fit."""
    file = folder / ABOUT
    raw = read_json(file)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise V3Error(f"{file} is not of {SCHEMA}: {mend(folder)}.")
    try:
        return read(About, raw, str(file))
    except V3Error as error:
        raise V3Error(f"{error}: {mend(folder)}.") from None


def read_weights(folder: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a model folder: those that the network wants, in its shapes and types.

    `wanted` may be without memory (of the device meta). `V3Error` names the tensor that does not
    fit, or holds what no training ends in.
    """
    file = folder / WEIGHTS
    try:
        with open(file, "rb"):  # safetensors calls missing whatever it cannot open
            pass
        tensors = load_file(file)
    except FileNotFoundError:
        raise V3Error(f"{file} is missing: {mend(folder)}.") from None
    except PermissionError:
        raise V3Error(f"{file} may not be read: give yourself the right to.") from None
    except IsADirectoryError:
        raise V3Error(
            f"{file} is a folder where a file should be: move it away and {mend(folder)}."
        ) from None
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        if disk_full(error) or (isinstance(error, OSError) and error.errno in OF_THE_MACHINE):
            raise
        said = " ".join(str(error).split())
        raise V3Error(f"{file} is damaged ({said}): {mend(folder)}.") from None
    if misfit := _misfit(tensors, wanted):
        raise V3Error(
            f"{file} does not belong to the {ABOUT} beside it ({misfit}): {mend(folder)}."
        )
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise V3Error(f"{file} holds values that are not finite in {name}: {mend(folder)}.")
        if name.endswith("running_var"):
            if (tensor < 0).any():
                raise V3Error(f"{file} holds variances below 0 in {name}: {mend(folder)}.")
        elif tensor.numel() and (largest := float(tensor.abs().max())) > LARGEST:
            raise V3Error(
                f"{file} holds {largest:.3g} in {name}, which no training ends in: {mend(folder)}."
            )
    return tensors


def _misfit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str | None:
    """The first difference between tensors and those that the network wants, in words."""
    for name, tensor in wanted.items():
        if name not in found:
            return f"it has no {name}"
        if found[name].shape != tensor.shape:
            return f"{name} is {_shape(found[name])} and should be {_shape(tensor)}"
        if found[name].dtype != tensor.dtype:
            return f"{name} is {_type(found[name])} and should be {_type(tensor)}"
    further = [name for name in found if name not in wanted]
    return f"the network has no {further[0]}" if further else None


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix(f"{torch.__name__}.")
