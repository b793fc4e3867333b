"""`fit`: train on arrays, in a notebook, by the recipe of params.yaml and without DVC.

>>> import numpy as np, v3
>>> rng = np.random.default_rng(0)
>>> pages = rng.integers(0, 256, (8, 3, 1, 16, 16), np.uint8)  # 8 samples of 3 fragments
>>> fragments, sample = pages.reshape(24, 1, 16, 16), np.repeat(np.arange(8), 3)
>>> model = v3.fit(fragments, sample, codes=4, steps=2, progress=False)
>>> model.limits, sorted(model.figures)
((0.0, 255.0), ['best_step', 'steps', 'validation_error', 'validation_perplexity'])
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from v3.api.checks import as_tensor, check_device, check_sample, check_shape, finite_range
from v3.api.model import Labels, Model
from v3.api.recipe import machine, recipe
from v3.base.errors import V3Error
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.training.checkpoint import Checkpoints
from v3.training.loop import train as train_file
from v3.training.params import TrainParams
from v3.training.state import training_figures

Log = Callable[[dict[str, float]], object]


def fit(
    fragments: NDArray[Any] | Tensor,
    sample: Labels,
    *,
    codes: int,
    kind: str = "images",
    steps: int | None = None,
    seed: int | None = None,
    device: str = "auto",
    validation: float = 0.1,
    offset: float | None = None,
    scale: float | None = None,
    train: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    name: str = "fragments",
    source: str = "arrays",
    progress: bool = True,
    log: Log | None = None,
) -> Model:
    """Train a model on fragments (N, C, H, W) without labels.

    fragments: any real numbers: images of 0 to 255 or of 0 to 1, spectra on a logarithmic scale.
    sample: (N,), whole numbers or names: equal ones tell that fragments are of one sample, within
        which content varies and style stays put. Three samples or more, of two fragments or more.
    codes: K, as many as there are contents, or up to twice that.
    kind: `images` or `spectrograms` (height is frequency, width time), which decides what changes
        of a fragment leave its content alone.
    steps, seed: updates of the weights, and what randomness comes from; by default those of
        `v3 new`, as all that the data decides.
    device: `cpu`, `cuda`, `mps` or `auto`, the best that there is; the model stays there.
    validation: part of the samples by which the best weights are chosen, drawn by the seed.
    offset, scale: the network reads (value - offset) * scale; by default images are brought to 0 to
        1, spectra to about -1 to 1.
    train, spec: what else is to differ from `defaults.train` and the spec `laptop` of params.yaml,
        by the names there: `train={"weights": {"agreement": 2.0}}`.
    name, source: what the model is called and what its data is, in words, for its card.
    progress: show a bar. log: is called with every row of the history, {"step": 20.0, ...}.

    Returns the model with the least validation error, ready to use and to save. `V3Error` says in
    one sentence what does not fit. The same arrays, seed and kind of processor give the same bits.
    """
    x, rows, counts = _sorted_samples(fragments, sample)
    if not isinstance(codes, int) or codes < 2 or codes > len(x):
        raise V3Error(
            f"codes must be a whole number from 2 to {len(x)}, the fragments that there are, is "
            f"{codes!r}: take as many as there are contents."
        )
    said = {"kind": kind, "steps": steps, "seed": seed}
    changes = {key: value for key, value in said.items() if value is not None} | dict(train or {})
    held, rest = _divided(len(counts), validation, changes.get("seed", 0))
    network, params = recipe(
        tuple(x.shape[1:]), [counts[row] for row in rest], codes, changes, spec or {}
    )
    units = _units(x, params.kind, offset, scale)
    info = FragmentInfo(name, source, (), (), *units)
    settings = machine(device).model_copy(update={"checkpoint_every": params.steps + 1})
    with (
        tempfile.TemporaryDirectory(prefix="v3-fit-") as folder,
        _left_as_it_was(),
        _bar(params, progress) as told,
    ):
        file = Path(folder) / "fragments.h5"
        _write(file, info, x, rows, counts)

        def tell(row: dict[str, float]) -> None:
            told(row)
            if log is not None:
                log(row)

        model, state = train_file(
            file, rest, held, network, params, settings, _no_checkpoints(folder), tell, "train"
        )
    model.figures = training_figures(state)
    return Model(model.to(check_device(device)))


def _sorted_samples(
    fragments: NDArray[Any] | Tensor, sample: Labels
) -> tuple[NDArray[Any], NDArray[np.int64], list[int]]:
    """Fragments (N, C, H, W) as they came, their rows by sample (N,), and how many each has."""
    x = as_tensor(fragments, "fragments")
    check_shape(tuple(x.shape), "fragments", None)
    low, high = finite_range(x, "fragments")
    if low == high:
        raise V3Error(f"fragments are all {low:g}, so nothing can be learnt: give the data itself.")
    numbers = check_sample(sample, len(x), "sample")
    counts = np.bincount(numbers).tolist()
    if len(counts) < 3:
        raise V3Error(
            f"sample tells {len(counts)} samples apart, and 3 are the least (two that train, one "
            "that validates): give more data, or the number of each fragment's own sample."
        )
    if max(counts) < 2:
        raise V3Error(
            "sample gives each fragment a sample of its own, so nothing can be compared within "
            "one: give fragments that share their style the same number."
        )
    if x.dtype not in (torch.uint8, torch.float16, torch.float32):
        x = x.to(torch.float32)  # the fragment file's types
    return x.cpu().numpy(), np.argsort(numbers, kind="stable"), counts


def _divided(samples: int, validation: float, seed: Any) -> tuple[list[int], list[int]]:
    """Rows of samples that validate, and of those that train: one and two at the least."""
    if not 0 < validation < 1:
        raise V3Error(f"validation must be between 0 and 1, is {validation}: 0.1 is a tenth.")
    order = np.random.default_rng(seed if isinstance(seed, int) and seed >= 0 else 0)
    shuffled = order.permutation(samples).tolist()
    count = min(max(1, round(validation * samples)), samples - 2)
    return sorted(shuffled[:count]), sorted(shuffled[count:])


def _units(
    x: NDArray[Any], kind: str, offset: float | None, scale: float | None
) -> tuple[float, float]:
    """Offset and scale that bring values to 0 to 1 (images) or about -1 to 1 (spectra)."""
    low, high = float(x.min()), float(x.max())
    if kind == "images":
        whole = x.dtype == np.uint8 or high > 1
        found = 0.0, 1 / 255 if whole else 1.0
    else:
        found = (low + high) / 2, 2 / (high - low)
    offset = found[0] if offset is None else offset
    scale = found[1] if scale is None else scale
    if not (np.isfinite(offset) and np.isfinite(scale) and scale != 0):
        raise V3Error(
            f"offset ({offset}) and scale ({scale}) must be finite, scale not 0: leave them out."
        )
    ends = sorted(((low - offset) * scale, (high - offset) * scale))
    if kind == "images" and (ends[0] < 0 or ends[1] > 1.001):  # of rounding
        raise V3Error(
            f"fragments go from {low:g} to {high:g}, which is no range of images (0 to 1, or 0 to "
            "255): give the offset and the scale that bring them to 0 to 1, or kind='spectrograms'."
        )
    return offset, scale


def _write(
    file: Path, info: FragmentInfo, x: NDArray[Any], rows: NDArray[np.int64], counts: list[int]
) -> None:
    """The fragment file that training reads, its samples one after the other."""
    ends = np.cumsum(counts)
    with FragmentWriter(file, info, x.shape[1:], x.dtype) as writer:
        for number, (end, count) in enumerate(zip(ends, counts, strict=True)):
            own = rows[end - count : end]
            writer.append(x[own], np.full(count, -1), -1, str(number))


def _no_checkpoints(folder: str) -> Checkpoints:
    """A place that nothing is saved to: what is interrupted in a notebook begins anew."""
    checkpoints = Checkpoints("fit", {}, [])
    checkpoints.folder = Path(folder)
    return checkpoints


@contextmanager
def _left_as_it_was() -> Iterator[None]:
    """PyTorch's random numbers and threads belong to the notebook."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def _bar(params: TrainParams, shown: bool) -> Iterator[Log]:
    """What each row of the history is told to, in place of the lines that a stage writes to a log.

    In a notebook the bar is a widget, on a terminal a line.
    """
    with (
        tqdm(total=params.steps, desc="v3.fit", unit="step", disable=not shown) as bar,
        redirect_stdout(io.StringIO()),
    ):

        def told(row: dict[str, float]) -> None:
            bar.update(int(row["step"]) - bar.n)
            if "validation/error" in row:
                bar.set_postfix_str(f"validation error {row['validation/error']:.5f}")

        yield told
