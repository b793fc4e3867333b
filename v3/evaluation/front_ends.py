"""Front ends of the baseline: what k-means is given in place of the fragments as they are.

Each makes points (n, D) of all fragments (n, C, H, W) of one sample, in the network's input; H are
the frequencies of spectrograms and W their frames. No label has a part in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct

from v3.base.errors import V3Error
from v3.evaluation.common import Array, one_thread
from v3.evaluation.embedding import chunks
from v3.fragments.format import Shape
from v3.fragments.reader import Fragments
from v3.model.layers import LEAST_CONTRAST, SampleNorm
from v3.model.spec import Spec

COMPONENTS = 64  # first principal components: what lies beyond is mostly noise
CEPSTRA = 16  # the coarse shape of a spectrum; the voice's fine structure lies above
SLOTS = 8  # of time, over a fragment's frames
Points = NDArray[np.float32]


@dataclass(frozen=True)
class FrontEnd:
    """`points` of a sample's fragments (n, C, H, W), of which the first `components` (None: all)
    principal ones are clustered."""

    points: Callable[[Array], Array]
    components: int | None = COMPONENTS


def front_ends(spec: Spec, kind: str, shape: Shape) -> dict[str, FrontEnd]:
    """All that fit fragments (C, H, W) of the `kind` and a network by `spec`, by name.

    raw, components: the values as they are, and their principal components. trunk: what the
    network's trunk sees, if that is something else. Of spectrograms also level: less the sample's
    mean spectrum and each fragment's own mean, its loudness; and cepstra: normalised ones.
    """
    found = {"raw": FrontEnd(as_they_are, None), "components": FrontEnd(as_they_are)}
    if spec.sample_norm or spec.contrast_norm:
        found["trunk"] = FrontEnd(seen_by_trunk(spec, shape))
    if kind == "spectrograms":
        found |= {"level": FrontEnd(less_loudness), "cepstra": FrontEnd(normalised_cepstra)}
    return found


def as_they_are(x: Array) -> Array:
    """Fragments (n, C, H, W) as they are."""
    return x


def seen_by_trunk(spec: Spec, shape: Shape) -> Callable[[Array], Array]:
    """Of a sample's fragments (n, C, H, W), (C, H, W) being `shape`, what the trunk is given."""
    # its weights, which make style of what it takes off, have no part
    norm = SampleNorm(shape, spec.cepstra, spec.style_dim) if spec.sample_norm else None

    @torch.inference_mode()
    def points(x: Array) -> Array:
        given = torch.from_numpy(x)
        if norm is not None:
            profile = norm.profile(given).mean(0, keepdim=True).expand(len(x), -1, -1, -1)
            given = norm(given, profile)[0]
        if spec.contrast_norm:
            given = given - given.mean((2, 3), keepdim=True)
            deviation = given.square().mean((1, 2, 3), keepdim=True).sqrt()
            given = given / (2 * (deviation + LEAST_CONTRAST))
        return given.numpy()

    return points


def less_loudness(x: Array) -> Array:
    """A sample's spectrograms (n, C, H, W) less its mean spectrum and each one's own mean."""
    x = x - x.mean((0, 3), keepdims=True)
    return x - x.mean((1, 2, 3), keepdims=True)


def normalised_cepstra(x: Array) -> Array:
    """Cepstra (n, C, 16, 8) of a sample's log spectrograms (n, C, H, W).

    The first 16 coefficients of the orthonormal DCT-II over frequency, of every frame; each less
    its mean and over its standard deviation over all frames of the sample (cepstral mean and
    variance normalisation; Viikki and Laurila, 1998); then the mean of 8 slots of time. Fewer of
    both where the fragments have fewer rows or frames.
    """
    basis = dct(np.eye(x.shape[2], dtype=np.float32), axis=0, norm="ortho")[:CEPSTRA]
    cepstra = basis @ x
    cepstra -= cepstra.mean((0, 3), keepdims=True)
    deviation = cepstra.std((0, 3), keepdims=True)
    cepstra /= np.where(deviation > 1e-6, deviation, 1)  # a coefficient that never changes stays 0
    edges = np.linspace(0, x.shape[3], min(SLOTS, x.shape[3]) + 1).astype(int)
    return np.add.reduceat(cepstra, edges[:-1], axis=3) / np.diff(edges).astype(np.float32)


def read_points(file: Fragments, samples: Sequence[int], front_end: FrontEnd) -> Points:
    """Points (N, D) of all fragments of the samples, in their order; N > 0."""
    points: Points | None = None
    total, done = len(file.rows_of(samples)), 0
    for some in point_chunks(file, samples, front_end):
        if points is None:  # filled piece by piece, for all may fill half of the memory
            points = np.empty((total, some.shape[1]), np.float32)
        points[done : done + len(some)] = some
        done += len(some)
    if points is None:
        raise V3Error("baseline: no fragment to cluster.")
    return points


def point_chunks(file: Fragments, samples: Sequence[int], front_end: FrontEnd) -> Iterator[Points]:
    """The same in pieces of whole samples, as few at once as the evaluations hold in memory."""
    offset, scale = np.float32(file.source.offset), np.float32(file.source.scale)
    rows = file.rows_of(samples)
    sample = file.sample[rows]
    for start, end in chunks(sample):
        x = (file.read(rows[start:end]).astype(np.float32) - offset) * scale
        bounds = np.flatnonzero(np.diff(sample[start:end])) + 1
        with one_thread():
            made = [front_end.points(part) for part in np.split(x, bounds)]
        yield np.concatenate([part.reshape(len(part), -1) for part in made])
