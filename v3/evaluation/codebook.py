"""What the codes have to do with the labels: counts of code by label, and figures of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from v3.base.errors import V3Error
from v3.evaluation.common import Array, labelled

SHUFFLES = 20  # over which chance is averaged


def codebook(codes: Array, labels: Array, atoms: int, classes: int) -> dict[str, Any]:
    """Figures of codes (N,), below `atoms`, against labels (N,), below `classes` or -1: left out.

    one_to_one: share of fragments right under the best assignment of one code to one label.
    purity: share right if every code stands for its majority label, so weighted by usage.
    macro_purity: the same share a code, every active code counting alike.
    pnmi: what the code tells of the label, as a part of the label's entropy.
    active_codes: used at all. perplexity: exp of the entropy of usage, in [1, active_codes].
    chance_...: the same with the labels shuffled among the fragments, mean of 20 shuffles.
    Raises `V3Error` on empty input.
    """
    labels, codes = labelled("codebook", labels, codes)
    counts = confusion(codes, labels, atoms, classes)
    by_chance = shuffled(codes, labels, atoms, classes)
    return {
        "one_to_one": one_to_one(counts),
        "purity": purity(counts),
        "macro_purity": macro_purity(counts),
        "pnmi": pnmi(counts),
        **code_use(counts.sum(1)),
        "atoms": atoms,
        "labels": int((counts.sum(0) > 0).sum()),
        "fragments": len(labels),
        **{
            f"chance_{figure.__name__}": fmean(figure(shuffle) for shuffle in by_chance)
            for figure in (one_to_one, purity, macro_purity, pnmi)
        },
    }


def confusion(codes: Array, labels: Array, atoms: int, classes: int) -> NDArray[np.int64]:
    """Codes (N,), labels (N,) -> number of fragments by code and label (atoms, classes).

    Labels of -1 are left out; any other code or label out of range is a `V3Error`.
    """
    codes, labels = np.asarray(codes), np.asarray(labels)
    codes, labels = codes[labels >= 0], labels[labels >= 0]
    if len(codes) and (codes.min() < 0 or codes.max() >= atoms or labels.max() >= classes):
        raise V3Error(f"codes must be below {atoms} and labels below {classes}, both from 0 on.")
    flat = codes.astype(np.int64) * classes + labels
    return np.bincount(flat, minlength=atoms * classes).reshape(atoms, classes)


def one_to_one(counts: Array) -> float:
    """Share of counts (K, L) on the best assignment of codes to labels (Hungarian method)."""
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / counts.sum())


def purity(counts: Array) -> float:
    """Share of counts (K, L) in the largest entry of each row."""
    return float(counts.max(1).sum() / counts.sum())


def macro_purity(counts: Array) -> float:
    """Mean over used rows of counts (K, L) of the row's largest share."""
    used = counts[counts.sum(1) > 0]
    return float((used.max(1) / used.sum(1)).mean())


def pnmi(counts: Array) -> float:
    """Mutual information of code and label in counts (K, L) over the entropy of the labels.

    Phone-normalised mutual information (Hsu et al., 2021, HuBERT, arXiv 2106.07447): 1 if the code
    says the label, 0 if it says nothing; 0 as well of a single label.
    """
    joint = counts / counts.sum()
    code, label = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    if (label > 0).sum() < 2:
        return 0.0
    entropy = -(label[label > 0] * np.log(label[label > 0])).sum()
    there = joint > 0
    information = (joint[there] * np.log((joint / (code * label + (joint == 0)))[there])).sum()
    return float(np.clip(information / entropy, 0, 1))


def code_use(counts: Array) -> dict[str, Any]:
    """Of fragments by code (K,): `active_codes`, and `perplexity` in [1, active_codes]."""
    usage = counts[counts > 0] / counts.sum()
    return {
        "active_codes": len(usage),
        "perplexity": float(np.exp(-(usage * np.log(usage)).sum())),
    }


def diagonal_order(counts: Array) -> NDArray[np.int64]:
    """The rows of counts (K, L) in the order that shows a diagonal; unused rows come last.

    A row stands where its assigned label stands, or after it if another row got that label.
    """
    rows, columns = linear_sum_assignment(counts, maximize=True)
    place = counts.argmax(1)
    spare = np.ones(len(counts), dtype=bool)
    assigned = counts[rows, columns] > 0  # an assignment to nothing is none
    place[rows[assigned]], spare[rows[assigned]] = columns[assigned], False
    unused = counts.sum(1) == 0
    order: NDArray[np.int64] = np.lexsort((np.arange(len(counts)), spare, place, unused))
    return order


def shuffled(codes: Array, labels: Array, atoms: int, classes: int) -> list[Array]:
    """Counts of codes (N,) against labels (N,) that are shuffled among the fragments, 20 times."""
    draw = np.random.default_rng(0)
    return [confusion(codes, draw.permutation(labels), atoms, classes) for _ in range(SHUFFLES)]


def code_names(counts: Array, codes: Array, content_names: Sequence[str]) -> list[str]:
    """Each of the codes (M,) with the label that most of its fragments in counts (K, L) have."""
    return [
        f"{code} ({content_names[counts[code].argmax()] if counts[code].any() else 'unused'})"
        for code in codes
    ]
