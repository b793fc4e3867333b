"""The codebook: nearest atom, straight-through gradient, EMA, k-means start, dead atoms.

EMA codebook after van den Oord et al., 2017 (arXiv 1711.00937, appendix A.1); k-means start and
replacement of dead atoms after Zeghidour et al., 2021 (SoundStream, arXiv 2107.03312).
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize

EPSILON = 1e-5
KMEANS_ROUNDS = 20


class Quantizer(nn.Module):
    """K atoms of d dimensions, learnt by moving averages and not by gradient."""

    atoms: Tensor
    usage: Tensor
    sums: Tensor

    def __init__(
        self, atoms: int, dim: int, decay: float = 0.98, distance: str = "euclidean"
    ) -> None:
        super().__init__()
        self.decay, self.distance = decay, distance
        self.register_buffer("atoms", torch.zeros(atoms, dim))
        self.register_buffer("usage", torch.zeros(atoms))  # EMA of fragments a batch
        self.register_buffer("sums", torch.zeros(atoms, dim))  # EMA of their vectors' sums

    def nearest(self, z_c: Tensor) -> Tensor:
        """Row of the nearest atom for each of (N, d) -> (N,).

        By `distance`: euclidean, or cosine, which looks at directions alone.
        """
        if self.distance == "cosine":
            return (z_c @ normalize(self.atoms, dim=1).T).argmax(1)
        return torch.cdist(z_c, self.atoms).argmin(1)

    def forward(self, z_c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, d) -> quantised (N, d) (straight-through), codes (N,), commitment loss."""
        codes = self.nearest(z_c.detach())
        chosen = self.atoms[codes]
        commitment = (z_c - chosen).square().mean()
        # The atom itself, to the last bit: the distance of two fragments with one code is then 0,
        # and it has no gradient in place of one in the direction of a rounding error.
        return chosen + (z_c - z_c.detach()), codes, commitment

    @torch.no_grad()
    def start(self, z_c: Tensor, seed: int) -> None:
        """Place the atoms at the k-means centres of (N, d)."""
        self.atoms.copy_(kmeans(z_c, len(self.atoms), seed))
        counts = torch.bincount(self.nearest(z_c), minlength=len(self.atoms)).to(z_c)
        self.usage.copy_(counts)
        self.sums.copy_(self.atoms * counts[:, None])

    @torch.no_grad()
    def update(
        self, z_c: Tensor, codes: Tensor, error: Tensor, share: float, generator: Generator
    ) -> Tensor:
        """Move the atoms towards the vectors that chose them; return how many were replaced.

        An atom whose EMA usage (fragments a batch) falls under `share` of even use (N / K) is
        replaced by a vector of the batch, drawn with a probability in proportion to the square of
        the fragment's reconstruction `error` (N,): where one atom holds two contents, both are
        reconstructed badly. Its usage restarts at that threshold, or it would die at once.

        Rows are drawn one after the other without putting any back, as the greatest of log(u) / w
        for uniform u and weights w (Efraimidis and Spirakis, 2006), as many as there are atoms:
        how many are dead a GPU would have to be waited for.
        """
        threshold = share * len(z_c) / len(self.atoms)
        chosen = nn.functional.one_hot(codes, len(self.atoms)).to(z_c)  # (N, K)
        self.usage.lerp_(chosen.sum(0), 1 - self.decay)
        self.sums.lerp_(chosen.T @ z_c, 1 - self.decay)
        # an atom that nothing chooses any more keeps its place, down to the last bit of its usage
        alive = self.usage[:, None] > EPSILON
        self.atoms.copy_(torch.where(alive, self.sums / self.usage[:, None], self.atoms))
        weight = error.float().square() + EPSILON**2
        drawn = torch.rand(len(z_c), generator=generator).to(z_c.device)
        rows = (drawn.log() / weight).topk(min(len(self.atoms), len(z_c))).indices
        dead = self.usage < threshold
        turn = dead.cumsum(0) - 1  # which of the rows is whose; more dead atoms than rows must wait
        dead = dead & (turn < len(rows))
        new = z_c[rows[turn.clamp(0, len(rows) - 1)]]
        self.atoms.copy_(torch.where(dead[:, None], new, self.atoms))
        self.sums.copy_(torch.where(dead[:, None], new * threshold, self.sums))
        self.usage.masked_fill_(dead, threshold)
        return dead.sum()

    @torch.no_grad()
    def merge(self, kept: int, gone: int) -> None:
        """One atom for what two have been nearest to; the other is free for `split`."""
        self.usage[kept] += self.usage[gone]
        self.sums[kept] += self.sums[gone]
        self.atoms[kept] = self.sums[kept] / self.usage[kept].clamp_min(EPSILON)

    @torch.no_grad()
    def split(self, atom: int, free: int, z_c: Tensor, second: Tensor) -> None:
        """Two atoms for the vectors (N, d) of one: `free` gets those that `second` (N,) names."""
        usage, share = self.usage[atom].clone(), second.float().mean()
        for row, mine, part in ((atom, ~second, 1 - share), (free, second, share)):
            self.atoms[row] = z_c[mine].mean(0)
            self.usage[row] = usage * part
            self.sums[row] = self.atoms[row] * self.usage[row]


def kmeans(points: Tensor, clusters: int, seed: int) -> Tensor:
    """Centres (K, d) of k-means on (N, d); fewer points than clusters are used more than once."""
    # Here, for whoever only uses a model: scikit-learn takes longer to load than that.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    rows = points.detach().cpu().float().numpy()
    if len(rows) < clusters:
        rows = np.resize(rows, (clusters, rows.shape[1]))
    with threadpool_limits(1), warnings.catch_warnings():  # the same bits on any number of cores
        warnings.simplefilter("ignore", ConvergenceWarning)  # of points that repeat
        found = KMeans(clusters, n_init=1, max_iter=KMEANS_ROUNDS, random_state=seed).fit(rows)
    return torch.from_numpy(found.cluster_centers_).to(points)
