"""What is given to a model, looked at before a network sees it: every mistake is one sentence.

A network takes any numbers and answers with some, so what does not fit has to be found here:
another shape, another range than the model was trained on, values that are no numbers.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from v3.base.errors import V3Error
from v3.model.about import ModelInfo

Array = TypeVar("Array", NDArray[Any], Tensor)  # given the one, get the one
SAME = ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")  # as PyTorch's
# How far network input may lie from its range: a decoder overshoots, another unit lies far off.
OVERSHOOT = 0.5  # of images, whose range is 0 to 1
LARGEST_SPECTRUM = 10.0  # of all others, which lie within some -2 to 2
DARK = 100  # units: where white is as much or more, floats up to 1 are of another unit


def as_tensor(given: NDArray[Any] | Tensor, name: str) -> Tensor:
    """An array or tensor of numbers as a tensor, sharing memory where it can.

    `V3Error` by `name` for anything else, and for what holds no real numbers.
    """
    if isinstance(given, Tensor):
        if given.is_complex() or given.dtype == torch.bool:
            raise V3Error(
                f"{name} must be numbers, are {given.dtype}: make them floats (.float())."
            )
        return given.detach()
    if not isinstance(given, np.ndarray):
        raise V3Error(
            f"{name} must be a NumPy array or a tensor of PyTorch, is {type(given).__name__}: "
            "np.asarray makes an array of a list."
        )
    if given.dtype.kind not in "iuf":
        raise V3Error(
            f"{name} must be numbers, are {given.dtype}: make them floats (.astype(np.float32))."
        )
    # PyTorch knows fewer types, only the machine's order of bytes, and no array that runs backwards
    dtype = given.dtype.newbyteorder("=") if given.dtype.name in SAME else np.dtype(np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is noticed below
        whole = np.ascontiguousarray(given, dtype)
    return torch.from_numpy(whole if whole.flags.writeable else whole.copy())


def like(result: Tensor, given: NDArray[Any] | Tensor) -> Any:
    """A result as what was given is: an array, or a tensor on the same device.

    A tensor can take part in training, which one that was made in inference mode cannot.
    """
    if isinstance(given, np.ndarray):
        return result.cpu().numpy()
    result = result.to(given.device)
    return result.clone() if result.is_inference() else result


def limits(info: ModelInfo, kind: str) -> tuple[float, float]:
    """Lowest and highest value, in the units of the fragments, that such a model was made for."""
    low, high = (0.0, 1.0) if kind == "images" else (-1.0, 1.0)
    ends = sorted((low / info.scale + info.offset, high / info.scale + info.offset))
    return ends[0], ends[1]


def check_fragments(x: Tensor, name: str, info: ModelInfo, kind: str) -> Tensor:
    """Fragments (N, C, H, W) that a model of this `info` can read; `V3Error` says why it cannot."""
    check_shape(tuple(x.shape), name, info.fragment_shape)
    low, high = finite_range(x, name)
    ends = limits(info, kind)
    inside = sorted((value - info.offset) * info.scale for value in (low, high))
    least, most = (
        (-OVERSHOOT, 1 + OVERSHOOT) if kind == "images" else (-LARGEST_SPECTRUM, LARGEST_SPECTRUM)
    )
    if inside[0] < least or inside[1] > most:
        raise V3Error(
            f"{name} go from {low:g} to {high:g}, and this model's {kind} from about "
            f"{ends[0]:g} to {ends[1]:g}: {_other_units(low, high, ends, kind, info)}."
        )
    span = ends[1] - ends[0]
    if kind == "images" and span >= DARK and x.is_floating_point() and 0 < high <= 1 and low >= 0:
        raise V3Error(
            f"{name} are floats from {low:g} to {high:g}, and this model's images go from "
            f"{ends[0]:g} to {ends[1]:g}: multiply them by {span:g}, or give images that are "
            "really so dark as uint8."
        )
    return x


def _other_units(
    low: float, high: float, ends: tuple[float, float], kind: str, info: ModelInfo
) -> str:
    if kind != "images":
        return (
            "give spectra as those that it was trained on were made (logarithm, floor, bands), "
            f"in which (value - {info.offset:g}) * {info.scale:g} lies within about -1 to 1"
        )
    if ends == (0.0, 1.0) and low >= 0 and high <= 255:
        return "divide them by 255"
    span = ends[1] - ends[0]
    if -1 <= low < 0 and high <= 1:
        return f"they look standardised to -1 to 1, so take (x + 1) * {span / 2:g} + {ends[0]:g}"
    return "bring them to that range"


def check_shape(shape: tuple[int, ...], name: str, wanted: tuple[int, int, int] | None) -> None:
    """`V3Error` if a shape is not (N, C, H, W), N > 0, with (C, H, W) as `wanted`."""
    if len(shape) == 3 and wanted in (None, shape):
        raise V3Error(
            f"{name} must have the shape (N, C, H, W), have {shape}: give a single fragment as "
            "fragment[None]."
        )
    if len(shape) != 4:
        raise V3Error(
            f"{name} must have the shape (N, C, H, W), have {shape}: put channels (1 of grey, 3 of "
            "colours) before height and width."
        )
    if 0 in shape:
        raise V3Error(f"{name} have the shape {shape}, which holds nothing: give one or more.")
    if wanted is None or shape[1:] == wanted:
        return
    channels, height, width = wanted
    if shape[1:] == (height, width, channels):
        raise V3Error(
            f"{name} have their channels last, {shape}: this model reads (N, {channels}, {height}, "
            f"{width}), so move them (np.moveaxis(x, 3, 1), or x.permute(0, 3, 1, 2) of a tensor)."
        )
    if shape[1] != channels:
        raise V3Error(
            f"{name} have {_channels(shape[1])}, and this model reads {_channels(channels)}: "
            f"{_other_channels(shape[1], channels)}."
        )
    raise V3Error(
        f"{name} are {shape[2]} x {shape[3]} (height x width), and this model reads {height} x "
        f"{width}: resize or cut them to that."
    )


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _other_channels(found: int, wanted: int) -> str:
    if (found, wanted) == (1, 3):
        return "repeat the grey one (np.repeat(x, 3, axis=1))"
    if (found, wanted) == (3, 1):
        return "make them grey (x.mean(1, keepdims=True))"
    if (found, wanted) == (4, 3):
        return "leave the transparency out (x[:, :3])"
    return "give as many"


def finite_range(x: Tensor, name: str) -> tuple[float, float]:
    """Least and largest value; `V3Error` names the first row that is not finite throughout."""
    low, high = (float(value) for value in x.aminmax())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    rows = (~x.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
    what = "NaN" if bool(x[rows[0]].isnan().any()) else "infinite"
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    raise V3Error(
        f"{name}: number {rows[0]}{more} holds values that are {what}: mend or leave them out."
    )


def check_sample(sample: ArrayLike | Tensor, count: int, name: str) -> NDArray[np.int64]:
    """Numbers (N,), counted from 0, of the samples that `sample` (N,) tells apart.

    It holds whole numbers or names. `V3Error` if it is not one for each of `count` fragments.
    """
    labels = sample.detach().cpu().numpy() if isinstance(sample, Tensor) else np.asarray(sample)
    if labels.shape != (count,):
        raise V3Error(
            f"{name} must tell the sample of each of {count} fragments, has the shape "
            f"{labels.shape}: give one number or name for each."
        )
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in "iuUS":
        raise V3Error(
            f"{name} must be whole numbers or names, is {labels.dtype}: "
            "np.unique(sample, return_inverse=True)[1] numbers whatever there is."
        )
    numbers: NDArray[np.int64] = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return numbers


def check_codes(codes: Tensor, atoms: int) -> Tensor:
    """Codes (N,) that a codebook of so many atoms has; `V3Error` names the first that it lacks."""
    if codes.ndim != 1 or not len(codes):
        raise V3Error(
            f"codes must have the shape (N,), N > 0, have {tuple(codes.shape)}: give one for each."
        )
    if codes.is_floating_point():
        raise V3Error(f"codes must be whole numbers, are {codes.dtype}: round them.")
    codes = codes.long()
    wrong = ((codes < 0) | (codes >= atoms)).nonzero().flatten().tolist()
    if wrong:
        raise V3Error(
            f"codes: number {wrong[0]} is {int(codes[wrong[0]])}, and this model's are 0 to "
            f"{atoms - 1}: give what encode finds."
        )
    return codes


def check_style(style: Tensor, count: int, size: int) -> Tensor:
    """Styles (N, d_s), one for each of `count` codes; `V3Error` if they are not."""
    if tuple(style.shape) != (count, size):
        raise V3Error(
            f"style must have the shape ({count}, {size}), one for each code, has "
            f"{tuple(style.shape)}: repeat a single one (np.repeat(style, {count}, axis=0))."
        )
    finite_range(style, "style")
    return style.float()


def check_device(device: str | torch.device) -> torch.device:
    """The device of that name; `V3Error` if PyTorch does not know it or this machine lacks it."""
    if device == "auto":
        gpu = "cuda" if torch.cuda.is_available() else "cpu"
        return torch.device("mps" if torch.backends.mps.is_available() else gpu)
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise V3Error(
            f"device must be cpu, cuda, mps or auto, is {device!r}: auto takes the best."
        ) from None
    count = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (found.index or 0) >= count.get(found.type, 1):
        raise V3Error(
            f"device is {device}, and PyTorch finds no such one here: take auto or cpu, or install "
            "the build of PyTorch for it."
        )
    return found
