"""Embeddings of whole samples as NumPy arrays: what every evaluation starts from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from v3.base.errors import V3Error
from v3.fragments.labels import LabelledFragments
from v3.model.v3 import V3

CHUNK = 4096  # fragments held in memory at once, unless a sample has more


@dataclass(frozen=True)
class Embeddings:
    """Of N fragments, in the order of the samples asked for."""

    z_c: np.ndarray  # (N, d_c) float32, before quantisation
    codes: np.ndarray  # (N,) int64
    z_s: np.ndarray  # (N, d_s) float32
    style_read: np.ndarray  # (N, d_s) float32: what the decoder reads, pooled and without noise
    style_noisy: np.ndarray  # (N, d_s) float32: the same with the noise of training
    content_label: np.ndarray  # (N,) int32, -1 unknown
    style_label: np.ndarray  # (N,) int32, -1 unknown
    sample: np.ndarray  # (N,) int64 sample rows
    rows: np.ndarray  # (N,) int64 fragment rows


def embed(model: V3, file: LabelledFragments, samples: Sequence[int], seed: int = 0) -> Embeddings:
    """Embed all fragments of the samples; `seed` draws the noise of `style_noisy`.

    `V3Error` names the first fragment that the model makes anything but finite numbers of.
    """
    rows = file.rows_of(samples)
    sample = np.asarray(file.sample)[rows]
    parts = [model.encode(file.read(rows[a:b]), np.asarray(sample[a:b])) for a, b in chunks(sample)]
    style = torch.cat([part.style for part in parts]).cpu()
    noisy = model.add_noise(style, torch.Generator().manual_seed(seed))
    embeddings = Embeddings(
        z_c=torch.cat([part.z_c for part in parts]).cpu().numpy(),
        codes=torch.cat([part.codes for part in parts]).cpu().numpy(),
        z_s=torch.cat([part.z_s for part in parts]).cpu().numpy(),
        style_read=style.numpy(),
        style_noisy=noisy.numpy(),
        content_label=np.asarray(file.content)[rows],
        style_label=np.asarray(file.style)[sample],
        sample=sample,
        rows=rows,
    )
    _require_finite(embeddings, file)
    return embeddings


def _require_finite(embeddings: Embeddings, file: LabelledFragments) -> None:
    finite = np.isfinite(embeddings.z_c).all(1) & np.isfinite(embeddings.z_s).all(1)
    if finite.all():
        return
    row = int(np.argmin(finite))
    raise V3Error(
        f"{file.path}: the model gives no finite numbers for fragment {embeddings.rows[row]} (of "
        f"{file.name_of(int(embeddings.sample[row]))}), so its values are far from those that it "
        "was trained on: mend what wrote the file and run `dvc repro`."
    )


def chunks(sample: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last row, exclusive, of chunks of whole samples, near CHUNK fragments each."""
    ends = np.append(np.flatnonzero(np.diff(sample)) + 1, len(sample))
    start = 0
    for end, following in zip(ends.tolist(), [*ends[1:].tolist(), math.inf], strict=True):
        if following - start > CHUNK:
            yield start, end
            start = end
