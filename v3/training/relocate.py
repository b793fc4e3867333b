"""Atoms that share one content are moved to where one atom holds two.

No gradient does it: every step on the way makes agreement worse first. What it costs that two codes
become one, and what it gains that one becomes two, are both differences of the information that
agreement asks for, so no label has a part. To merge and to split where both together gain is what
Ueda et al. do in mixtures (2000, Neural Computation 12(9), "SMEM algorithm").
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import normalize

from v3.base import processes
from v3.model.quantizer import Quantizer, kmeans
from v3.model.v3 import V3, network_input
from v3.training.batches import Batches
from v3.training.objective import changed, kept_statistics
from v3.training.params import TrainParams
from v3.training.views import degrade

LOOKS = 0.3, 0.4, 0.5, 0.6, 0.7, 0.8  # parts of the steps: codes have formed, and can settle
FRAGMENTS_PER_ATOM = 50  # that are looked at ...
FRAGMENTS = 2000  # ... and so many at the least
ATOMS_PER_MOVE = 10  # of so many atoms one may move at a look
ROUNDING = 1e-9  # an unused code costs nothing, and a cloud that does not fall apart gains nothing
LEAST = 8  # vectors that show whether a code falls into two


def looks(params: TrainParams) -> set[int]:
    """The steps after which `relocate` is called; none without agreement, which it serves."""
    if not params.relocate or params.weights.agreement == 0:
        return set()
    return {round(part * params.steps) for part in LOOKS}


@torch.no_grad()
def relocate(model: V3, batches: Batches, step: int, params: TrainParams) -> int:
    """Move the atoms of `model` that tell more elsewhere, by coming batches; returns how many."""
    wanted = max(FRAGMENTS, FRAGMENTS_PER_ATOM * model.spec.atoms)
    count = math.ceil(wanted / (params.batch_samples * params.fragments_per_sample))
    generator = Generator().manual_seed(params.seed * 1_000_003 + 500_009 + step)
    model.train()
    views: list[tuple[Tensor, ...]] = []
    with kept_statistics(model):
        for index in range(step, step + count):
            x = network_input(batches[index][0].to(model.device), model.info)
            one = changed(x, params, generator)[1]
            other = degrade(changed(x, params, generator)[1], params.view, generator)
            # batch by batch, so that the order is that of one process
            views.append(
                processes.gather(model.embed_samples(one)[0], model.embed_samples(other)[0])
            )
    one, other = map(torch.cat, zip(*views, strict=True))
    return move_atoms(model.quantizer, one, other, params.view.evenness, params.seed)


def move_atoms(quantizer: Quantizer, one: Tensor, other: Tensor, evenness: float, seed: int) -> int:
    """Move atoms by two views (N, d) of N fragments; returns how many.

    A move is the merge of two codes and the split of a third that together gain information. The
    atom with less use goes; its fragments' nearest atom is then the other one. What a split gains
    is measured on every second fragment, its two centres are found with the rest: any cloud falls
    into halves that look apart to those who drew the line.
    """
    atoms = quantizer.atoms
    size = len(atoms)
    codes = quantizer.nearest(one), quantizer.nearest(other)
    pairs, costs = cheapest_merges(joint_shares(*codes, size), evenness)
    fitted = torch.arange(len(one), device=one.device) % 2 == 0
    held = [(z[~fitted], code[~fitted]) for z, code in zip((one, other), codes, strict=True)]
    splits: list[tuple[float, int, Tensor]] = []
    for code in range(size):
        points = torch.cat([one[fitted & (codes[0] == code)], other[fitted & (codes[1] == code)]])
        if len(points) < LEAST:
            continue
        centres = kmeans(normalize(points, dim=1), 2, seed)
        halves = [torch.where((c == code) & (_side(z, centres) == 1), size, c) for z, c in held]
        joint = joint_shares(halves[0], halves[1], size + 1)
        again = torch.tensor([[code, size]], device=one.device)
        splits.append((float(merge_costs(joint, again, evenness)), code, centres))
    splits.sort(key=lambda split: -split[0])
    moved: set[int] = set()
    moves = 0
    for gain, code, centres in splits[: max(1, size // ATOMS_PER_MOVE)]:
        free = [
            (price, pair)
            for price, pair in zip(costs.tolist(), pairs.tolist(), strict=True)
            if not moved & {code, *pair} and code not in pair
        ]
        if code in moved or not free or gain <= min(free)[0] + ROUNDING:
            continue
        kept, gone = sorted(min(free)[1], key=lambda atom: -float(quantizer.usage[atom]))
        z = torch.cat([one[codes[0] == code], other[codes[1] == code]])
        quantizer.merge(kept, gone)
        quantizer.split(code, gone, z, _side(z, centres) == 1)
        moved |= {code, kept, gone}
        moves += 1
    return moves


def _side(z: Tensor, centres: Tensor) -> Tensor:
    """Which of two centres (2, d) each of (N, d) is nearer to, by direction -> (N,)."""
    return (z @ normalize(centres, dim=1).T).argmax(1)


def joint_shares(one: Tensor, other: Tensor, size: int) -> Tensor:
    """Codes (N,) of two views, below `size` -> shares of pairs (size, size), symmetric."""
    counts = torch.bincount(one * size + other, minlength=size * size).view(size, size).double()
    return (counts + counts.T) / (2 * counts.sum())


def cheapest_merges(joint: Tensor, evenness: float) -> tuple[Tensor, Tensor]:
    """Each code of shares (K, K) with the two it is mistaken for most -> pairs (2 K, 2), costs.

    Codes that are never mistaken for each other cost more, so other partners need not be tried;
    two, for one of them may be the code that is to be split.
    """
    size = len(joint)
    mistaken = joint / joint.sum(1).clamp_min(1e-12)  # as a part of the other one's use
    mistaken.fill_diagonal_(-1)
    partners = mistaken.topk(min(2, size - 1), dim=1).indices
    codes = torch.arange(size, device=joint.device)[:, None].expand_as(partners)
    pairs = torch.stack([codes.flatten(), partners.flatten()], 1)
    return pairs, merge_costs(joint, pairs, evenness)


def merge_costs(joint: Tensor, pairs: Tensor, evenness: float) -> Tensor:
    """The `information` that shares (K, K) lose if the two codes of each pair (M, 2) are one: (M,).

    Only the rows of the two count, so that it is the difference of their terms.
    """
    one, other = pairs.unbind(1)

    def term(p: Tensor) -> Tensor:
        return -torch.special.entr(p)  # p log p, 0 at 0

    def lost(a: Tensor, b: Tensor) -> Tensor:
        return term(a) + term(b) - term(a + b)

    outside = lost(joint[one], joint[other]).scatter(1, pairs, 0.0).sum(1)  # (M, K) -> (M,)
    own, their, mixed = joint[one, one], joint[other, other], joint[one, other]
    inside = term(own) + term(their) + 2 * term(mixed) - term(own + their + 2 * mixed)
    alone = joint.sum(1)
    return 2 * outside + inside - 2 * evenness * lost(alone[one], alone[other])
