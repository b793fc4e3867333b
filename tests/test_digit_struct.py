"""SVHN: a digitStruct.mat that claims what is not so is refused by row, before it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from svhn_archives import packed, png

from v3.base.errors import V3Error
from v3.corpora.svhn.annotations import read_numbers
from v3.corpora.svhn.digit_struct import Row, write_digit_struct

BOX = [5.0, 5, 10, 20]
ROWS = [
    Row("1.png", np.array([[*BOX, 1], [*BOX, 2]])),
    Row("2.png", np.array([[*BOX, 3], [*BOX, 4]])),
    Row("3.png", np.array([[*BOX, 5]])),
]
FILES = {f"{number}.png": png() for number in (1, 2, 3)}
Change = Callable[[h5py.File, h5py.Group], None]


def changed(folder: Path, change: Change) -> Path:
    """An archive whose digitStruct has a change made to it, given the file and the second box."""
    mat = folder / "digitStruct.mat"
    write_digit_struct(mat, ROWS)
    with h5py.File(mat, "r+") as file:
        change(file, file[file["digitStruct/bbox"][1, 0]])
    return packed(folder, FILES, mat.read_bytes())


def replaced(group: h5py.Group, key: str, value: object, **how: object) -> None:
    del group[key]
    group.create_dataset(key, data=value, **how)


def points_at(make: Callable[[h5py.File], h5py.Group | h5py.Dataset]) -> Change:
    """The first of the two references in `left` leads to what is made."""

    def change(file: h5py.File, box: h5py.Group) -> None:
        column = box["left"][:]
        column[0, 0] = make(file).ref
        box["left"][...] = column

    return change


def points_at_itself(file: h5py.File, box: h5py.Group) -> None:
    points_at(lambda _: box["left"])(file, box)


def null(_: h5py.File, box: h5py.Group) -> None:
    box["left"][...] = np.array([[h5py.Reference()], [h5py.Reference()]], h5py.ref_dtype)


def dangling(file: h5py.File, box: h5py.Group) -> None:
    gone = file.create_dataset("gone", data=np.ones((1, 1)))
    points_at(lambda _: gone)(file, box)
    del file["gone"]


def linked(link: object) -> Change:
    def change(_: h5py.File, box: h5py.Group) -> None:
        del box["left"]
        box["left"] = link

    return change


def huge(file: h5py.File) -> h5py.Dataset:
    """A tebibyte, of which the file holds nothing."""
    return file.create_dataset("huge", (2**37, 1), np.float64, chunks=(2**20, 1))


def bomb(file: h5py.File) -> h5py.Dataset:
    """One number, in a piece of 800 MB when it is unpacked."""
    made = file.create_dataset(
        "bomb", (1, 1), np.float64, maxshape=(None, None), chunks=(10**4, 10**4), compression=9
    )
    return made


def elsewhere(file: h5py.File) -> h5py.Dataset:
    return file.create_dataset(
        "elsewhere", (1, 1), np.float64, external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]
    )


def virtual(file: h5py.File) -> h5py.Dataset:
    layout = h5py.VirtualLayout((1, 1), np.float64)
    layout[0, 0] = h5py.VirtualSource("/tmp/other.h5", "x", (1, 1))[0, 0]
    return file.create_virtual_dataset("virtual", layout)


def values(value: object, **how: object) -> Callable[[h5py.File], h5py.Dataset]:
    return lambda file: file.create_dataset("values", data=value, **how)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (points_at(values(np.ones((400, 400)))), r"values of shape \(400, 400\), not \(1, 1\)"),
        (points_at(values(np.ones((1, 2)))), r"values of shape \(1, 2\)"),
        (points_at(values(np.ones((2, 1)))), r"values of shape \(2, 1\)"),
        (points_at(values(np.ones((1, 1, 1)))), r"values of shape \(1, 1, 1\)"),
        (points_at(values(1.0)), r"values of shape \(\)"),
        (points_at(values(h5py.Empty("f8"))), "values of shape"),
        (points_at(values(np.array([[b"12"]]))), "values of another type"),
        (points_at(values(np.array([["x"]], object), dtype=h5py.string_dtype())), "another type"),
        (points_at(values(np.ones((1, 1), np.longdouble))), "another type"),
        (points_at(values(np.ones((1, 1), complex))), "another type"),
        (points_at(huge), r"values of shape \(137438953472, 1\)"),
        (points_at(bomb), "in pieces that are too large"),
        (points_at(elsewhere), "kept in another file"),
        (points_at(virtual), "kept in another file"),
        (points_at(lambda file: file["#refs#"]), "a group stands in place of values"),
        (points_at(lambda file: file), "a group stands in place of values"),
        (points_at_itself, r"values of shape \(2, 1\)"),
        (points_at(lambda file: file["digitStruct/name"]), r"values of shape \(3, 1\)"),
        (null, "leads nowhere"),
        (dangling, "."),
        (linked(h5py.ExternalLink("/tmp/other.h5", "/x")), "left is a link"),
        (linked(h5py.SoftLink("/digitStruct/name")), "left is a link"),
        (lambda _, box: replaced(box, "left", np.ones((1, 1))), "not as many as each other"),
        (lambda _, box: replaced(box, "left", b"text"), r"values of shape \(\)"),
        (lambda _, box: replaced(box, "left", np.ones((400, 400))), r"shape \(400, 400\)"),
        (lambda _, box: box.__delitem__("left"), "."),
    ],
)
def test_boxes_that_are_not_as_they_should_be(tmp_path: Path, change: Change, reason: str) -> None:
    path = changed(tmp_path, change)
    with pytest.raises(V3Error, match=rf"row 2 \(2\.png\) has boxes .* read \(.*{reason}") as error:
        read_numbers(path, "train")
    assert str(error.value).startswith(f"{path}: train/digitStruct.mat, ")
    assert "adding 'train/2.png' to svhn.annotations.leave_out" in str(error.value)
    left = read_numbers(path, "train", ("train/2.png",))  # the way past it
    assert [number.name for number in left] == ["train/1.png", "train/3.png"]


def test_boxes_that_are_values(tmp_path: Path) -> None:
    def change(file: h5py.File, _: h5py.Group) -> None:
        column = file["digitStruct/bbox"][:]
        column[1, 0] = file.create_dataset("values", data=np.ones((1, 1))).ref
        file["digitStruct/bbox"][...] = column

    with pytest.raises(V3Error, match=r"row 2 \(2\.png\) .*values stand in place of a group"):
        read_numbers(changed(tmp_path, change), "train")


def name(value: object) -> Change:
    def change(file: h5py.File, _: h5py.Group) -> None:
        column = file["digitStruct/name"][:]
        column[1, 0] = file.create_dataset("text", data=value).ref
        file["digitStruct/name"][...] = column

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (name(np.full((256, 1), 65, np.uint16)), r"row 2, has no name .*shape \(256, 1\)"),
        (name(np.full((2, 400), 65, np.uint16)), r"row 2, has no name .*shape \(2, 400\)"),
        (name(np.full((4, 1), 65.0)), "row 2, has no name .*another type"),
        (name(np.array([[50], [10], [0xD800]], np.uint16)), "row 2, has no name .*do not print"),
        (lambda file, _: replaced(file["digitStruct"], "name", np.ones((3, 1))), "no digitStruct"),
        (lambda file, _: replaced(file["digitStruct"], "name", b"text"), "no digitStruct"),
        (lambda file, _: file.__delitem__("digitStruct/bbox"), "no digitStruct"),
        (lambda file, _: file.move("digitStruct/bbox", "digitStruct/b"), "no digitStruct"),
    ],
)
def test_names_that_are_not_as_they_should_be(tmp_path: Path, change: Change, reason: str) -> None:
    path = changed(tmp_path, change)
    with pytest.raises(V3Error, match=reason) as error:
        read_numbers(path, "train")
    assert str(error.value).startswith(f"{path}: train/digitStruct.mat")
    assert "replace the archive by the published one" in str(error.value)
