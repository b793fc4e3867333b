"""A trained model in use: `load`, and `Model` with encode, decode, swap and save.

>>> import numpy as np, v3
>>> rng = np.random.default_rng(0)
>>> fragments = rng.random((24, 1, 16, 16))  # 8 samples of 3, (N, C, H, W), from 0 to 1
>>> model = v3.fit(fragments, np.arange(24) // 3, codes=4, steps=2, progress=False)
>>> model
Model of fragments: 4 codes, fragments (1, 16, 16) from 0 to 1, style of 16 numbers
>>> found = model.encode(fragments[:6], [0, 0, 0, 1, 1, 1])
>>> found.codes.shape, found.style.shape
((6,), (6, 16))
>>> model.decode(found.codes, found.style).shape
(6, 1, 16, 16)
>>> model.swap(fragments[:3], fragments[3:6]).dtype
dtype('float32')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from v3.api.checks import (
    Array,
    as_tensor,
    check_codes,
    check_device,
    check_fragments,
    check_sample,
    check_style,
    like,
    limits,
)
from v3.base.errors import V3Error
from v3.model.v3 import V3

Labels = ArrayLike | Tensor  # one for each fragment: whole numbers, or names


@dataclass(frozen=True)
class Encoding(Generic[Array]):
    """What `Model.encode` finds in N fragments; d_c and d_s are the model's sizes.

    codes (N,), whole numbers from 0: the content, as the number of the nearest atom.
    z_c (N, d_c): the content before it is rounded to that atom.
    z_s (N, d_s): the style of each fragment by itself.
    style (N, d_s): the style that `decode` reads, of the fragment's whole sample.
    """

    codes: Array
    z_c: Array
    z_s: Array
    style: Array


class Model:
    """A trained model. What is given as NumPy arrays is answered as such, on whatever device the
    model is; tensors of PyTorch are answered as tensors on the device of what was given.

    Fragments (N, C, H, W) are of any type of real numbers, in the units that the model was trained
    in, from `limits[0]` to `limits[1]` (uint8 images: 0 to 255). `V3Error` says in one sentence
    what does not fit: type, shape, channels, range, values that are not finite.
    """

    def __init__(self, network: V3) -> None:
        """`network`: the module of PyTorch that this one stands before."""
        self.network = network.eval()

    @property
    def fragment_shape(self) -> tuple[int, int, int]:
        """(C, H, W): channels, height and width of a fragment."""
        return self.network.info.fragment_shape

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value of a fragment, about: black and white of images."""
        return limits(self.network.info, self.kind)

    @property
    def kind(self) -> str:
        """`images` or `spectrograms`."""
        return str(self.network.training_params.get("kind", "spectrograms"))

    @property
    def codes(self) -> int:
        """K: how many codes there are."""
        return self.network.spec.atoms

    @property
    def style_size(self) -> int:
        """d_s: how many numbers a style is."""
        return self.network.spec.style_dim

    @property
    def figures(self) -> Mapping[str, float]:
        """What training measured, without labels: its best validation error and so on."""
        return dict(self.network.figures)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.device

    def to(self, device: str | torch.device) -> Model:
        """The same model with its weights on another device (`cpu`, `cuda`, `mps`, `auto`)."""
        self.network.to(check_device(device))
        return self

    def encode(self, fragments: Array, sample: Labels | None = None) -> Encoding[Array]:
        """Fragments (N, C, H, W) -> codes, z_c, z_s and style of each.

        `sample` (N,) tells by equal numbers or names which fragments are of one sample, for the
        style is read of the whole sample; without it all are taken as one.
        """
        x = self._checked(fragments, "fragments")
        found = self.network.encode(x, self._group(sample, len(x), "sample"))
        parts = found.codes, found.z_c, found.z_s, found.style
        return Encoding(*(like(part, fragments) for part in parts))

    def decode(self, codes: NDArray[Any] | Tensor, style: Array) -> Array:
        """Codes (N,) and styles (N, d_s) -> fragments (N, C, H, W), float32.

        They are in the units of the fragments that the model was trained on and may overshoot: for
        uint8 take `x.clip(0, 255).round().astype("uint8")`. The answer is as `style` is.
        """
        chosen = check_codes(as_tensor(codes, "codes"), self.codes)
        styles = check_style(as_tensor(style, "style"), len(chosen), self.style_size)
        return like(self.network.decode(chosen, styles), style)

    def swap(
        self,
        content: Array,
        style: Array,
        content_sample: Labels | None = None,
        style_sample: Labels | None = None,
    ) -> Array:
        """The content of each fragment in the style of its partner: float32, (N, C, H, W).

        Both are (N, C, H, W); the samples (N,) are those that `encode` asks for. The answer is as
        `content` is.
        """
        what, how = self._checked(content, "content"), self._checked(style, "style")
        if len(what) != len(how):
            raise V3Error(
                f"content has {len(what)} fragments and style {len(how)}: give each its partner."
            )
        swapped = self.network.swap(
            what,
            how,
            self._group(content_sample, len(what), "content_sample"),
            self._group(style_sample, len(how), "style_sample"),
        )
        return like(swapped, content)

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all, which `load` opens."""
        self.network.save(folder)

    def __repr__(self) -> str:
        low, high = self.limits
        return (
            f"Model of {self.network.info.dataset}: {self.codes} codes, fragments "
            f"{self.fragment_shape} from {low:g} to {high:g}, style of {self.style_size} numbers"
        )

    def _checked(self, given: NDArray[Any] | Tensor, name: str) -> Tensor:
        return check_fragments(as_tensor(given, name), name, self.network.info, self.kind)

    def _group(self, sample: Labels | None, count: int, name: str) -> NDArray[np.int64] | None:
        return None if sample is None else check_sample(sample, count, name)


def load(
    model: str | Path, device: str | torch.device = "cpu", *, revision: str | None = None
) -> Model:
    """Open a model folder, or a model of the Hugging Face Hub by its id `user/name`.

    What is there as a folder is taken as one. `revision`: branch, tag or commit on the Hub.
    `device`: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto`, the best that there is. `V3Error` names
    what is missing or damaged.

    >>> import v3
    >>> v3.load("nowhere")
    Traceback (most recent call last):
    v3.base.errors.V3Error: nowhere is no folder of a model: ...
    """
    place = check_device(device)
    if _is_hub_id(model):
        from v3.sharing.hub import open_model  # loads huggingface_hub

        return Model(open_model(str(model), revision).to(place))
    if revision is not None:
        raise V3Error(f"{model} is a folder, and only the Hub has revisions: leave revision out.")
    if not Path(model).is_dir():
        raise V3Error(
            f"{model} is no folder of a model: give the path of one that training wrote "
            "(`dvc repro` writes models/<dataset>), or an id of the Hub, user/name."
        )
    return Model(V3.load(model, place))


def _is_hub_id(model: str | Path) -> bool:
    """Whether a text is `user/name` and no path: nothing is there, not even the first part."""
    if not isinstance(model, str) or Path(model).exists():
        return False
    user, slash, name = model.partition("/")
    plain = all(part and not part.startswith((".", "~")) for part in (user, name))
    return bool(slash) and plain and not set(name) & set("/\\") and not Path(user).exists()
