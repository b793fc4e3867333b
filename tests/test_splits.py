"""The split: stratified, disjoint, the same for the same seed."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.splits import make_split, read_split, split_by_group, write_split

NAMES = ("red", "blue", "green", "pink", "gold")
STYLE = np.tile(np.arange(5), 20)


def split(style: np.ndarray = STYLE, **changes) -> dict[str, list[int]]:  # type: ignore[no-untyped-def]
    settings = {
        "seed": 0,
        "validation": 0.1,
        "test": 0.2,
        "unseen_styles": ("pink", "gold"),
        "few_shot": (1, 5, 10),
    }
    return make_split(style, NAMES, **(settings | changes))


def test_split_twice_is_identical_and_disjoint(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    write_split(path, split(), seed=0)
    first = path.read_bytes()
    write_split(path, split(), seed=0)
    assert path.read_bytes() == first
    parts = read_split(path, len(STYLE))
    assert set(parts) == {
        *("train", "validation", "test", "unseen_test"),
        *("unseen_1", "unseen_5", "unseen_10"),
    }
    for one, other in combinations(("train", "validation", "test", "unseen_test", "unseen_10"), 2):
        assert not set(parts[one]) & set(parts[other])
    assert set(parts["unseen_1"]) < set(parts["unseen_5"]) < set(parts["unseen_10"])
    nested = ("unseen_1", "unseen_5")
    everything = [row for name in parts if name not in nested for row in parts[name]]
    assert sorted(everything) == list(range(len(STYLE)))
    assert all(rows == sorted(rows) for rows in parts.values())


def test_seeds_differ() -> None:
    assert split()["train"] != split(seed=1)["train"]
    assert split()["unseen_10"] != split(seed=1)["unseen_10"]


def test_every_style_gives_its_share() -> None:
    parts = split()
    for name, count in (("train", 14), ("validation", 2), ("test", 4)):
        assert np.bincount(STYLE[parts[name]], minlength=5).tolist() == [count] * 3 + [0, 0]
    for name, count in (("unseen_1", 1), ("unseen_5", 5), ("unseen_10", 10), ("unseen_test", 10)):
        assert np.bincount(STYLE[parts[name]], minlength=5).tolist() == [0, 0, 0] + [count] * 2


def test_three_samples_of_a_style_give_one_to_each() -> None:
    parts = split(np.array([0, 0, 0, 1, 1, 1, 1]), unseen_styles=())
    for name in ("validation", "test"):
        assert {0, 1} == set(np.array([0, 0, 0, 1, 1, 1, 1])[parts[name]].tolist())
    assert set(parts) == {"train", "validation", "test"}


def test_styles_of_one_sample_are_divided_together() -> None:
    names = [f"picture-{i}" for i in range(50)]
    parts = make_split(
        np.arange(50), names, seed=0, validation=0.1, test=0.2, unseen_styles=(), few_shot=()
    )
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [35, 5, 10]


def test_a_new_style_leaves_the_others_where_they_were() -> None:
    style = np.repeat([0, 1, 2], 10)
    more = np.concatenate([style, np.full(10, 3)])
    before, after = (split(which, unseen_styles=()) for which in (style, more))
    for name in before:
        assert set(before[name]) <= set(after[name])


@settings(max_examples=60, deadline=None)
@given(
    style=st.lists(st.integers(-1, 2), min_size=6, max_size=60),
    seed=st.integers(0, 2**31),
    validation=st.floats(0.01, 0.49),
    test=st.floats(0.01, 0.49),
)
def test_any_split_is_a_partition(
    style: list[int], seed: int, validation: float, test: float
) -> None:
    parts = split(
        np.array(style), seed=seed, validation=validation, test=test, unseen_styles=(), few_shot=()
    )
    assert sorted(row for rows in parts.values() for row in rows) == list(range(len(style)))
    assert all(parts.values())


def test_too_few_samples_of_an_unseen_style() -> None:
    style = np.concatenate([np.repeat([0, 1, 2, 3], 20), np.full(10, 4)])
    with pytest.raises(V3Error, match=r"'gold' has 10 samples, .* 10 to adapt to .* and 1 to test"):
        split(style)
    assert len(split(style, few_shot=(1, 9))["unseen_test"]) == 12


def test_unknown_style_name() -> None:
    with pytest.raises(
        V3Error, match=r"split.unseen_styles names 'mauve', which is no style .*red"
    ):
        split(unseen_styles=("mauve",))


def test_nothing_left_for_a_part() -> None:
    with pytest.raises(V3Error, match="No sample is left for 'validation' of 2"):
        split(np.array([0, 1]), unseen_styles=())
    with pytest.raises(V3Error, match="No sample is left for 'train' of 40"):
        split(STYLE[STYLE > 2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(schema="v3-split/9"), "schema is not 'v3-split/1'"),
        (lambda c: c["splits"].pop("test"), "must have the parts train, validation, test"),
        (lambda c: c["splits"]["train"].append("7"), "'train' is no list of whole numbers"),
        (lambda c: c["splits"]["train"].append(100), "'train' names a sample"),
        (lambda c: c["splits"]["train"].append(-1), "'train' names a sample"),
        (lambda c: c["splits"]["train"].append(c["splits"]["train"][0]), "a sample twice"),
        (lambda c: c["splits"]["train"].append(c["splits"]["test"][0]), "'train' and 'test' share"),
        (
            lambda c: c["splits"]["unseen_test"].append(c["splits"]["unseen_1"][0]),
            "'unseen_test' and 'unseen_1' share",
        ),
    ],
)
def test_wrong_split_files(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "split.json"
    content = {"schema": "v3-split/1", "seed": 0, "splits": split()}
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(V3Error, match=words):
        read_split(path, len(STYLE))


def test_missing_and_cut_split_files(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    with pytest.raises(V3Error, match="is missing"):
        read_split(path)
    write_split(path, split(), seed=0)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(V3Error, match="no readable JSON"):
        read_split(path)


def by_group(group: np.ndarray, style: np.ndarray, **changes) -> dict[str, list[int]]:  # type: ignore[no-untyped-def]
    shares = {"b": [0.5, 0.25, 0.25, 0], "c": [0, 0.25, 0.25, 0.5], "d": [0, 0, 0, 1]}
    settings = {"seed": 0, "shares": shares, "few_shot": (1, 5)}
    return split_by_group(group, ("a", "b", "c", "d"), style, **(settings | changes))


GROUP = np.repeat([0, 1, 2, 3], [10, 40, 40, 30])


def test_groups_are_divided_by_their_shares() -> None:
    style = np.concatenate([np.arange(90), np.repeat([90, 91], 15)])  # d has two styles, c has 40
    parts = by_group(GROUP, style)
    counts = {name: np.bincount(GROUP[rows], minlength=4).tolist() for name, rows in parts.items()}
    assert counts["train"] == [10, 20, 0, 0]
    assert counts["validation"] == counts["test"] == [0, 10, 10, 0]
    # c's 20 unseen styles are samples and adapt together, the two of d each for itself
    assert counts["unseen_1"] == [0, 0, 1, 2]
    assert counts["unseen_5"] == [0, 0, 5, 10]
    assert counts["unseen_test"] == [0, 0, 15, 20]
    assert set(parts["unseen_1"]) < set(parts["unseen_5"])
    used = [row for name in ("train", "validation", "test", "unseen_5") for row in parts[name]]
    assert sorted([*used, *parts["unseen_test"]]) == list(range(len(GROUP)))
    assert parts == by_group(GROUP, style)
    assert parts["train"] != by_group(GROUP, style, seed=1)["train"]


def test_wrong_groups_are_named() -> None:
    style = np.arange(len(GROUP))
    with pytest.raises(V3Error, match=r"split.groups names 'e', which is no group .*a, b, c, d"):
        by_group(GROUP, style, shares={"e": [1, 0, 0, 0]})
    with pytest.raises(V3Error, match="No sample is left for 'validation'"):
        by_group(GROUP, style, shares={})
    with pytest.raises(V3Error, match="Unseen group 'c' has 20 samples, which is too few: 20"):
        by_group(GROUP, style, few_shot=(20,))


@pytest.mark.parametrize("name", ["unseen_²", "unseen_0", "unseen_x", "extra"])
def test_parts_that_no_stage_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(
        json.dumps({"schema": "v3-split/1", "seed": 0, "splits": split() | {name: []}}),
        encoding="utf-8",
    )
    with pytest.raises(V3Error, match=f"it has a part '{name}', which no stage reads"):
        read_split(path, len(STYLE))


def test_names_of_a_file_without_any() -> None:
    with pytest.raises(V3Error, match=r"'x', and the fragment file has no groups: write attribute"):
        split_by_group(
            np.full(9, -1), (), np.zeros(9, int), seed=0, shares={"x": [1, 0, 0, 0]}, few_shot=()
        )
    with pytest.raises(V3Error, match=r"'x', and the fragment file has no styles: .*split\.groups"):
        make_split(
            np.full(9, -1), (), seed=0, validation=0.1, test=0.1, unseen_styles=("x",), few_shot=()
        )
