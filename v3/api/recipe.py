"""The recipe of `fit`: what `defaults` of params.yaml says, and what the data itself decides.

The package has params.yaml beside its modules (a link in the checkout, a copy in an installation),
so its numbers stand in one place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from v3.base.errors import V3Error
from v3.base.params_file import DEFAULTS, Machine, merge, read_machine, read_params_file
from v3.base.schema import Path as Keys
from v3.base.schema import mapping, read
from v3.model.spec import Spec
from v3.own.recipe import fragments_per_sample, network_facts, training_facts
from v3.training.params import TrainParams

RECIPE = Path(__file__).parents[1] / "params.yaml"
NETWORK = "laptop"  # of the specs there
STRIDES = (8, 5, 4, 3, 2, 1)  # that a layer may have where those of the recipe do not divide
FEW = 128  # pixels: a longer side than this is cut down to LEAST, others by the recipe's stride
LEAST = 8


def machine(device: str) -> Machine:
    """How the work is done: as params.yaml says, without checkpoints."""
    raw = dict(mapping(read_params_file(RECIPE)["machine"], "machine"))
    return read_machine({"machine": raw | {"device": device, "loaders": 0}})


def recipe(
    shape: tuple[int, int, int],
    counts: Sequence[int],
    codes: int,
    train: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> tuple[Spec, TrainParams]:
    """Network and parameters for fragments of a shape (C, H, W), in samples of `counts` fragments.

    `train` and `spec` hold what the caller says otherwise, by the names of params.yaml. What the
    data decides is what `v3 new` would write down of it (`v3.own.recipe`), with the middle one of
    `counts` for the length of a sample, and the network's strides. `V3Error` names what does not
    fit.
    """
    raw = mapping(read_params_file(RECIPE)[DEFAULTS], DEFAULTS)
    base = mapping(raw["train"], "train")
    n = train.get("fragments_per_sample", fragments_per_sample(int(np.median(counts))))
    own: dict[str, Any] = {}
    if isinstance(n, int) and n > 1:  # else `read` says what is wrong with it
        own = training_facts(train.get("kind", base["kind"]), n, len(counts))
    params = read(TrainParams, merge(merge(base, own), train), _named)
    if params.batch_samples > len(counts):
        raise V3Error(
            f"train['batch_samples'] is {params.batch_samples}, and only {len(counts)} samples "
            "train: lower it."
        )
    facts = {"atoms": codes} | network_facts(params.kind, shape[0])
    network = merge(mapping(raw["specs"], "specs")[NETWORK], facts)
    if not {"layers", "groups"} & spec.keys():
        network["layers"] = layers_for(shape, network["layers"])
    return Spec.from_dict(merge(network, spec), "spec"), params


def _named(keys: Keys) -> str:
    """A parameter as the caller of `fit` writes it."""
    if len(keys) == 1 and keys[0] in ("steps", "kind", "seed"):
        return str(keys[0])
    return "train" + "".join(f"[{key!r}]" for key in keys)


def layers_for(shape: tuple[int, int, int], layers: Sequence[Any]) -> list[Any]:
    """The recipe's layers, with other strides along a side that theirs do not divide or leave long.

    The kernel is twice the stride, or two more than an odd one, whose padding has to be even.
    """
    base = Spec.from_dict(
        {"network": "strided", "layers": layers, "content_dim": 1, "style_dim": 1, "atoms": 2}
    )
    sides = [
        strides_for(size, tuple(stride[axis] for stride in base.strides))
        for axis, size in enumerate(shape[1:])
    ]
    return [
        {"channels": layer.channels, "kernel": [_kernel(s) for s in stride], "stride": list(stride)}
        for layer, stride in zip(base.layers, zip(*sides, strict=True), strict=True)
    ]


def strides_for(size: int, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of which the product divides `size`: the usual ones, or those that come closest."""
    wanted = math.prod(usual) if size <= FEW else size / LEAST

    def distance(strides: tuple[int, ...]) -> tuple[float, float]:
        apart = zip(strides, usual, strict=True)
        return (
            abs(math.log(math.prod(strides) / wanted)),
            sum(abs(math.log(one / other)) for one, other in apart),
        )

    fitting = [
        strides
        for strides in product(STRIDES, repeat=len(usual))
        if size % math.prod(strides) == 0
        and list(strides) == sorted(strides, reverse=True)
        and size // math.prod(strides) > 1
    ]
    return min(fitting, key=distance, default=(1,) * len(usual))


def _kernel(stride: int) -> int:
    return stride + 2 if stride % 2 else 2 * stride
