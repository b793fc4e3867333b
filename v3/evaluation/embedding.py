"""Embeddings of whole samples as NumPy arrays: what every evaluation starts from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from v3.fragments.labels import LabelledFragments
from v3.model.v3 import V3

CHUNK = 4096  # fragments held in memory at once, unless a sample has more


@dataclass(frozen=True)
class Embeddings:
    """Of N fragments, in the order of the samples asked for."""

    z_c: np.ndarray  # (N, d_c) float32, before quantisation
    codes: np.ndarray  # (N,) int64
    z_s: np.ndarray  # (N, d_s) float32
    z_s_pooled: np.ndarray  # (N, d_s) float32: what the decoder reads, before the noise
    z_s_read: np.ndarray  # (N, d_s) float32: with the noise, what it reads in training
    content: np.ndarray  # (N,) int32 labels, -1 unknown
    style: np.ndarray  # (N,) int32 labels, -1 unknown
    sample: np.ndarray  # (N,) int64 sample rows
    rows: np.ndarray  # (N,) int64 fragment rows


def embed(model: V3, file: LabelledFragments, samples: Sequence[int], seed: int = 0) -> Embeddings:
    """Embed all fragments of the samples; `seed` draws the noise of `z_s_read`."""
    rows = file.rows_of(samples)
    sample = np.asarray(file.sample)[rows]
    parts = [
        model.encode(file.read(rows[a:b]), np.asarray(sample[a:b])) for a, b in _chunks(sample)
    ]
    z_s = torch.cat([part.z_s for part in parts]).cpu()
    pooled = _POOLED[model.style.pooling](z_s, sample)
    read = model.add_noise(pooled, torch.Generator().manual_seed(seed))
    return Embeddings(
        z_c=torch.cat([part.z_c for part in parts]).cpu().numpy(),
        codes=torch.cat([part.codes for part in parts]).cpu().numpy(),
        z_s=z_s.numpy(),
        z_s_pooled=pooled.numpy(),
        z_s_read=read.numpy(),
        content=np.asarray(file.content)[rows],
        style=np.asarray(file.style)[sample],
        sample=sample,
        rows=rows,
    )


def _chunks(sample: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last row, exclusive, of chunks of whole samples, near CHUNK fragments each."""
    ends = np.append(np.flatnonzero(np.diff(sample)) + 1, len(sample))
    start = 0
    for end, following in zip(ends.tolist(), [*ends[1:].tolist(), math.inf], strict=True):
        if following - start > CHUNK:
            yield start, end
            start = end


def _own(z_s: torch.Tensor, _: np.ndarray) -> torch.Tensor:
    return z_s


def _mean(z_s: torch.Tensor, sample: np.ndarray) -> torch.Tensor:
    """Every fragment's style replaced by the mean of its sample."""
    _, index = np.unique(sample, return_inverse=True)
    group = torch.from_numpy(index)
    total = torch.zeros(int(group.max()) + 1, z_s.shape[1]).index_add_(0, group, z_s)
    return (total / torch.bincount(group)[:, None])[group]


def _next(z_s: torch.Tensor, sample: np.ndarray) -> torch.Tensor:
    """Every fragment's style replaced by that of the next in its sample; the last reads the first.

    The fragments of a sample stand together.
    """
    first = np.flatnonzero(np.diff(sample, prepend=sample[0] - 1))
    after = np.arange(1, len(sample) + 1)
    after[np.append(first[1:], len(sample)) - 1] = first
    return z_s[torch.from_numpy(after)]


_POOLED = {"fragment": _own, "sample": _mean, "neighbour": _next}  # by StyleChannel.pooling
