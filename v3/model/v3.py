"""V3: encoder, codebook and decoder as one model that explains itself.

A saved model is a folder: `model.safetensors` (weights), `model.json` (everything needed to use
them: spec, style channel, names, offset and scale, figures, version) and `README.md` (the card).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from v3.base.errors import V3Error
from v3.base.files import atomic_folder, read_json, write_json
from v3.model.networks import Decoder, Encoder
from v3.model.quantizer import Quantizer
from v3.model.spec import Spec

SCHEMA = "v3-model/1"
BATCH = 512  # fragments encoded or decoded at once
Fragments = np.ndarray | Tensor


@dataclass(frozen=True)
class StyleChannel:
    """How the decoder reads the style: what it cannot hold, it cannot carry.

    pooling: `fragment` gives the decoder each fragment's own style, `sample` the sample's mean,
        `neighbour` that of the sample's next fragment (of the last: the first), which can say
        nothing about a fragment but what they share.
    standardise: z_s has mean 0 and variance 1 in every dimension over the training data.
    noise: standard deviation of the Gaussian noise on what the decoder reads in training.
    """

    pooling: str = "fragment"
    standardise: bool = True
    noise: float = 0.0


@dataclass(frozen=True)
class ModelInfo:
    """What the fragments are: (C, H, W), names, and network input = (value - offset) * scale."""

    dataset: str
    source: str
    content_names: tuple[str, ...]
    style_names: tuple[str, ...]
    offset: float
    scale: float
    fragment_shape: tuple[int, int, int]


@dataclass(frozen=True)
class Encoding:
    """Of N fragments: content z_c (N, d_c), its codes (N,), style z_s (N, d_s)."""

    z_c: Tensor
    codes: Tensor
    z_s: Tensor


@dataclass(frozen=True)
class Batch:
    """What one training batch of b samples with n fragments went through."""

    z_c: Tensor  # (b, n, d_c)
    z_q: Tensor  # (b, n, d_c), straight-through
    z_s: Tensor  # (b, n, d_s)
    x_hat: Tensor  # (b, n, C, H, W)
    codes: Tensor  # (b * n,)
    commitment: Tensor  # ()


class V3(nn.Module):
    """`encode`, `decode` and `swap` take and give fragments in the fragment file's own units."""

    def __init__(
        self,
        spec: Spec,
        info: ModelInfo,
        style: StyleChannel | None = None,
        codebook_decay: float = 0.98,
    ) -> None:
        super().__init__()
        self.spec, self.info, self.style = spec, info, style or StyleChannel()
        self.figures: dict[str, Any] = {}
        self.encoder = Encoder(spec, info.fragment_shape)
        self.quantizer = Quantizer(spec.atoms, spec.content_dim, codebook_decay, spec.distance)
        self.decoder = Decoder(spec, info.fragment_shape)
        self.style_norm: nn.Module = nn.Identity()
        if self.style.standardise:
            self.style_norm = nn.BatchNorm1d(spec.style_dim, affine=False)

    def embed(self, x: Tensor, profile: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Network input (N, C, H, W) -> z_c (N, d_c) and z_s (N, d_s).

        `profile` (N, C, H, 1): the mean of each fragment's sample over its fragments and their
        width, which a spec with `sample_norm` takes off.
        """
        z_c, z_s = self.encoder(x, profile)
        return z_c.float(), self.style_norm(z_s.float())

    def embed_samples(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Network input (b, n, C, H, W) -> z_c (b * n, d_c) and z_s (b * n, d_s)."""
        profile = None
        if self.spec.sample_norm:
            profile = x.mean((1, 4), keepdim=True).expand(-1, x.shape[1], -1, -1, -1).flatten(0, 1)
        return self.embed(x.flatten(0, 1), profile)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Batch:
        """Network input (b, n, C, H, W) there and back; `generator` draws the style's noise."""
        b, n = x.shape[:2]
        z_c, z_s = self.embed_samples(x)
        z_q, codes, commitment = self.quantizer(z_c)
        read = self.read_style(z_s.unflatten(0, (b, n))).flatten(0, 1)
        if self.training and self.style.noise > 0:
            read = self.add_noise(read, generator)
        x_hat = self.decoder(z_q, read)
        return Batch(
            z_c.unflatten(0, (b, n)),
            z_q.unflatten(0, (b, n)),
            z_s.unflatten(0, (b, n)),
            x_hat.unflatten(0, (b, n)),
            codes,
            commitment,
        )

    def read_style(self, z_s: Tensor) -> Tensor:
        """What the decoder reads of the styles (b, n, d_s) of whole samples, without noise."""
        if self.style.pooling == "sample":
            return z_s.mean(1, keepdim=True).expand_as(z_s)
        if self.style.pooling == "neighbour":
            return z_s.roll(-1, 1)
        return z_s

    def add_noise(self, read: Tensor, generator: Generator | None = None) -> Tensor:
        """The training noise on (N, d_s); its size is that of the standardised style."""
        noise = torch.randn(read.shape, generator=generator).to(read.device)
        if self.style.standardise:
            return read + self.style.noise * noise
        return read + self.style.noise * read.detach().std() * noise

    @torch.inference_mode()
    def encode(self, fragments: Fragments, sample: Fragments | None = None) -> Encoding:
        """Fragments (N, C, H, W) in file units -> content, codes and style.

        `sample` (N,) says by equal numbers which fragments are of one sample; None: all are. It
        matters to a spec with `sample_norm` alone, which wants some fragments of every sample.
        """
        self.eval()
        fragments = _fragments(fragments)
        profiles = self._profiles(fragments, sample)
        parts = [
            self.embed(self._input(part), profile)
            for part, profile in zip(fragments.split(BATCH), profiles, strict=True)
        ]
        z_c = torch.cat([part[0] for part in parts])
        return Encoding(z_c, self.quantizer.nearest(z_c), torch.cat([part[1] for part in parts]))

    @torch.inference_mode()
    def decode(self, codes: Fragments, z_s: Fragments) -> Tensor:
        """Codes (N,) and styles (N, d_s) -> fragments (N, C, H, W) in file units, float32."""
        self.eval()
        z_q = self.quantizer.atoms[torch.as_tensor(codes, device=self.device)]
        styles = torch.as_tensor(z_s, device=self.device)
        decoded = [
            self.decoder(q, s) for q, s in zip(z_q.split(BATCH), styles.split(BATCH), strict=True)
        ]
        return torch.cat(decoded) / self.info.scale + self.info.offset

    def swap(
        self,
        content: Fragments,
        style: Fragments,
        content_sample: Fragments | None = None,
        style_sample: Fragments | None = None,
    ) -> Tensor:
        """The content of each fragment with the style of its partner: both (N, C, H, W).

        The samples (N,) are those that `encode` asks for.
        """
        codes = self.encode(content, content_sample).codes
        return self.decode(codes, self.encode(style, style_sample).z_s)

    def _profiles(self, fragments: Tensor, sample: Fragments | None) -> Sequence[Tensor | None]:
        """Of each part of the fragments the `profile` that `embed` wants."""
        pieces = fragments.split(BATCH)
        if not self.spec.sample_norm:
            return [None] * len(pieces)
        own = torch.cat([self._input(piece).mean(3, keepdim=True) for piece in pieces])
        if sample is None:
            sample = torch.zeros(len(own), dtype=torch.int64)
        sample = torch.as_tensor(sample, device=self.device)
        if sample.shape != own.shape[:1]:
            raise V3Error(
                f"sample must be one number for each of {len(own)} fragments, "
                f"has the shape {tuple(sample.shape)}."
            )
        group = sample.unique(return_inverse=True)[1]
        total = own.new_zeros(int(group.max()) + 1, *own.shape[1:]).index_add_(0, group, own)
        mean = total / torch.bincount(group).view(-1, 1, 1, 1)
        return mean[group].split(BATCH)

    @property
    def device(self) -> torch.device:
        return self.quantizer.atoms.device

    def _input(self, fragments: Fragments) -> Tensor:
        return network_input(torch.as_tensor(fragments).to(self.device), self.info)

    def save(self, folder: str | Path, figures: Mapping[str, Any] | None = None) -> None:
        """Write the model folder, whole or not at all. `figures`: what training measured."""
        self.figures = dict(figures or self.figures)
        about = {
            "schema": SCHEMA,
            "spec": self.spec.to_dict(),
            "style_channel": dataclasses.asdict(self.style),
            "codebook_decay": self.quantizer.decay,
            "info": dataclasses.asdict(self.info),
            "figures": self.figures,
        }
        weights = {name: value.contiguous().cpu() for name, value in self.state_dict().items()}
        with atomic_folder(folder) as beside:
            save_file(weights, beside / "model.safetensors")
            write_json(beside / "model.json", about)
            (beside / "README.md").write_text(_card(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> V3:
        """Open a model folder; nothing else is needed. `V3Error` names what is damaged."""
        folder = Path(folder)
        about = read_json(folder / "model.json")
        if about.get("schema") != SCHEMA:
            raise V3Error(f"{folder} is no {SCHEMA} model folder: train it again with `dvc repro`.")
        info: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about["info"].items()
        }
        spec = Spec.from_dict(about["spec"])
        style = StyleChannel(**about["style_channel"])
        model = cls(spec, ModelInfo(**info), style, about["codebook_decay"])
        try:
            model.load_state_dict(load_file(folder / "model.safetensors"))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise V3Error(
                f"{folder / 'model.safetensors'} is missing, damaged or of another spec "
                f"({str(error).splitlines()[0]}): train it again with `dvc repro`."
            ) from None
        model.figures = about["figures"]
        return model.to(device).eval()


def network_input(fragments: Tensor, info: ModelInfo) -> Tensor:
    """File units -> network units, float32."""
    return (fragments.float() - info.offset) * info.scale


def _fragments(fragments: Fragments) -> Tensor:
    fragments = torch.as_tensor(fragments)
    if fragments.ndim != 4 or not len(fragments):
        raise V3Error(f"fragments must have the shape (N, C, H, W), N > 0; have {fragments.shape}.")
    return fragments


def _card(about: dict[str, Any]) -> str:
    info, style, spec = about["info"], about["style_channel"], about["spec"]
    figures = "\n".join(f"| {name} | {value} |" for name, value in about["figures"].items())
    return f"""# V3 model of {info["dataset"]}

Content and style of single fragments, learnt without labels (variance versus invariance,
Wu et al., ICLR 2025, arXiv 2407.03824).

- Trained on: {info["source"]}
- Fragments: {" x ".join(map(str, info["fragment_shape"]))}; network input = (value - \
{info["offset"]:g}) x {info["scale"]:g}
- Network: {spec["network"]}, {spec["atoms"]} atoms, content {spec["content_dim"]} and style \
{spec["style_dim"]} dimensions
- Style channel: {style["pooling"]} pooling, noise {style["noise"]:g}, \
{"standardised" if style["standardise"] else "as it is"}

| figure (no label was used) | value |
|---|---|
{figures}

```python
from v3.model.v3 import V3
model = V3.load("{info["dataset"]}")  # this folder
encoding = model.encode(fragments)  # .codes, .z_c, .z_s
```
"""
