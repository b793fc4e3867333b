"""What the recipe has to be told of own data: `v3 new` writes it down, `v3.fit` takes it."""

from __future__ import annotations

import math
from typing import Any

PER_BATCH = 160  # fragments: as many as the recipe was found with, 16 samples of 10
MOST_SAMPLES = 64  # in a batch: as many as the recipe has for samples of two
# Fragments of a sample in a batch, at most: of writers with a hundred digits each, 30 of five had
# 0.976 right one-to-one and 20 of eight 0.965 (one seed). Of fewer samples than five there is
# little to tell style by.
LONGEST = 30
FEW = 9  # fragments: of fewer the relativity of the recipe, 3, cannot be met
# Own pictures lie where they lie, not in the middle as those of our corpora, so their views move
# farther, more of a decoded picture's place is forgiven, and learning takes longer; and thin
# strokes keep their ink where the style counts colours. Of 16 letters moved by a twelfth of their
# size, 400 samples of each of three typefaces, 0.89, 0.98 and 1.00 were right one-to-one with the
# recipe's 0.6 in place and 2,000 steps, 1.00 of each with these numbers (docs/research.md).
SHIFT = 0.1  # of pictures, part of height and width
IN_PLACE = 0.2  # part of the error
STEPS = 2600  # updates
LEVELS = 5  # a channel, of the colours that the style counts


def network_facts(kind: str, channels: int) -> dict[str, Any]:
    """What of the network the data decides: what its fragments are."""
    return {"colours": LEVELS} if kind == "images" and channels in (1, 3) else {}


def fragments_per_sample(length: int) -> int:
    """n, of samples with so many fragments."""
    return min(max(2, length), LONGEST)


def training_facts(kind: str, n: int, training: int) -> dict[str, Any]:
    """What of `defaults.train` the data decides: what its fragments are (`kind`), n of 2 or more,
    and how many samples train."""
    found: dict[str, Any] = {
        "kind": kind,
        "fragments_per_sample": n,
        "batch_samples": min(max(2, round(PER_BATCH / n)), MOST_SAMPLES, max(2, training)),
    }
    if kind == "images":
        found |= {"steps": STEPS, "in_place": IN_PLACE, "view": {"shift": SHIFT}}
    if n < FEW:
        # of n contents drawn at random no more than the root of n can be met
        found["relativity"] = math.floor(10 * math.sqrt(n)) / 10
        found["supersampling"] = True  # so few do not hold the vocabulary
    if n == 2:
        found["style_pooling"] = "neighbour"  # of two the mean tells half of each
    return found
