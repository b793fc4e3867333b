"""The variability statistics and the four hinges of V3 (Wu et al., ICLR 2025, arXiv 2407.03824).

Content should vary between the fragments of a sample and have the same vocabulary in every
sample; style the other way round. Nothing here ever sees a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize, pad, relu

from v3.base.errors import V3Error

EPSILON = 1e-5


def mean_pairwise_distance(v: Tensor) -> Tensor:
    """Mean Euclidean distance over all pairs of the m vectors in (..., m, d) -> (...).

    A single vector has no pairs: its distance is 0 and has no gradient.
    """
    if v.shape[-2] < 2:
        return v.new_zeros(v.shape[:-2])
    i, j = torch.triu_indices(v.shape[-2], v.shape[-2], 1, device=v.device)
    # vector_norm has gradient 0 at distance 0, where a square root would give NaN
    return torch.linalg.vector_norm(v[..., i, :] - v[..., j, :], dim=-1).mean(-1)


def variability(
    z_c: Tensor, z_q: Tensor, z_s: Tensor, *, supersampling: bool = False, style_window: int = 1
) -> dict[str, Tensor]:
    """Statistics of b samples with n fragments: z_c and z_q (b, n, d_c), z_s (b, n, d_s).

    With `supersampling` the two statistics between samples that the content and sample terms
    compare, `content_sample` and `style_group`, are taken over fragments regrouped to b' x n'
    (nearly square), for samples too short to hold the vocabulary. With `style_window` > 1 the
    style is first averaged along the fragments, for styles that drift along a sample.
    """
    z_s = widen(z_s, style_window)
    group = regroup if supersampling else _as_is
    return {
        "content_fragment": _both(lambda z: mean_pairwise_distance(z).mean(), z_c, z_q),
        "content_sample": _both(lambda z: mean_pairwise_distance(group(z).mean(1)), z_c, z_q),
        "style_fragment": mean_pairwise_distance(z_s).mean(),
        "style_sample": mean_pairwise_distance(z_s.mean(1)),
        "style_group": mean_pairwise_distance(group(z_s).mean(1)),
    }


def hinges(statistics: Mapping[str, Tensor], relativity: float) -> dict[str, Tensor]:
    """The four terms relu(r - a / (b + eps)) / r, each in [0, 1]."""
    v = statistics

    def hinge(a: Tensor, b: Tensor) -> Tensor:
        return relu(relativity - a / (b + EPSILON)) / relativity

    return {
        "content": hinge(v["content_fragment"], v["content_sample"]),
        "style": hinge(v["style_sample"], v["style_fragment"]),
        "sample": hinge(v["style_group"], v["content_sample"]),
        "fragment": hinge(v["content_fragment"], v["style_fragment"]),
    }


def decorrelation(z_s: Tensor) -> Tensor:
    """Mean squared off-diagonal correlation of the dimensions of the sample means of z_s (b, n, d).

    Keeps the style from shrinking to a line on which different styles meet.
    """
    means = z_s.mean(1)
    centred = means - means.mean(0)
    scaled = centred / (centred.square().mean(0) + EPSILON).sqrt()
    correlation = scaled.T @ scaled / len(means)
    size = correlation.shape[0]
    squares = correlation.square().sum() - correlation.diagonal().square().sum()
    return squares / max(1, size * (size - 1))


def agreement(
    z_one: Tensor, z_other: Tensor, atoms: Tensor, temperature: float, evenness: float = 1.0
) -> Tensor:
    """1 - I / log K, I the mutual information of the codes of two views of N fragments (N, d).

    0 if both views always get the same code and all K codes are in even use, 1 if the code of one
    tells nothing of the other's. Codes are soft: softmax of the cosine to the atoms (K, d) over
    `temperature`. Invariant information clustering (Ji et al., 2019, arXiv 1807.06653, eq. 3);
    `evenness` > 1 weighs the two entropies in I, which even use makes high, more than the joint one
    (their section 3.3); a single code for all then costs 2 evenness - 1.
    """

    def soft(z: Tensor) -> Tensor:
        cosine = normalize(z, dim=1) @ normalize(atoms, dim=1).T
        return (cosine / temperature).softmax(1)

    joint = soft(z_one).T @ soft(z_other) / len(z_one)  # (K, K)
    joint = ((joint + joint.T) / 2).clamp_min(1e-8)
    alone = joint.sum(1)
    entropy = -(alone * alone.log()).sum()
    information = 2 * evenness * entropy + (joint * joint.log()).sum()
    return 2 * evenness - 1 - information / math.log(len(atoms))


def discrimination(z_one: Tensor, z_other: Tensor, temperature: float) -> Tensor:
    """How badly each fragment's other view is told from those of the rest of its sample.

    Two views (b, n, d) of b samples of n fragments -> cross-entropy over log n: 0 if every one is
    found, 1 if they are guessed at. What a sample's fragments share is no help, so it drops out of
    the content. Likelihoods are the softmax of cosines over `temperature` (InfoNCE: van den Oord et
    al., 2018, arXiv 1807.03748; two views: Chen et al., 2020, arXiv 2002.05709).
    """
    b, n = z_one.shape[:2]
    cosine = normalize(z_one, dim=2) @ normalize(z_other, dim=2).transpose(1, 2)  # (b, n, n)
    own = torch.arange(n, device=z_one.device).repeat(b)
    there = cross_entropy((cosine / temperature).flatten(0, 1), own)
    back = cross_entropy((cosine / temperature).transpose(1, 2).flatten(0, 1), own)
    return (there + back) / (2 * math.log(n))


def contrast_weights(x: Tensor) -> Tensor:
    """Weights (b,) of mean 1 that let pale samples of (b, n, C, H, W) count as much as bold ones.

    In inverse proportion to the variance within fragments, and a tenth of the batch's mean of it,
    so that an empty fragment does not outweigh all others.
    """
    variance = x.var((3, 4)).mean((1, 2))
    weights = 1 / (variance + 0.1 * variance.mean() + EPSILON)
    return weights / weights.mean()


def weighted_total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Sum of weight x term. A term without weight or a weight without term is an error."""
    if set(terms) != set(weights):
        odd = sorted(set(terms) ^ set(weights))
        raise V3Error(f"loss terms and weights must have the same names; not in both: {odd}.")
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def widen(z_s: Tensor, window: int) -> Tensor:
    """Moving average of odd width along the fragments of (b, n, d), ends replicated, n kept."""
    if window == 1:
        return z_s
    if window < 1 or window % 2 == 0:
        raise V3Error(f"style_window must be odd and positive, is {window}.")
    padded = pad(z_s.transpose(1, 2), (window // 2, window // 2), mode="replicate")
    return padded.unfold(2, window, 1).mean(-1).transpose(1, 2)


def regroup(z: Tensor) -> Tensor:
    """(b, n, d) -> (b', n', d): the most nearly square factorisation of b n with b' >= n'."""
    b, n, d = z.shape
    columns = next(k for k in range(math.isqrt(b * n), 0, -1) if (b * n) % k == 0)
    return z.reshape(b * n // columns, columns, d)


def _as_is(z: Tensor) -> Tensor:
    return z


def _both(statistic: Callable[[Tensor], Tensor], z_c: Tensor, z_q: Tensor) -> Tensor:
    """Half from the continuous and half from the quantised content."""
    return (statistic(z_c) + statistic(z_q)) / 2
