"""What an evaluation leaves out for want of labels, by name: its figures are null, and it says why.

Own data may have no labels, or no style that was kept out of training. Everything runs all the
same: a metric file then has `left_out`, the sentence that says what is wanting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from v3.evaluation.common import Array
from v3.fragments.labels import LabelledFragments

Split = Mapping[str, Sequence[int]]  # rows of samples by part

LEFT_OUT = "left_out"
CODEBOOK = ("one_to_one", "purity", "macro_purity", "pnmi")
UNSEEN = ("accuracy", "in_distribution", "chance", "purity", "chance_purity", "unmapped")


def any_known(labels: Array) -> bool:
    """Whether any of labels (N,) is known, so that there is something to compare with."""
    return bool((np.asarray(labels) >= 0).any())


def no_content(file: LabelledFragments, split: Split, *parts: str) -> str | None:
    """Why figures of content cannot be measured; None if each of the parts of the split has a
    fragment whose content is known."""
    for part in parts:
        if not any_known(file.content[file.rows_of(split[part])]):
            return f"no fragment of the part '{part}' has a known content, which this compares with"
    return None


def no_style(labels: Array) -> str | None:
    """Why figures of style cannot be measured from styles (N,); None if one is known."""
    if any_known(labels):
        return None
    return "no sample of the part 'test' has a known style, which this compares with"


def no_unseen(split: Split) -> str | None:
    """Why unseen styles cannot be measured; None if the split keeps some out of training."""
    if split.get("unseen_test"):
        return None
    return "no style is kept out of training: split.unseen_styles or split.groups would name some"


def left_out(*whys: str | None) -> dict[str, str]:
    """The entry of a metric file that says what is wanting; nothing if nothing is."""
    said = "; ".join(why for why in whys if why is not None)
    return {LEFT_OUT: said} if said else {}


def codebook_without_labels(codes: Array, atoms: int, why: str) -> dict[str, Any]:
    """The figures of `v3.evaluation.codebook.codebook` for codes (N,) whose contents nobody knows:
    what needs labels is None, how the codes are used is there."""
    share = np.bincount(codes, minlength=atoms) / len(codes)
    share = share[share > 0]
    return {
        **dict.fromkeys(CODEBOOK),
        "active_codes": len(share),
        "perplexity": float(np.exp(-(share * np.log(share)).sum())),
        "atoms": atoms,
        "labels": 0,
        "fragments": len(codes),
        **dict.fromkeys(f"chance_{name}" for name in CODEBOOK),
        LEFT_OUT: why,
    }


def unseen_left_out(why: str) -> dict[str, Any]:
    """The figures of `v3.evaluation.ood.unseen_figures`, all None, and why."""
    return {**dict.fromkeys(UNSEEN), "fragments": 0, LEFT_OUT: why}
