"""The fragment file: what goes in comes out, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from v3.base.errors import V3Error
from v3.fragments.format import FragmentInfo
from v3.fragments.labels import LabelledFragments, validate
from v3.fragments.writer import FragmentWriter

INFO = FragmentInfo("toy", "made up", ("a", "b", "ç"), ("red", "blue"), 0.5, 2.0)
SHAPE = (2, 3, 4)


def write(path: Path, counts: list[int], dtype: str = "float32", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    samples = [(rng.random((count, *SHAPE)) * 200).astype(dtype) for count in counts]
    with FragmentWriter(path, INFO, SHAPE, dtype) as writer:
        for i, sample in enumerate(samples):
            writer.append(sample, rng.integers(-1, 3, len(sample)), i % 2, f"sample-{i}-ü")
    return samples


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "fragments.h5"
    write(path, [3, 1, 2, 4])
    return path


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_round_trip(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "deep" / "fragments.h5"
    samples = write(path, [3, 1, 2], dtype)
    assert validate(path) == INFO
    with LabelledFragments(path) as file:
        assert (file.shape, file.dtype, len(file)) == (SHAPE, np.dtype(dtype), 6)
        assert file.content.dtype == np.int32
        assert file.style.tolist() == [0, 1, 0]
        assert file.sample.tolist() == [0, 0, 0, 1, 2, 2]
        assert file.starts.tolist() == [0, 3, 4, 6]
        assert file.sample_id == ["sample-0-ü", "sample-1-ü", "sample-2-ü"]
        np.testing.assert_array_equal(file.read(np.arange(6)), np.concatenate(samples))
        fragments, rows = file.read_samples([2, 0])
        assert rows.tolist() == [4, 5, 0, 1, 2]
        np.testing.assert_array_equal(fragments, np.concatenate([samples[2], samples[0]]))
        assert file.read([]).shape == (0, *SHAPE)
    assert [entry.name for entry in path.parent.iterdir()] == ["fragments.h5"]


def test_many_equals_one_by_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    fragments = rng.integers(0, 256, (7, 4, *SHAPE), np.uint8)
    content, style = rng.integers(0, 3, (7, 4)), rng.integers(0, 2, 7)
    names = [str(i) for i in range(7)]
    with FragmentWriter(tmp_path / "many.h5", INFO, SHAPE, np.uint8) as writer:
        writer.append_many(fragments[:5], content[:5], style[:5], names[:5])
        writer.append_many(fragments[5:], content[5:], style[5:], names[5:])
    with FragmentWriter(tmp_path / "one.h5", INFO, SHAPE, np.uint8) as writer:
        for i in range(7):
            writer.append(fragments[i], content[i], int(style[i]), names[i])
    with (
        LabelledFragments(tmp_path / "many.h5") as many,
        LabelledFragments(tmp_path / "one.h5") as one,
    ):
        everything = np.arange(28)
        np.testing.assert_array_equal(many.read(everything), one.read(everything))
        np.testing.assert_array_equal(many.content, one.content)
        np.testing.assert_array_equal(many.sample, one.sample)
        np.testing.assert_array_equal(many.style, one.style)


REUSED_FOLDER = [HealthCheck.function_scoped_fixture]


@settings(max_examples=40, deadline=None, suppress_health_check=REUSED_FOLDER)
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    dtype=st.sampled_from(["uint8", "float16", "float32"]),
    data=st.data(),
)
def test_any_rows_in_any_order(
    tmp_path: Path, counts: list[int], dtype: str, data: st.DataObject
) -> None:
    path = tmp_path / "fragments.h5"
    everything = np.concatenate(write(path, counts, dtype))
    rows = data.draw(st.lists(st.integers(0, len(everything) - 1), max_size=20))
    picked = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=6))
    with LabelledFragments(path) as file:
        np.testing.assert_array_equal(file.read(rows), everything[rows])
        fragments, own = file.read_samples(picked)
        np.testing.assert_array_equal(fragments, everything[own])
        np.testing.assert_array_equal(file.sample[own], np.repeat(picked, np.take(counts, picked)))


def test_reads_across_chunks_and_spans(tmp_path: Path) -> None:
    shape, rng = (1, 4, 4), np.random.default_rng(0)
    fragments = rng.integers(0, 256, (5000, 1, *shape), np.uint8)
    with FragmentWriter(tmp_path / "f.h5", INFO, shape, np.uint8) as writer:
        writer.append_many(fragments, np.zeros((5000, 1), int), np.zeros(5000, int), ["x"] * 5000)
    with LabelledFragments(tmp_path / "f.h5") as file:
        for rows in (np.arange(5000), rng.permutation(5000), np.arange(0, 5000, 700), [1, 1, 1, 4]):
            np.testing.assert_array_equal(file.read(rows), fragments[rows, 0])


def test_more_names_than_an_attribute_of_64_kb_holds(tmp_path: Path) -> None:
    names = tuple(f"picture-{i}" for i in range(20_000))
    info = FragmentInfo("toy", "made up", (), names, 0.0, 1.0)
    with FragmentWriter(tmp_path / "f.h5", info, SHAPE, np.uint8) as writer:
        writer.append(np.zeros((1, *SHAPE), np.uint8), np.array([-1]), 19_999, "last")
    assert validate(tmp_path / "f.h5") == info


@pytest.mark.parametrize(
    ("rows", "words"), [([10], "no fragment 10"), ([-1], "no fragment -1"), ([2, 99], "99")]
)
def test_row_that_is_not_there(good: Path, rows: list[int], words: str) -> None:
    with LabelledFragments(good) as file, pytest.raises(V3Error, match=words):
        file.read(rows)
    with LabelledFragments(good) as file, pytest.raises(V3Error, match="no sample 4"):
        file.read_samples([4])


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "fragments.h5"
    with pytest.raises(V3Error, match=r"fragments.h5 is missing: run `dvc repro`"):
        LabelledFragments(path)
    for content in (b"", b"no HDF5 at all" * 100):
        path.write_bytes(content)
        with pytest.raises(V3Error, match=r"fragments.h5 is damaged or cut short .*`dvc repro`"):
            LabelledFragments(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_cut_short(tmp_path: Path, share: float) -> None:
    path = tmp_path / "fragments.h5"
    write(path, [50] * 40)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(V3Error, match="damaged or cut short"):
        validate(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.attrs.__setitem__("schema", "v3-fragments/9"), "schema is 'v3-fragments/9'"),
        (lambda f: f.attrs.__delitem__("schema"), "schema is None"),
        (lambda f: f.attrs.__delitem__("style_names"), "no attribute 'style_names'"),
        (lambda f: f.attrs.__setitem__("style_names", ["red", "red"]), "a name twice"),
        (lambda f: f.attrs.__setitem__("style_names", [1, 2]), "no list of UTF-8 names"),
        (lambda f: f.attrs.__setitem__("dataset", 3), "'dataset' is no UTF-8 text"),
        (lambda f: f.attrs.__setitem__("scale", 0.0), "not 0"),
        (lambda f: f.attrs.__setitem__("scale", "wide"), "'scale' is no number"),
        (lambda f: f.attrs.__setitem__("offset", np.nan), "finite"),
        (lambda f: f.__delitem__("sample_id"), "no dataset 'sample_id'"),
        (
            lambda f: replace(f, "fragments", f["fragments"][:].astype("f8")),
            "fragments are float64",
        ),
        (lambda f: replace(f, "fragments", f["fragments"][:, 0]), "not \\(F, C, H, W\\)"),
        (lambda f: replace(f, "fragments", f["fragments"][:0]), "F >= 1"),
        (lambda f: replace(f, "content", f["content"][:-1]), r"content has shape \(9,\)"),
        (lambda f: replace(f, "content", f["content"][:].astype("i8")), "of int64, not"),
        (lambda f: f["content"].__setitem__(4, 3), "content 3 in row 4"),
        (lambda f: f["content"].__setitem__(4, -2), "content -2 in row 4"),
        (lambda f: f["style"].__setitem__(1, 2), "style 2 in row 1"),
        (lambda f: f["sample"].__setitem__(5, 0), "sample must count from 0 .* fragment 5"),
        (lambda f: f["sample"].__setitem__(3, 2), "sample must count from 0 .* fragment 3"),
        (lambda f: f["sample"].__setitem__(9, 4), r"style has shape \(4,\) of int32, not \(5,\)"),
        (lambda f: f["sample"].__setitem__(0, -1), "sample must count from 0 .* fragment 0"),
        (lambda f: replace(f, "sample_id", np.arange(4)), "sample_id holds no text"),
        (lambda f: replace(f, "sample_id", ["x"]), "sample_id has shape"),
    ],
)
def test_wrong_files_are_refused_on_opening(good: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    with h5py.File(good, "r+") as file:
        change(file)
    with pytest.raises(V3Error, match=words) as caught:
        LabelledFragments(good)
    assert "fragments.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


def replace(file: h5py.File, name: str, values) -> None:  # type: ignore[no-untyped-def]
    del file[name]
    file[name] = values


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(good: Path, bad: float) -> None:
    with h5py.File(good, "r+") as file:
        file["fragments"][5, 1, 2, 3] = bad
    with pytest.raises(V3Error, match=r"fragment 5 .of sample-2-ü. holds values"):
        validate(good)


def test_a_file_that_somebody_else_wrote(tmp_path: Path) -> None:
    """The contract and nothing else: unchunked, numbers of other widths in the attributes."""
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["fragments"] = np.zeros((3, *SHAPE), np.uint8)
        file["content"] = np.array([0, 1, -1], np.int32)
        file["sample"] = np.array([0, 0, 1], np.int64)
        file["style"] = np.array([0, -1], np.int32)
        file["sample_id"] = ["one", "two"]
        file.attrs.update(
            schema="v3-fragments/1", dataset="own", source="mine", offset=0, scale=np.float32(1)
        )
        file.attrs["content_names"] = ["a", "b"]
        file.attrs["style_names"] = ["red"]
    assert validate(tmp_path / "f.h5").content_names == ("a", "b")
    with LabelledFragments(tmp_path / "f.h5") as file:
        assert file.read([2, 0]).shape == (2, *SHAPE)


def test_interrupted_writer_leaves_nothing_and_spares_the_old(tmp_path: Path) -> None:
    path = tmp_path / "fragments.h5"

    def break_off(error: type[BaseException]) -> None:
        with FragmentWriter(path, INFO, SHAPE, "uint8") as writer:
            writer.append(np.zeros((2, *SHAPE), np.uint8), np.zeros(2, int), 0, "x")
            raise error

    for error in (KeyboardInterrupt, RuntimeError):
        with pytest.raises(error):
            break_off(error)
        assert list(tmp_path.iterdir()) == []
    write(path, [2])
    before = path.read_bytes()
    with pytest.raises(V3Error, match="no sample"), FragmentWriter(path, INFO, SHAPE, "uint8"):
        pass
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("fragments", "content", "style", "words"),
    [
        (np.zeros((2, 3, 4), np.float32), [0, 0], 0, "must have shape"),
        (np.zeros((2, *SHAPE)), [0, 0], 0, "must be float32, are float64"),
        (np.zeros((2, *SHAPE), np.float32), [0], 0, "need content"),
        (np.zeros((0, *SHAPE), np.float32), np.zeros(0, int), 0, "one fragment or more"),
        (np.zeros((2, *SHAPE), np.float32), [0, 3], 0, "content 3 in row 1"),
        (np.zeros((2, *SHAPE), np.float32), [0.0, 1.0], 0, "must be whole numbers"),
        (np.zeros((2, *SHAPE), np.float32), [0, 0], 2, "style 2"),
        (np.full((2, *SHAPE), np.nan, np.float32), [0, 0], 0, "not finite"),
    ],
)
def test_writer_refuses(tmp_path: Path, fragments, content, style, words) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "fragments.h5"
    with (
        pytest.raises(V3Error, match=words),
        FragmentWriter(path, INFO, SHAPE, np.float32) as writer,
    ):
        writer.append(fragments, np.asarray(content), style, "culprit")
    assert list(tmp_path.iterdir()) == []


def test_writer_refuses_types_and_shapes(tmp_path: Path) -> None:
    with pytest.raises(V3Error, match="not float64"):
        FragmentWriter(tmp_path / "f.h5", INFO, SHAPE, np.float64)
    with pytest.raises(V3Error, match="must be"):
        FragmentWriter(tmp_path / "f.h5", INFO, (0, 1, 1), np.uint8)


def test_groups_are_kept_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "fragments.h5"
    info = FragmentInfo("toy", "drawn", ("x",), ("s",), 0.0, 1.0, group_names=("near", "far"))
    one = np.zeros((2, 1, 4, 4), np.uint8)
    with FragmentWriter(path, info, (1, 4, 4), np.uint8) as writer:
        writer.append(one, np.zeros(2, int), 0, "a", group=1)
        writer.append(one, np.zeros(2, int), 0, "b")
        with pytest.raises(V3Error, match="group 2 in row 0 is not among the 2 names"):
            writer.append(one, np.zeros(2, int), 0, "c", group=2)
    with LabelledFragments(path) as file:
        assert file.group.tolist() == [1, -1]
        assert file.info == info
    with h5py.File(path, "a") as raw:
        del raw["group"]
    with pytest.raises(V3Error, match="it has no dataset 'group'"):
        LabelledFragments(path)


def test_a_scale_that_leaves_no_difference(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file.attrs["scale"] = 1e-30
    with pytest.raises(V3Error, match=r"a span of .* in the network's input, where some 2 is"):
        validate(good)


def test_nobody_is_told_to_delete_what_he_made_himself(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file.attrs["content_names"] = ["a", "a", "b"]
    with pytest.raises(V3Error, match="mend what wrote it or, if `dvc repro` made it, delete it"):
        LabelledFragments(good)
