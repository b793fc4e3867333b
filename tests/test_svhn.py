"""SVHN: the stand-in, digitStruct by two readers, crops, and what bad archives end in."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from svhn_archives import archived, house, packed, png

from v3.base.errors import V3Error
from v3.base.files import file_digest
from v3.corpora.svhn.annotations import annotate, read_annotations, read_numbers
from v3.corpora.svhn.crop import crop_digits, write_fragments
from v3.corpora.svhn.digit_struct import Row, read_digit_struct
from v3.corpora.svhn.params import ARCHIVES, Archive, Archives, DownloadParams, StandInParams
from v3.corpora.svhn.raw import bring_real, read_source
from v3.download.archives import archive_members
from v3.fragments.labels import LabelledFragments, validate
from v3.standins.svhn.archives import draw_archives
from v3.standins.svhn.scene import House, draw_house

ROOT = Path(__file__).parent.parent
MIRROR = Path(os.environ.get("V3_TEST_MIRROR", ROOT.parent / "shared" / "mirror"))
REAL = MIRROR / "ufldl.stanford.edu" / "housenumbers"
needs_mirror = pytest.mark.skipif(
    not REAL.is_dir(), reason="the genuine samples are not here (V3_TEST_MIRROR names their folder)"
)
STANDIN = StandInParams(seed=0, train=60, test=12, extra=12)
OTHER = {name: Archive(sha256="0" * 64, size=100) for name in ARCHIVES}
DOWNLOAD = DownloadParams(
    address="http://ufldl.stanford.edu/housenumbers", archives=Archives(**OTHER)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """raw/, boxes.h5 and fragments.h5 of `STANDIN`; tests must not change them."""
    folder = tmp_path_factory.mktemp("svhn")
    draw_archives(folder / "raw", STANDIN, 1)
    annotate(folder / "raw", folder / "boxes.h5", ())
    write_fragments(folder / "raw", folder / "boxes.h5", folder / "fragments.h5", 2, 1)
    return folder


def test_the_stand_in_says_so_and_has_samples_of_each_archive(made: Path) -> None:
    assert validate(made / "fragments.h5").source.startswith("stand-in: 60 + 12 + 12 drawn")
    with LabelledFragments(made / "fragments.h5") as file:
        assert file.shape == (3, 48, 32)
        assert file.info.group_names == ARCHIVES
        assert set(file.group) == {0, 1, 2}
        assert np.diff(file.starts).min() == 2
        names = [file.info.style_names[row] for row in file.style]
        assert names == file.sample_id
        assert names[0].startswith("train/")
        for name, group in zip(names, file.group, strict=True):
            assert name.split("/")[0] == ARCHIVES[group]


def test_digits_keep_their_boxes_and_labels_on_the_way(made: Path) -> None:
    numbers, _ = read_annotations(made / "boxes.h5")
    houses = [draw_house(np.random.default_rng((0, 0, i))) for i in range(STANDIN.train)]
    for number, drawn in zip(numbers, houses, strict=False):
        assert tuple(number.digits) == drawn.digits
        assert (number.boxes == drawn.boxes).all()
    with LabelledFragments(made / "fragments.h5") as file:
        first = next(drawn for drawn in houses if len(drawn.digits) > 1)
        image = Image.open(io.BytesIO(first.png))
        fragments, rows = file.read_samples([0])
        assert (fragments == crop_digits(image, first.boxes.astype(np.float64))).all()
        assert tuple(file.content[rows]) == first.digits


def test_any_number_of_processes_gives_the_same_files(made: Path, tmp_path: Path) -> None:
    draw_archives(tmp_path / "raw", STANDIN, 2)
    for name in ARCHIVES:
        assert file_digest(tmp_path / f"raw/{name}.tar.gz") == file_digest(
            made / f"raw/{name}.tar.gz"
        )
    write_fragments(made / "raw", made / "boxes.h5", tmp_path / "fragments.h5", 2, 2)
    assert file_digest(tmp_path / "fragments.h5") == file_digest(made / "fragments.h5")


def test_an_image_depends_on_the_seed_and_its_number_alone(made: Path, tmp_path: Path) -> None:
    """Not on how many images there are: those that both have are the same, boxes and all."""
    fewer = StandInParams(seed=0, train=53, test=2, extra=1)
    draw_archives(tmp_path / "raw", fewer, 1)

    def images(raw: Path, archive: str) -> dict[str, bytes]:
        found = archive_members(raw / f"{archive}.tar.gz", most_bytes=10**9, most_members=99)
        return {name: content for name, content in found if name.endswith(".png")}

    for archive in ARCHIVES:
        few, many = images(tmp_path / "raw", archive), images(made / "raw", archive)
        assert len(few) == getattr(fewer, archive)
        assert few.items() <= many.items()


def test_digits_of_the_stand_in_are_as_frequent_as_those_of_the_corpus() -> None:
    rng = np.random.default_rng(0)
    houses = [draw_house(rng) for _ in range(400)]
    digits = np.concatenate([drawn.digits for drawn in houses])
    share = np.bincount(digits, minlength=10) / len(digits)
    published = np.array([0.068, 0.189, 0.144, 0.116, 0.102, 0.094, 0.078, 0.076, 0.069, 0.064])
    assert np.abs(share - published).max() < 0.05
    lengths = [len(drawn.digits) for drawn in houses]
    assert 1.9 < np.mean(lengths) < 2.5
    heights = np.concatenate([drawn.boxes[:, 3] for drawn in houses])
    assert 24 < np.median(heights) < 40


def test_a_box_that_reaches_outside_is_cut_off() -> None:
    image = Image.fromarray(np.arange(40 * 40 * 3, dtype=np.uint8).reshape(40, 40, 3))
    outside = crop_digits(image, np.array([[-5.0, -3.0, 25.0, 33.0]]))
    inside = crop_digits(image, np.array([[0.0, 0.0, 20.0, 30.0]]))
    assert (outside == inside).all()


# --- bad data: each ends in one sentence -----------------------------------------------------


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("odd", "sentence"),
    [
        (house((11, 2)), r"row 2 \(2.png\) has the label 11, not 1 to 10"),
        (house((), box=(0, 0, 0, 0)), r"row 2 \(2.png\) has no box"),
        (house(box=(60, 5, 10, 20)), r"row 2 .* outside its image of 60 x 40 pixels \(left 60"),
        (house(box=(-10, 5, 10, 20)), r"row 2 .* outside its image"),
        (house(box=(59.99999999, 5, 10, 20)), r"row 2 .* with less than a pixel of its image"),
        (
            house(box=(5, -19.5, 10, 20)),
            r"row 2 .* with less than a pixel of its image",
        ),
        (house(box=(5, 5, 1e-300, 20)), r"row 2 .* with less than a pixel of its image"),
        (house(box=(5, 5, 0, 20)), r"row 2 .* a box without area \(left 5, top 5, width 0"),
        (house(box=(NAN, 5, 10, 20)), r"row 2 \(2.png\) has a box that is not finite \(left nan"),
        (house(box=(5, NAN, 10, 20)), r"row 2 .* not finite \(left 5, top nan, width 10"),
        (house(box=(5, 5, INF, 20)), r"row 2 .* not finite \(.* width inf, height 20\)"),
        (house(box=(-INF, 5, INF, NAN)), r"row 2 .* not finite \(left -inf, .* height nan\)"),
        (house(image=b"GIF89a" + bytes(40)), r"row 2 \(2.png\) names a file that is no PNG"),
    ],
)
def test_bad_annotations_are_refused_by_row(odd: House, sentence: str, tmp_path: Path) -> None:
    raw = archived(tmp_path / "raw", odd)
    with pytest.raises(V3Error, match=sentence) as error:
        annotate(raw, tmp_path / "boxes.h5", ())
    assert f"{raw / 'train.tar.gz'}: train/digitStruct.mat" in str(error.value)
    assert "'train/2.png' to svhn.annotations.leave_out" in str(error.value)
    assert not (tmp_path / "boxes.h5").exists()
    annotate(raw, tmp_path / "boxes.h5", ("train/2.png",))
    names = [number.name for number in read_annotations(tmp_path / "boxes.h5")[0]]
    assert names == ["train/1.png", "train/3.png", "test/1.png", "extra/1.png"]


def test_the_label_0_is_refused(tmp_path: Path) -> None:
    """The stand-in's 0 becomes the label 10, so the row is written by hand."""
    box = [5.0, 5.0, 10.0, 20.0]
    rows = [Row("1.png", np.array([[*box, 1.0]])), Row("2.png", np.array([[*box, 0.0]]))]
    path = packed(tmp_path, {"1.png": png(), "2.png": png()}, rows)
    with pytest.raises(V3Error, match=r"row 2 \(2.png\) has the label 0, not 1 to 10"):
        read_numbers(path, "train")


ROWS = [Row("1.png", np.array([[5.0, 5, 10, 20, 1]]))]


@pytest.mark.parametrize(
    ("files", "rows", "sentence"),
    [
        ({}, ROWS, r"row 1 \(1.png\) names an image that the archive does not hold"),
        ({"1.png": png()}, ROWS * 2, r"row 2 \(1.png\) names an image that an earlier row has"),
        ({"1.png": png()}, None, r"train/digitStruct.mat is missing"),
        ({"1.png": png()}, b"MATLAB 5.0 MAT-file", r"digitStruct.mat is no MATLAB v7.3 \(HDF5\)"),
        (
            {"1.png": png()},
            [],
            r"no digitStruct of names and boxes \(0 names and 0 boxes\)",
        ),
    ],
)
def test_bad_archives_are_refused(
    files: dict[str, bytes], rows: list[Row] | bytes | None, sentence: str, tmp_path: Path
) -> None:
    path = packed(tmp_path, files, rows)
    with pytest.raises(V3Error, match=sentence) as error:
        read_numbers(path, "train")
    assert str(path) in str(error.value)


def test_hdf5_without_a_digit_struct_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file["x"] = 1
    with pytest.raises(V3Error, match=r"other.mat holds no digitStruct"):
        list(read_digit_struct(tmp_path / "other.mat", "other.mat"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_truncated_png_is_refused_by_name(workers: int, tmp_path: Path) -> None:
    raw = archived(tmp_path / "raw", house(image=png()[:3000]))
    annotate(raw, tmp_path / "boxes.h5", ())
    with pytest.raises(V3Error, match=r"train/2.png \(row 2 of digitStruct\) cannot be read") as e:
        write_fragments(raw, tmp_path / "boxes.h5", tmp_path / "fragments.h5", 2, workers)
    assert str(raw / "train.tar.gz") in str(e.value)
    assert not (tmp_path / "fragments.h5").exists()


def test_an_archive_that_was_changed_since_it_came(tmp_path: Path) -> None:
    """It may have been mended, as a sentence advises; the source says so, and boxes must be its."""
    raw, boxes = tmp_path / "raw", tmp_path / "boxes.h5"
    draw_archives(raw, StandInParams(seed=0, train=4, test=2, extra=2), 1)
    annotate(raw, boxes, ())
    assert "changed" not in read_annotations(boxes)[1]
    archived(tmp_path / "other", house())
    (tmp_path / "other" / "train.tar.gz").replace(raw / "train.tar.gz")
    with pytest.raises(V3Error, match=r"boxes\.h5 has the boxes of another .*train\.tar\.gz than"):
        write_fragments(raw, boxes, tmp_path / "fragments.h5", 1, 1)
    assert not (tmp_path / "fragments.h5").exists()
    annotate(raw, boxes, ())
    digest = file_digest(raw / "train.tar.gz")
    assert f"; changed since they came: sha256 train {digest[:8]}" in read_annotations(boxes)[1]
    write_fragments(raw, boxes, tmp_path / "fragments.h5", 1, 1)
    assert digest[:8] in validate(tmp_path / "fragments.h5").source


@pytest.mark.parametrize(
    ("key", "value"), [("digit", 77), ("start", 10**9), ("box", 1e6), ("row", 1), ("name", "x")]
)
def test_boxes_that_were_changed(made: Path, tmp_path: Path, key: str, value: object) -> None:
    boxes = tmp_path / "boxes.h5"
    shutil.copy(made / "boxes.h5", boxes)
    with h5py.File(boxes, "r+") as file:
        file[key][3] = value
    with pytest.raises(V3Error, match=r"boxes\.h5 is not as it was written: delete it and run"):
        write_fragments(made / "raw", boxes, tmp_path / "fragments.h5", 2, 1)


def test_a_digit_struct_needs_no_room_outside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    raw = archived(tmp_path / "raw", house())
    annotate(raw, tmp_path / "boxes.h5", ())


def test_too_many_digits_wanted(made: Path, tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"svhn\.crop\.min_digits = 9"):
        write_fragments(made / "raw", made / "boxes.h5", tmp_path / "fragments.h5", 9, 1)


def test_what_is_left_out_must_be_an_image(made: Path, tmp_path: Path) -> None:
    with pytest.raises(V3Error, match="leave_out must name images such as"):
        annotate(made / "raw", tmp_path / "boxes.h5", ("12.png",))
    with pytest.raises(V3Error, match=r"leave_out names 'train/61\.png', which no archive has"):
        annotate(made / "raw", tmp_path / "boxes.h5", ("train/1.png", "train/61.png"))


def test_not_everything_may_be_left_out(tmp_path: Path) -> None:
    raw = archived(tmp_path / "raw", house())
    all_of_them = [*(f"train/{k}.png" for k in (1, 2, 3)), "test/1.png", "extra/1.png"]
    with pytest.raises(V3Error, match=r"^svhn\.annotations\.leave_out names every image of"):
        annotate(raw, tmp_path / "boxes.h5", all_of_them)
    assert not (tmp_path / "boxes.h5").exists()


# --- the real ones ---------------------------------------------------------------------------


@needs_mirror
@pytest.mark.parametrize("archive", ARCHIVES)
def test_two_readers_find_the_same_boxes(
    archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MATLAB's own files, read here and by svhnl (which needs mat73, and clips below 0)."""
    svhnl = pytest.importorskip("svhnl", reason="svhnl is not installed")
    path = REAL / "native_reduced" / f"{archive}.digitStruct.mat"
    monkeypatch.chdir(tmp_path)
    svhnl.ann_to_json(str(path), str(tmp_path / "boxes.json"))
    theirs = json.loads((tmp_path / "boxes.json").read_text())
    ours = list(read_digit_struct(path, path.name))
    assert len(ours) == len(theirs) >= 39
    for row, entry in zip(ours, theirs, strict=True):
        assert row.name == entry["name"]
        keys = ("left", "top", "width", "height", "label")
        assert np.maximum(row.boxes, 0).tolist() == [
            [box[key] for key in keys] for box in entry["boxes"]
        ]


@needs_mirror
def test_genuine_archives_give_what_is_known_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V3_MIRROR", str(MIRROR))
    monkeypatch.setenv("V3_CACHE", str(tmp_path / "cache"))
    bring_real(tmp_path / "raw", DOWNLOAD)
    source = read_source(tmp_path / "raw")
    assert source.startswith(
        "SVHN format 1: train, test, extra; not as published: sha256 train 11f1"
    )
    annotate(tmp_path / "raw", tmp_path / "boxes.h5", ())
    numbers, _ = read_annotations(tmp_path / "boxes.h5")
    truth = json.loads((MIRROR / "TRUTH.json").read_text())["svhn"]
    assert {number.name for number in numbers} == set(truth)
    for number in numbers:
        known = truth[number.name]
        assert "".join(map(str, number.digits)) == known["number"]
        assert number.boxes.tolist() == [
            [box[key] for key in ("left", "top", "width", "height")] for box in known["boxes"]
        ]
    write_fragments(tmp_path / "raw", tmp_path / "boxes.h5", tmp_path / "fragments.h5", 2, 1)
    assert validate(tmp_path / "fragments.h5").source.endswith("; 204 numbers")
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        assert len(file.style) == sum(len(known["boxes"]) > 1 for known in truth.values())


def test_stages_end_in_a_fragment_file(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "machine: {workers: 1, loaders: 0, memory_gb: 1, threads: 1, device: cpu, "
        "checkpoint_every: 1}\n"
        "svhn:\n  source: standin\n  standin: {seed: 0, train: 12, test: 3, extra: 3}\n"
        "  annotations: {leave_out: []}\n  crop: {min_digits: 2}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for stage in ("download", "annotations", "crop"):
        subprocess.run(
            [sys.executable, "-m", f"stages.svhn_{stage}"],
            cwd=tmp_path,
            env=environment,
            check=True,
        )
    validate(tmp_path / "data/svhn/fragments.h5")
