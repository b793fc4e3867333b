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


def mean_pairwise_distance(v: Tensor, distinct: Tensor | None = None) -> Tensor:
    """Mean Euclidean distance over all pairs of the m vectors in (..., m, d) -> (...).

    Pairs with a vector that is not `distinct` (..., m) do not count. Without a pair (a single
    vector has none) the distance is 0 and has no gradient.
    """
    if v.shape[-2] < 2:
        return v.new_zeros(v.shape[:-2])
    i, j = torch.triu_indices(v.shape[-2], v.shape[-2], 1, device=v.device)
    # vector_norm has gradient 0 at distance 0, where a square root would give NaN
    distance = torch.linalg.vector_norm(v[..., i, :] - v[..., j, :], dim=-1)
    if distinct is None:
        return distance.mean(-1)
    pair = (distinct[..., i] & distinct[..., j]).to(v)
    return (distance * pair).sum(-1) / pair.sum(-1).clamp_min(1)


def variability(
    z_c: Tensor,
    z_q: Tensor,
    z_s: Tensor,
    *,
    supersampling: bool = False,
    style_window: int = 1,
    distinct: Tensor | None = None,
) -> dict[str, Tensor]:
    """Statistics of b samples with n fragments: z_c and z_q (b, n, d_c), z_s (b, n, d_s).

    With `supersampling` the two statistics between samples that the content and sample terms
    compare, `content_sample` and `style_group`, are taken over fragments regrouped to b' x n'
    (nearly square), for samples too short to hold the vocabulary. With `style_window` > 1 the
    style is first averaged along the fragments, for styles that drift along a sample.

    `distinct` (b, n) is false for a fragment that stands in its sample a second time, because the
    sample is shorter than n: within samples only the others count, and samples of a single
    fragment not at all.
    """
    z_s = widen(z_s, style_window)

    def within(z: Tensor) -> Tensor:
        if distinct is None:
            return mean_pairwise_distance(z).mean()
        paired = (distinct.sum(1) > 1).to(z)
        return (mean_pairwise_distance(z, distinct) * paired).sum() / paired.sum().clamp_min(1)

    def between_samples(z: Tensor) -> Tensor:
        return mean_pairwise_distance(sample_mean(z, distinct))

    def between_groups(z: Tensor) -> Tensor:
        return mean_pairwise_distance(regroup(z).mean(1))

    between = between_groups if supersampling else between_samples
    return {
        "content_fragment": _both(within, z_c, z_q),
        "content_sample": _both(between, z_c, z_q),
        "style_fragment": within(z_s),
        "style_sample": between_samples(z_s),
        "style_group": between(z_s),
    }


def sample_mean(z: Tensor, distinct: Tensor | None = None) -> Tensor:
    """Mean over the `distinct` (b, n) fragments, or all, of (b, n, d) -> (b, d)."""
    if distinct is None:
        return z.mean(1)
    weight = distinct[..., None].to(z)
    return (z * weight).sum(1) / weight.sum(1)


def hinges(statistics: Mapping[str, Tensor], relativity: float) -> dict[str, Tensor]:
    """The four terms relu(r - a / (b + eps)) / r, each in [0, 1].

    `between` (samples) and `within` (them) are what the paper calls the sample and fragment terms.
    """
    v = statistics

    def hinge(a: Tensor, b: Tensor) -> Tensor:
        return relu(relativity - a / (b + EPSILON)) / relativity

    return {
        "content": hinge(v["content_fragment"], v["content_sample"]),
        "style": hinge(v["style_sample"], v["style_fragment"]),
        "between": hinge(v["style_group"], v["content_sample"]),
        "within": hinge(v["content_fragment"], v["style_fragment"]),
    }


def decorrelation(z_s: Tensor, distinct: Tensor | None = None) -> Tensor:
    """Mean squared off-diagonal correlation of the dimensions of the sample means of z_s (b, n, d).

    Keeps the style from shrinking to a line on which different styles meet.
    """
    means = sample_mean(z_s, distinct)
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


def discrimination(
    z_one: Tensor, z_other: Tensor, temperature: float, distinct: Tensor | None = None
) -> Tensor:
    """How badly each fragment's other view is told from those of the rest of its sample.

    Two views (b, n, d) of b samples of n fragments -> cross-entropy over log n: 0 if every one is
    found, 1 if they are guessed at. What a sample's fragments share is no help, so it drops out of
    the content. Likelihoods are the softmax of cosines over `temperature` (InfoNCE: van den Oord et
    al., 2018, arXiv 1807.03748; two views: Chen et al., 2020, arXiv 2002.05709). A fragment that is
    not `distinct` (b, n) neither asks nor stands among the others: it is one of them again.
    """
    b, n = z_one.shape[:2]
    cosine = normalize(z_one, dim=2) @ normalize(z_other, dim=2).transpose(1, 2)  # (b, n, n)
    logits = cosine / temperature
    own = torch.arange(n, device=z_one.device).repeat(b)
    if distinct is None:
        there = cross_entropy(logits.flatten(0, 1), own)
        back = cross_entropy(logits.transpose(1, 2).flatten(0, 1), own)
        return (there + back) / (2 * math.log(n))
    count = distinct.sum(1)
    logits = logits.masked_fill(~(distinct[:, None] & distinct[:, :, None]), -math.inf)
    asks = (distinct & (count > 1)[:, None]).flatten()
    # guessing among m fragments costs log m; one alone in its sample has nobody to be told from
    worst = count.clamp_min(2).log().repeat_interleave(n)[asks]
    both = [
        cross_entropy(one.flatten(0, 1)[asks], own[asks], reduction="none") / worst
        for one in (logits, logits.transpose(1, 2))
    ]
    return torch.stack(both).sum() / (2 * asks.sum().clamp_min(1))


def reconstruction_error(
    x_hat: Tensor, x: Tensor, shift: tuple[int, int] = (0, 0), in_place: float = 1.0
) -> Tensor:
    """Mean squared error of each fragment (N, C, H, W) -> (N,), forgiving that x_hat lies aside.

    The part `in_place` of it is of x_hat as it is; the rest of x_hat moved as fits x best, by up to
    `shift` pixels (down, right) to either side, edges repeated. Where a symbol lies by chance
    neither code nor style can tell, and the best picture by squared error alone is then a blurred
    one, of mixed colours. Without any error in place nothing would hold a picture where it belongs.
    """
    error = _squared_error(x_hat, x)
    down, right = shift
    if shift == (0, 0) or in_place == 1:
        return error
    height, width = x.shape[2:]
    wide = pad(x_hat, (right, right, down, down), mode="replicate")
    moves = [(i, j) for i in sorted({0, down, 2 * down}) for j in sorted({0, right, 2 * right})]
    with torch.no_grad():  # every second row and column tell which move fits
        some = x[:, :, ::2, ::2].contiguous()
        rows, columns = some.shape[2:]
        parities = {(i % 2, j % 2) for i, j in moves}
        coarse = {(i, j): wide[:, :, i::2, j::2].contiguous() for i, j in parities}
        errors = []
        for i, j in moves:
            part = coarse[i % 2, j % 2][:, :, i // 2 : i // 2 + rows, j // 2 : j // 2 + columns]
            errors.append(_squared_error(part, some))
        chosen = torch.stack(errors, 1).argmin(1)
    if x.device.type != "cpu":  # how many fit which move is not known there without waiting for it
        placed = [wide[:, :, i : i + height, j : j + width] for i, j in moves]
        every = torch.stack([_squared_error(part, x) for part in placed], 1)
        return torch.lerp(every.gather(1, chosen[:, None])[:, 0], error, in_place)
    order = chosen.argsort()
    counts = torch.bincount(chosen, minlength=len(moves)).tolist()
    moved = [
        part[:, :, i : i + height, j : j + width]
        for part, (i, j) in zip(wide[order].split(counts), moves, strict=True)
    ]
    least = _squared_error(torch.cat(moved), x[order])[order.argsort()]
    return torch.lerp(least, error, in_place)


def _squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Mean squared error of each fragment (N, C, H, W) -> (N,)."""
    difference = (x_hat - x).flatten(1)
    return torch.linalg.vecdot(difference, difference) / difference.shape[1]


def contrast(x: Tensor) -> Tensor:
    """Of samples (b, n, C, H, W) the variance within fragments (b,)."""
    return x.var((3, 4)).mean((1, 2))


def contrast_weights(variance: Tensor) -> Tensor:
    """Weights (b,) of mean 1 that let pale samples count as much as bold ones.

    In inverse proportion to the variance within fragments (b,), and a tenth of the batch's mean of
    it, so that an empty fragment does not outweigh all others.
    """
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


def _both(statistic: Callable[[Tensor], Tensor], z_c: Tensor, z_q: Tensor) -> Tensor:
    """Half from the continuous and half from the quantised content."""
    return (statistic(z_c) + statistic(z_q)) / 2
