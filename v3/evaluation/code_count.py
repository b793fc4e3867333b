"""How many codes? What trainings with several K say about it, without a label.

Too few codes have to merge contents. Too many split them, or stay unused; how they are split is
left to chance: another seed does it otherwise. So what trainings of several seeds have in common
grows with K up to the number of contents, and no further. K is chosen where it stops to grow:
stability, as in Lange, Roth, Braun and Buhmann (2004, Neural Computation 16) and, with its limits,
von Luxburg (2010, arXiv 1007.1075). What is in common is measured by the adjusted mutual
information of Vinh, Epps and Bailey (2010, JMLR 11), whose chance is 0 at every K.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from v3.base.errors import V3Error
from v3.evaluation.codebook import code_use
from v3.evaluation.common import Array

AS_GOOD = 0.02  # below the best by no more than this is as good: seeds differ by as much
ENOUGH = 0.9  # part of the most that K can add: what is added afterwards is not worth a code
FIGURES = ("error", "views", "agreement", "perplexity", "active_codes")  # one a training
OF_PAIRS = ("between_seeds", "shared_codes")
CHOICE = "shared_codes"  # the criterion that decides


@dataclass(frozen=True)
class Trained:
    """What one training gave on validation fragments, which are the same for all trainings."""

    codes: Array  # (N,)
    error: float  # of reconstruction, as a part of the data's variance
    views: float  # agreement of the codes with those of a second view of each fragment
    agreement: float  # training's term of this name: 0 is best
    perplexity: float
    active_codes: int


def agreed(one: Array, other: Array) -> float:
    """Adjusted mutual information of codes (N,) and (N,): 1 if they group alike, by chance 0.

    Who uses one code for all agrees with nobody: 0. `V3Error` if the lengths differ.
    """
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.ndim != 1:
        raise V3Error(
            f"codes {one.shape} and {other.shape} are not of the same fragments: run "
            "`dvc repro`, which reads all trainings anew."
        )
    if min(len(np.unique(one)), len(np.unique(other))) < 2:
        return 0.0
    return min(1.0, float(adjusted_mutual_info_score(one, other)))  # or 1 + 2e-16


def shared_codes(one: Array, other: Array) -> float:
    """How many codes in even use would tell what codes (N,) and (N,) both tell: 1 if nothing.

    exp of their mutual information, less what is shared by chance: adjusted as in `agreed`, that
    is a part of the mean entropy of the two. As many as there are contents, at any larger K, as
    long as chance alone splits them.
    """
    entropy = fmean(math.log(code_use(np.bincount(codes))["perplexity"]) for codes in (one, other))
    return math.exp(max(0.0, agreed(one, other)) * entropy)


def between_seeds(codes: Mapping[int, Array]) -> dict[str, dict[str, float]]:
    """Codes (N,) by seed, two seeds or more -> `between_seeds` and `shared_codes` of each two of
    them, by `<seed>-<seed>`.

    `V3Error` if there are fewer.
    """
    if len(codes) < 2:
        raise V3Error("one seed agrees with nobody: list two seeds or more for the sweep")
    pairs = {f"{one}-{other}": (codes[one], codes[other]) for one, other in combinations(codes, 2)}
    return {
        "between_seeds": {name: agreed(*pair) for name, pair in pairs.items()},
        "shared_codes": {name: shared_codes(*pair) for name, pair in pairs.items()},
    }


def sweep_figures(trained: Mapping[int, Mapping[int, Trained]]) -> dict[str, Any]:
    """Trainings by K and seed -> every figure by K and seed, its middle by K, and the choices.

    The middle is the mean of the pairs of seeds, the median of what is one figure a seed.
    """
    by_atoms: dict[str, dict[str, Any]] = {}
    for atoms, runs in trained.items():
        found: dict[str, Any] = {
            name: {str(seed): getattr(run, name) for seed, run in runs.items()} for name in FIGURES
        }
        middle = {name: median(values.values()) for name, values in found.items()}
        of_pairs = between_seeds({seed: run.codes for seed, run in runs.items()})
        middle |= {name: fmean(values.values()) for name, values in of_pairs.items()}
        by_atoms[str(atoms)] = {**of_pairs, **found, "middle": middle}
    would_choose = choices({atoms: by_atoms[str(atoms)]["middle"] for atoms in trained})
    return {
        "by_atoms": by_atoms,
        "would_choose": would_choose,
        "choice": would_choose[CHOICE],
    }


def choices(middle: Mapping[int, Mapping[str, float]]) -> dict[str, int]:
    """Figures by K -> the K that each of them would choose.

    shared_codes, which decides: the smallest K with nine tenths of the largest.
    error, perplexity: the smallest K with nine tenths of the fall over all K, and of the largest.
    between_seeds, views and agreement: the largest K that is as good as the best (within 0.02),
    for a content that is split at random costs agreement and one that is merged need not.
    """
    sizes = sorted(middle)

    def figure(name: str) -> Array:
        return np.array([middle[atoms][name] for atoms in sizes])

    def largest(name: str, sign: int = 1) -> int:
        values = sign * figure(name)
        return sizes[int(np.flatnonzero(values >= values.max() - AS_GOOD)[-1])]

    def smallest(name: str) -> int:
        values = figure(name)
        return sizes[int(np.flatnonzero(values >= ENOUGH * values.max())[0])]

    error = figure("error")
    fallen = error <= error.max() - ENOUGH * (error.max() - error.min())
    return {
        "between_seeds": largest("between_seeds"),
        "shared_codes": smallest("shared_codes"),
        "views": largest("views"),
        "agreement": largest("agreement", -1),
        "error": sizes[int(np.flatnonzero(fallen)[0])],
        "perplexity": smallest("perplexity"),
    }
