"""The same corpus with codebooks of several sizes K, against its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from v3.evaluation.headline import headline, over_seeds

# Of the codebook's figures what the headline has not: the more codes, the higher purity by chance.
OF_CODES = ("macro_purity", "chance_macro_purity", "chance_purity", "active_codes", "perplexity")
OF_HEADLINE = (
    "one_to_one",
    "purity",
    "zero_shot",
    "zero_shot_purity",
    "leakage",
    "swap_style_taken",
    "swap_content_kept",
)


def size_score(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Metric files of one model by stage -> the figures that K may change, and the source.

    One-to-one only where there are as many codes as contents: elsewhere it cannot be 1.
    `V3Error` if a file lacks what it should hold.
    """
    found = headline(metrics)
    codebook = metrics["codebook"]
    if codebook["atoms"] != codebook["labels"]:
        found.pop("one_to_one")
    return {
        "source": found["source"],
        **{name: found[name] for name in OF_HEADLINE if name in found},
        **{name: codebook[name] for name in OF_CODES},
    }


def over_sizes(
    scores: Mapping[int, Mapping[int, Mapping[str, Any]]], published: Mapping[int, float]
) -> dict[str, Any]:
    """Scores by K and seed -> by K each figure by seed, its median and its worst.

    Beside them the macro purity that the published method has at a K.
    """
    return {
        str(atoms): over_seeds(by_seed)
        | ({"published_macro_purity": published[atoms]} if atoms in published else {})
        for atoms, by_seed in scores.items()
    }
