"""Which samples train, which validate, which test: an index of sample rows, no data.

train, validation, test   samples of the styles that training may see
unseen_1, unseen_5, ...   so many samples of each unseen style, to adapt to; each in the next
unseen_test               the rest of the unseen styles, in none of the above

Samples are divided by their style, or by the groups that the fragment file puts them into (which
archive an image is from, which hair a character has).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from v3.base.errors import V3Error
from v3.base.files import read_json, write_json
from v3.base.schema import Count, Names, Natural, Section, Share, items

SCHEMA = "v3-split/1"
SEEN = ("train", "validation", "test")
PARTS = (*SEEN, "unseen_test")
TO_ADAPT = re.compile("unseen_[1-9][0-9]*")  # so many samples of each unseen style
FEW = 3  # samples: a style with fewer cannot give one to each of train, validation and test
OpenShare = Annotated[float, Field(gt=0, lt=1)]


def _sum_to_one(shares: tuple[float, ...]) -> tuple[float, ...]:
    if abs(sum(shares) - 1) > 1e-9:
        raise ValueError(
            " must be shares of train, validation, test and unseen that add up to 1, "
            f"is {list(shares)}"
        )
    return shares


def _listed(value: Any) -> Any:
    return items(value) if isinstance(value, str) else value


Shares = Annotated[
    tuple[Share, Share, Share, Share], AfterValidator(_sum_to_one), BeforeValidator(_listed)
]


class SplitParams(Section):
    """Parts by style (`validation`, `test`, `unseen_styles`), or by the samples' `groups`."""

    seed: Natural
    few_shot: tuple[Count, ...]
    validation: OpenShare | None = None
    test: OpenShare | None = None
    unseen_styles: Names = ()
    groups: dict[str, Shares] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fields_agree(self) -> SplitParams:
        if self.groups and (self.validation or self.test or self.unseen_styles):
            raise ValueError(
                "groups must stand alone: it takes the place of validation, test and unseen_styles"
            )
        for key in () if self.groups else ("validation", "test"):
            if getattr(self, key) is None:
                raise ValueError(f"{key} is missing")
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise ValueError("validation + test must be < 1")
        if list(self.few_shot) != sorted(set(self.few_shot)):
            raise ValueError(f"few_shot must rise, is {list(self.few_shot)}")
        return self


def make_split(
    style: NDArray[Any],
    style_names: Sequence[str],
    *,
    seed: int,
    validation: float,
    test: float,
    unseen_styles: Sequence[str],
    few_shot: Sequence[int],
) -> dict[str, list[int]]:
    """Divide samples by their style (S,), rows of `style_names`; -1 is a style of its own.

    Each seen style gives the share `validation` and `test` of its samples, rounded, and one at
    least; styles of fewer than three samples (a style may be a single picture) are divided
    together, as if they were one. A style's division depends on the seed and its own row alone.
    Returns sorted rows by name. `V3Error` if an unseen style is not among the names, or has no
    sample left for `unseen_test`, or a part comes out empty.
    """
    style = np.asarray(style)
    unseen = [_row_of(name, style_names) for name in unseen_styles]
    splits: dict[str, list[int]] = {name: [] for name in SEEN}
    for key, rows in _strata(style, unseen):
        shuffled = np.random.default_rng((seed, key)).permutation(rows)
        held = _held_back(len(rows), validation, test)
        for name, part in zip(
            ("validation", "test", "train"), np.split(shuffled, np.cumsum(held)), strict=True
        ):
            splits[name].extend(part.tolist())
    _require_all(splits, len(style))
    parts = [
        (f"style '{style_names[row]}'", row, np.flatnonzero(style == row).tolist())
        for row in unseen
    ]
    return _sorted(splits | _unseen(parts, seed, few_shot))


def split_by_group(
    group: NDArray[Any],
    group_names: Sequence[str],
    style: NDArray[Any],
    *,
    seed: int,
    shares: Mapping[str, Sequence[float]],
    few_shot: Sequence[int],
) -> dict[str, list[int]]:
    """Divide samples by their group (S,), rows of `group_names`; -1 is a group of its own.

    `shares` has, by group, the parts of its samples that train, validate, test and are unseen;
    a group that it does not name trains whole. Of the unseen, each style (S,) gives its samples to
    adapt to; styles with too few for that (a style may be a single picture) do so together, as one
    for each group. `V3Error` if a group is not among the names or a part comes out empty.
    """
    group, style = np.asarray(group), np.asarray(style)
    by_row = {_row_of(name, group_names, "group"): share for name, share in shares.items()}
    names = ("train", "validation", "test", "unseen")
    splits: dict[str, list[int]] = {name: [] for name in names}
    parts: list[tuple[str, int, list[int]]] = []
    for row in np.unique(group).tolist():
        samples = np.flatnonzero(group == row)
        edges = np.rint(np.cumsum(by_row.get(row, (1, 0, 0, 0)))[:-1] * len(samples)).astype(int)
        shuffled = np.random.default_rng((seed, _seed_of(row))).permutation(samples)
        for name, part in zip(names, np.split(shuffled, edges), strict=True):
            splits[name].extend(part.tolist())
            if name == "unseen" and len(part):
                parts += _unseen_parts(row, group_names[row], part, style, max(few_shot, default=0))
    splits.pop("unseen")
    _require_all(splits, len(group))
    return _sorted(splits | _unseen(parts, seed, few_shot))


def write_split(path: str | Path, splits: dict[str, list[int]], *, seed: int) -> None:
    """Write a split as JSON, whole or not at all."""
    write_json(path, {"schema": SCHEMA, "seed": seed, "splits": splits})


def read_split(path: str | Path, samples: int | None = None) -> dict[str, list[int]]:
    """Read a split and check it: parts are disjoint, rows lie within `samples` where that is given.

    `V3Error` names the file, and the part that is wrong.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise _invalid(path, f"its schema is not {SCHEMA!r}")
    splits = content.get("splits")
    if not isinstance(splits, dict) or not set(SEEN) <= set(splits):
        raise _invalid(path, f"it must have the parts {', '.join(SEEN)}")
    for name, rows in splits.items():
        if name not in PARTS and not TO_ADAPT.fullmatch(name):
            raise _invalid(path, f"it has a part '{name}', which no stage reads")
        if not isinstance(rows, list) or not all(type(row) is int for row in rows):
            raise _invalid(path, f"'{name}' is no list of whole numbers")
        if len(set(rows)) != len(rows):
            raise _invalid(path, f"'{name}' holds a sample twice")
        if rows and (min(rows) < 0 or (samples is not None and max(rows) >= samples)):
            raise _invalid(path, f"'{name}' names a sample that the fragment file does not have")
    for one, other in combinations(splits, 2):
        few_shot = {one, other}.isdisjoint(PARTS)
        if not few_shot and not set(splits[one]).isdisjoint(splits[other]):
            raise _invalid(path, f"'{one}' and '{other}' share a sample")
    return splits


def require_samples(path: str | Path, split: Mapping[str, Sequence[int]], *parts: str) -> None:
    """`V3Error` by the file that the split was read from if one of the parts is empty."""
    for part in parts:
        if not split[part]:
            raise V3Error(
                f"{path} has no sample in its part '{part}': list some there that no other part "
                "has, or run `dvc repro`, which makes the file anew."
            )


def _unseen_parts(
    row: int, name: str, samples: NDArray[Any], style: NDArray[Any], most: int
) -> list[tuple[str, int, list[int]]]:
    """A group's unseen samples by style; styles with too few to adapt and test on together."""
    styles, counts = np.unique(style[samples], return_counts=True)
    parts = [
        (
            f"style {one} of group '{name}'",
            _seed_of(int(one)),
            np.sort(samples[style[samples] == one]).tolist(),
        )
        for one in styles[counts > most]
    ]
    rest = np.sort(samples[np.isin(style[samples], styles[counts <= most])])
    if len(rest):
        parts.append((f"group '{name}'", 2**32 + row, rest.tolist()))
    return parts


def _unseen(
    parts: Sequence[tuple[str, int, list[int]]], seed: int, few_shot: Sequence[int]
) -> dict[str, list[int]]:
    """Samples to adapt to and to test on, of each part: (its name, a number for its dice, rows)."""
    if not parts:
        return {}
    splits: dict[str, list[int]] = {"unseen_test": []}
    splits |= {f"unseen_{count}": [] for count in few_shot}
    most = max(few_shot, default=0)
    for name, key, samples in parts:
        if len(samples) <= most:
            raise V3Error(
                f"Unseen {name} has {len(samples)} samples, which is too few: "
                f"{most} to adapt to (split.few_shot) and 1 to test on are needed."
            )
        shuffled = np.random.default_rng((seed, key)).permutation(samples)
        for count in few_shot:
            splits[f"unseen_{count}"].extend(shuffled[:count].tolist())
        splits["unseen_test"].extend(shuffled[most:].tolist())
    return splits


def _require_all(splits: dict[str, list[int]], samples: int) -> None:
    for name in SEEN:
        if not splits[name]:
            raise V3Error(
                f"No sample is left for '{name}' of {samples} in all: make more samples, "
                "or change split.validation and split.test, or split.groups."
            )


def _sorted(splits: dict[str, list[int]]) -> dict[str, list[int]]:
    return {name: sorted(rows) for name, rows in splits.items()}


def _seed_of(row: int) -> int:
    """A number for the dice of a row of names; -1 is no name and has one of its own."""
    return row if row >= 0 else 2**32 - 1


def _strata(style: NDArray[Any], unseen: list[int]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Groups of seen samples that are divided each for itself, with a number for its dice."""
    seen = ~np.isin(style, unseen)
    rows, counts = np.unique(style[seen], return_counts=True)
    rare = rows[counts < FEW]
    for row in rows[counts >= FEW]:
        yield _seed_of(int(row)), np.flatnonzero(style == row)
    if len(rare):
        yield 2**32 - 2, np.flatnonzero(np.isin(style, rare))


def _held_back(count: int, validation: float, test: float) -> tuple[int, int]:
    """Samples of `count` that validate and that test: one at least, and one is left to train."""
    if count < FEW:
        return 0, 0
    held = [max(1, int(count * share + 0.5)) for share in (validation, test)]
    while sum(held) >= count:
        held[held.index(max(held))] -= 1
    return held[0], held[1]


def _row_of(name: str, names: Sequence[str], what: str = "style") -> int:
    if name not in names:
        key = {"style": "split.unseen_styles", "group": "split.groups"}[what]
        if not names:
            raise V3Error(
                f"{key} names '{name}', and the fragment file has no {what}s: write attribute "
                f"{what}_names and dataset {what} into it, or divide its samples by "
                f"{'split.groups' if what == 'style' else 'split.unseen_styles'}."
            )
        listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise V3Error(
            f"{key} names '{name}', which is no {what} of the fragment file: {listed} are."
        )
    return list(names).index(name)


def _invalid(path: str | Path, reason: str) -> V3Error:
    return V3Error(f"{path} is no valid split: {reason}; delete it and run `dvc repro`.")
