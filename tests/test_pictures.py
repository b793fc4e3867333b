"""The pictures of a fragment file: which fragments are chosen, and that any such file has some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stages.pictures import beginnings, contents_by_styles, some_samples
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

ROOT = Path(__file__).parent.parent


def labels(content: list[int], style: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(content, np.int32), np.array(style, np.int32)


def test_only_fragments_of_that_content_and_style_are_shown() -> None:
    rng = np.random.default_rng(0)
    contents, styles = labels(rng.integers(-1, 30, 400), rng.integers(-1, 40, 400))
    rows, shown, worn = contents_by_styles(contents, styles)
    assert rows.shape == (len(shown), len(worn)) == (10, 8)
    assert min(*shown, *worn) >= 0
    for r, content in enumerate(shown):
        for c, style in enumerate(worn):
            exist = np.flatnonzero((contents == content) & (styles == style))
            assert rows[r, c] == (exist[0] if len(exist) else -1)


def test_styles_of_one_short_sample_each_show_every_content() -> None:
    """As in house numbers: no style has more than three of the ten contents."""
    rng = np.random.default_rng(0)
    contents, styles = labels(rng.integers(10, size=900), np.repeat(np.arange(300), 3))
    rows, shown, worn = contents_by_styles(contents, styles)
    assert shown == list(range(10))
    assert len(worn) == 8
    assert (rows >= 0).any(axis=1).all()


def test_a_full_grid_where_every_style_has_every_content() -> None:
    contents, styles = labels(np.tile(np.arange(4), 6), np.repeat(np.arange(6), 4))
    rows, shown, worn = contents_by_styles(contents, styles)
    assert (rows == np.arange(24).reshape(6, 4).T).all()
    assert (shown, worn) == ([0, 1, 2, 3], [0, 1, 2, 3, 4, 5])


def test_samples_are_of_as_many_styles_as_there_are() -> None:
    styles = np.array([0] * 50 + [1] * 3 + [2], np.int32)
    chosen = some_samples(styles)
    assert len(set(chosen)) == 6
    assert set(styles[chosen]) == {0, 1, 2}
    assert (np.diff(chosen) > 0).all()
    assert some_samples(np.array([-1, 0], np.int32)).tolist() == [0, 1]


def test_beginnings_go_no_further_than_their_sample() -> None:
    rows = beginnings(np.array([0, 2, 3, 20]), np.array([0, 2]))
    assert rows.tolist() == [[0, 1, *[-1] * 10], list(range(3, 15))]


@pytest.mark.parametrize(
    ("content", "style", "names"),
    [
        ([[-1, -1], [-1]], [-1, -1], ((), ())),  # nobody has labelled anything
        ([[0, 1], [-1]], [-1, 0], (("a", "b"), ("c",))),  # no fragment has both labels
        ([[0, -1], [1]], [0, 1], (("a", "b"), ("c", "d"))),
        ([[0], [0]], [0, 0], (("a",), ("c",))),
    ],
)
def test_any_fragment_file_has_pictures(
    tmp_path: Path,
    content: list[list[int]],
    style: list[int],
    names: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    info = FragmentInfo("mine", "a test", *names, offset=0.0, scale=1.0)
    with FragmentWriter(tmp_path / "data/mine/fragments.h5", info, (1, 6, 5), np.float32) as writer:
        for row, (labelled, one) in enumerate(zip(content, style, strict=True)):
            fragments = np.zeros((len(labelled), 1, 6, 5), np.float32)
            writer.append(fragments, np.array(labelled), one, f"sample-{row}")
    subprocess.run(
        [sys.executable, "-m", "stages.pictures", "mine", "--run", "here"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    folder = tmp_path / "here/plots/mine/fragments"
    assert {path.name for path in folder.iterdir()} == {"contents_by_styles.png", "samples.png"}
    for path in folder.iterdir():
        Image.open(path).load()
