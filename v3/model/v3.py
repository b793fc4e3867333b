"""V3: encoder, codebook and decoder as one model that explains itself.

A saved model is a folder: `model.safetensors` (weights) and `model.json` (everything needed to use
them: spec, style channel, offset and scale, figures, version). What people should know of it is
written by `v3/report/card.py`, once it is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Generator, Tensor, nn

from v3.base import processes
from v3.base.errors import V3Error
from v3.base.files import atomic_folder, write_json
from v3.model.about import SCHEMA, About, ModelInfo, StyleChannel
from v3.model.networks import Decoder, Encoder
from v3.model.quantizer import Quantizer
from v3.model.spec import Spec
from v3.model.stored import ABOUT, WEIGHTS, mend, read_about, read_weights

BATCH = 512  # fragments encoded or decoded at once
Fragments = np.ndarray | Tensor


@dataclass(frozen=True)
class Encoding:
    """Of N fragments: content z_c (N, d_c), its codes (N,), style z_s (N, d_s), and `style`
    (N, d_s): what the decoder reads of it, pooled over each sample's fragments."""

    z_c: Tensor
    codes: Tensor
    z_s: Tensor
    style: Tensor


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
        self.figures: dict[str, float] = {}
        self.training_params: dict[str, Any] = {}
        self.encoder = Encoder(spec, info.fragment_shape)
        self.quantizer = Quantizer(spec.atoms, spec.content_dim, codebook_decay, spec.distance)
        self.decoder = Decoder(spec, info.fragment_shape)
        self.style_norm: nn.Module = nn.Identity()
        if self.style.standardise:
            self.style_norm = nn.BatchNorm1d(spec.style_dim, affine=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, x: Tensor, profile: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Network input (N, C, H, W) -> z_c (N, d_c) and z_s (N, d_s).

        `profile`: of each fragment's sample the mean of `SampleNorm.profile` over its fragments,
        which a spec with `sample_norm` takes off.
        """
        z_c, z_s = self.encoder(x, profile)
        return z_c.float(), self.style_norm(z_s.float())

    def embed_samples(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Network input (b, n, C, H, W) -> z_c (b * n, d_c) and z_s (b * n, d_s)."""
        profile, flat = None, x.flatten(0, 1)
        if self.encoder.sample is not None:
            own = self.encoder.sample.profile(flat).unflatten(0, x.shape[:2])
            profile = own.mean(1, keepdim=True).expand_as(own).flatten(0, 1)
        return self.embed(flat, profile)

    def forward(self, x: Tensor, generator: Generator | None = None) -> Batch:
        """Network input (b, n, C, H, W) there and back; `generator` draws the style's noise."""
        b, n = x.shape[:2]
        z_c, z_s = self.embed_samples(x)
        z_q, codes, commitment = self.quantizer(z_c)
        group = torch.arange(b, device=x.device).repeat_interleave(n)
        style = pool(z_s, group, self.style.pooling, b)
        if self.training and self.style.noise > 0:
            style = self.add_noise(style, generator)
        x_hat = self.decoder(z_q, style)
        return Batch(
            z_c.unflatten(0, (b, n)),
            z_q.unflatten(0, (b, n)),
            z_s.unflatten(0, (b, n)),
            x_hat.unflatten(0, (b, n)),
            codes,
            commitment,
        )

    def add_noise(self, style: Tensor, generator: Generator | None = None) -> Tensor:
        """The training noise on (N, d_s); its size is that of the standardised style."""
        noise = processes.randn(*style.shape, generator=generator).to(style.device)
        if self.style.standardise:
            return style + self.style.noise * noise
        return style + self.style.noise * processes.std(style.detach()) * noise

    @torch.inference_mode()
    def encode(self, fragments: Fragments, sample: Fragments | None = None) -> Encoding:
        """Fragments (N, C, H, W) in file units -> content, codes and style.

        `sample` (N,) says by equal numbers which fragments are of one sample; None: all are. It
        matters to a spec with `sample_norm` and to a style channel that pools, which want some
        fragments of every sample.
        """
        self.eval()
        fragments = _fragments(fragments)
        group = self._group(len(fragments), sample)
        pieces = [self._input(piece) for piece in fragments.split(BATCH)]
        profiles: Sequence[Tensor | None] = [None] * len(pieces)
        if (norm := self.encoder.sample) is not None:
            own = torch.cat([norm.profile(piece) for piece in pieces])
            profiles = group_mean(own, group).split(BATCH)
        parts = [
            self.embed(piece, profile) for piece, profile in zip(pieces, profiles, strict=True)
        ]
        z_c, z_s = (torch.cat([part[index] for part in parts]) for index in (0, 1))
        style = pool(z_s, group, self.style.pooling)
        return Encoding(z_c, self.quantizer.nearest(z_c), z_s, style)

    @torch.inference_mode()
    def decode(self, codes: Fragments, style: Fragments) -> Tensor:
        """Codes (N,) and styles (N, d_s) -> fragments (N, C, H, W) in file units, float32.

        `style` is that of an `Encoding`; without noise `decode` of what `encode` gave is what
        `forward` reconstructs.
        """
        self.eval()
        z_q = self.quantizer.atoms[torch.as_tensor(codes, device=self.device)]
        styles = torch.as_tensor(style, device=self.device)
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
        return self.decode(codes, self.encode(style, style_sample).style)

    def _group(self, count: int, sample: Fragments | None) -> Tensor:
        """Of each of `count` fragments the number of its sample (N,), counted from 0."""
        if sample is None:
            return torch.zeros(count, dtype=torch.int64, device=self.device)
        sample = torch.as_tensor(sample, device=self.device)
        if sample.shape != (count,):
            raise V3Error(
                f"sample must be one number for each of {count} fragments, "
                f"has the shape {tuple(sample.shape)}."
            )
        return sample.unique(return_inverse=True)[1]

    @property
    def device(self) -> torch.device:
        return self.quantizer.atoms.device

    def _input(self, fragments: Fragments) -> Tensor:
        return network_input(torch.as_tensor(fragments).to(self.device), self.info)

    def save(
        self,
        folder: str | Path,
        figures: Mapping[str, float] | None = None,
        card: str | None = None,
    ) -> None:
        """Write the model folder, whole or not at all.

        `figures`: what training measured; `card`: the text of README.md, which is left out without.
        """
        self.figures = dict(figures or self.figures)
        about = About(
            schema=SCHEMA,
            spec=self.spec,
            style_channel=self.style,
            codebook_decay=self.quantizer.decay,
            info=self.info,
            training=self.training_params,
            figures=self.figures,
        )
        weights = {name: value.contiguous().cpu() for name, value in self.state_dict().items()}
        with atomic_folder(folder) as beside:
            save_file(weights, beside / WEIGHTS)
            content = about.model_dump(mode="json", by_alias=True) | {"spec": self.spec.to_dict()}
            write_json(beside / ABOUT, content)
            if card is not None:
                (beside / "README.md").write_text(card, encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> V3:
        """Open a model folder; nothing else is needed. `V3Error` names what is damaged."""
        folder = Path(folder)
        about = read_about(folder)
        parts = about.spec, about.info, about.style_channel, about.codebook_decay
        try:
            with torch.device("meta"):  # sizes alone: what the file claims may fit into no memory
                wanted = cls(*parts).state_dict()
        except V3Error as error:
            said = str(error).partition(":")[0]  # the mend is that of a spec that somebody writes
            raise V3Error(
                f"{folder / ABOUT} contradicts itself ({said}): {mend(folder)}."
            ) from None
        except (RuntimeError, TypeError, OverflowError):  # of sizes that no number holds
            raise V3Error(
                f"{folder / ABOUT} tells of a network that no memory holds: {mend(folder)}."
            ) from None
        weights = read_weights(folder, wanted)
        model = cls(*parts)
        model.load_state_dict(weights)
        model._require_finite(folder)
        model.figures, model.training_params = dict(about.figures), dict(about.training)
        return model.to(device).eval()

    def _require_finite(self, folder: Path) -> None:
        """`V3Error` if noise there and back is not finite: then nothing else would be, either."""
        noise = torch.randn(2, *self.info.fragment_shape, generator=Generator().manual_seed(0))
        found = self.encode(noise / self.info.scale + self.info.offset)
        again = self.decode(found.codes, found.style)
        if not all(bool(x.isfinite().all()) for x in (found.z_c, found.style, again)):
            raise V3Error(
                f"{folder / WEIGHTS} holds weights with which no fragment gives finite numbers: "
                f"{mend(folder)}."
            )


def pool(z_s: Tensor, group: Tensor, pooling: str, groups: int | None = None) -> Tensor:
    """What the decoder reads of the styles (N, d_s) of fragments in the samples `group` (N,).

    A sample's fragments are taken in the order given; `StyleChannel` says what the kinds mean.
    `groups`: how many samples there are, where that is known.
    """
    if pooling == "mean":
        return group_mean(z_s, group, groups)
    if pooling == "neighbour":
        order = group.argsort(stable=True)
        ordered = group[order]
        last = torch.ones_like(ordered, dtype=torch.bool)
        last[:-1] = ordered[1:] != ordered[:-1]
        place = torch.arange(len(order), device=order.device)
        first = torch.where(last.roll(1), place, 0).cummax(0).values  # of each one's sample
        after = torch.where(last, order[first], order.roll(-1))  # the last reads the first
        following = torch.empty_like(order)
        following[order] = after
        return z_s[following]
    return z_s


def group_mean(values: Tensor, group: Tensor, groups: int | None = None) -> Tensor:
    """Each of the values (N, ...) replaced by the mean of those in its group (N,).

    `groups`: how many there are; a GPU is waited for to find out.
    """
    groups = int(group.max()) + 1 if groups is None else groups
    one = torch.ones_like(group, dtype=values.dtype)
    count = one.new_zeros(groups).index_add_(0, group, one).view(-1, *[1] * (values.ndim - 1))
    total = values.new_zeros(groups, *values.shape[1:]).index_add_(0, group, values)
    return (total / count)[group]


def network_input(fragments: Tensor, info: ModelInfo) -> Tensor:
    """File units -> network units, float32."""
    return (fragments.float() - info.offset) * info.scale


def _fragments(fragments: Fragments) -> Tensor:
    if isinstance(fragments, np.ndarray):
        fragments = np.ascontiguousarray(fragments)  # PyTorch takes no array that runs backwards
    fragments = torch.as_tensor(fragments)
    if fragments.ndim != 4 or not len(fragments):
        raise V3Error(f"fragments must have the shape (N, C, H, W), N > 0; have {fragments.shape}.")
    return fragments
