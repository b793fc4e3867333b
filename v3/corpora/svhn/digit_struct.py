"""`digitStruct.mat` of SVHN: the names and boxes of an archive, a MATLAB v7.3 file (HDF5).

As MATLAB wrote it: `digitStruct` holds `name` and `bbox` (N, 1), references into `#refs#`. A name
is a column of uint16 characters; a bbox a group of five datasets `height`, `left`, `top`, `width`,
`label`: of one digit the 1 x 1 double itself, of n digits n references to 1 x 1 doubles.

Both ways go through h5py's low-level calls: a train file has half a million objects, and the
friendly interface spends some 100 microseconds on each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5r, h5s, h5t
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.progress import Progress

FIELDS = (b"height", b"left", b"top", b"width", b"label")  # in MATLAB's order
USER_BLOCK = 512  # bytes before the HDF5 part
HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Tue Dec  6 00:00:00 2011 HDF5 schema"
REFERENCE = h5py.ref_dtype
MOST_ROWS, MOST_DIGITS, LONGEST_NAME = 400_000, 100, 255  # extra has 202,353 rows, numbers 6 digits
EMPTY = b"MATLAB_empty"  # MATLAB's attribute of what has no values
MEND = "replace the archive by the published one"
# What h5py raises where a file is other than was expected.
UNREADABLE: tuple[type[Exception], ...] = (
    *(KeyError, AttributeError, TypeError, ValueError, OSError, RuntimeError),
    OverflowError,
)
Thing: TypeAlias = Any  # of h5py: a dataset or a group, which of the two is to be found out
FIELD_NAMES = h5py.vlen_dtype(np.dtype("S1"))


@dataclass(frozen=True)
class Row:
    """One image: its file's name and, a digit a row, left, top, width, height, label (n, 5).

    `fault` says why the boxes cannot be read, where they cannot.
    """

    name: str
    boxes: NDArray[np.float64]
    fault: str = ""


def read_digit_struct(path: str | Path | IO[bytes], called: str) -> Iterator[Row]:
    """The rows of a digitStruct.mat, on disk or in memory; `called` is its name in errors.

    The file is not believed: what a reference leads to is looked at before it is read, and a row
    whose boxes are not as described above has a fault. `V3Error` if the file is no HDF5 file, holds
    no digitStruct, or a row has no name.
    """
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise V3Error(f"{called} is no MATLAB v7.3 (HDF5) file: {MEND}.") from None
    with file:
        try:
            top = _opened(file.id, b"digitStruct")
            names, boxes = (_references(_opened(top, key), MOST_ROWS) for key in (b"name", b"bbox"))
            if not len(names) or len(names) != len(boxes):
                raise ValueError(f"{len(names)} names and {len(boxes)} boxes")
        except UNREADABLE as error:
            _of_the_file(error)
            raise V3Error(
                f"{called} holds no digitStruct of names and boxes ({_reason(error)}): {MEND}."
            ) from None
        pairs = zip(names, boxes, strict=True)
        progress = Progress(pairs, total=len(names), unit="row", name=called)
        for number, (name, bbox) in enumerate(progress, 1):
            try:
                text = _text(name, file.id)
            except UNREADABLE as error:
                _of_the_file(error)
                raise V3Error(
                    f"{called}, row {number}, has no name that can be read ({_reason(error)}): "
                    f"{MEND}."
                ) from None
            try:
                row = Row(text, _boxes(bbox, file.id))
            except UNREADABLE as error:
                _of_the_file(error)
                row = Row(text, np.empty((0, 5)), _reason(error))
            yield row


def _of_the_file(error: Exception) -> None:
    """Let an error of the machine pass (the disk, rights): nothing is wrong with the file."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _opened(where: Thing, key: bytes) -> Thing:
    """What stands in a group by that name, in this file: no link leads elsewhere."""
    if where.links.get_info(key).type != h5l.TYPE_HARD:
        raise ValueError(f"{key.decode()} is a link")
    return h5o.open(where, key)


def _referred(reference: h5r.Reference, file: h5f.FileID) -> Thing:
    if not reference:
        raise ValueError("a reference leads nowhere")
    return h5r.dereference(reference, file)


def _checked(dataset: Thing, kind: Collection[int], most: int) -> int:
    """How many values a dataset (n, 1) of such a type holds; ValueError if it is anything else.

    They must lie in this file as they are: neither in another one, which a file may name, nor
    packed so that much more is unpacked than they are.
    """
    if not isinstance(dataset, h5d.DatasetID):
        raise ValueError("a group stands in place of values")
    shape: tuple[int, ...] = dataset.shape or ()  # none at all where there is no value
    of = dataset.get_type()
    if len(shape) != 2 or shape[1] != 1 or shape[0] > most or (most == 1 and not shape[0]):
        raise ValueError(f"values of shape {shape}, not ({'n' if most > 1 else 1}, 1)")
    if of.get_class() not in kind or of.get_size() > 8:
        raise ValueError("values of another type")
    how = dataset.get_create_plist()
    layout = how.get_layout()
    if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED) or (
        layout == h5d.CONTIGUOUS and how.get_external_count()
    ):
        raise ValueError("values that are kept in another file")
    if layout == h5d.CHUNKED and np.prod(how.get_chunk(), dtype=float) > MOST_ROWS:
        raise ValueError("values in pieces that are too large")
    return int(shape[0])


def _references(dataset: Thing, most: int) -> NDArray[np.object_]:
    """All references of a dataset (n, 1) -> (n,)."""
    out = np.empty((_checked(dataset, (h5t.REFERENCE,), most), 1), REFERENCE)
    dataset.read(h5s.ALL, h5s.ALL, out)
    return out.ravel()


def _text(reference: h5r.Reference, file: h5f.FileID) -> str:
    dataset = _referred(reference, file)
    characters = np.empty((_checked(dataset, (h5t.INTEGER,), LONGEST_NAME), 1), np.uint16)
    dataset.read(h5s.ALL, h5s.ALL, characters)
    name = "".join(map(chr, characters.ravel()))
    if not name.isprintable():
        raise ValueError(f"{name!r} has characters that do not print")
    return name


def _boxes(reference: h5r.Reference, file: h5f.FileID) -> NDArray[np.float64]:
    group = _referred(reference, file)
    if isinstance(group, h5d.DatasetID):
        if not h5a.exists(group, EMPTY):  # how MATLAB keeps an empty struct
            raise ValueError("values stand in place of a group of boxes")
        return np.empty((0, 5))
    columns = [
        _numbers(_opened(group, key), file)
        for key in (b"left", b"top", b"width", b"height", b"label")
    ]
    if len({len(column) for column in columns}) > 1:
        raise ValueError("left, top, width, height and label are not as many as each other")
    return np.stack(columns, 1)


def _numbers(dataset: Thing, file: h5f.FileID) -> NDArray[np.float64]:
    if isinstance(dataset, h5d.DatasetID):
        if dataset.get_type().get_class() == h5t.REFERENCE:
            found = _references(dataset, MOST_DIGITS)
            return np.array([_number(_referred(reference, file)) for reference in found])
        if h5a.exists(dataset, EMPTY):
            return np.empty(0)
    return np.array([_number(dataset)])


def _number(dataset: Thing) -> float:
    number = np.empty((_checked(dataset, (h5t.FLOAT, h5t.INTEGER), 1), 1))
    dataset.read(h5s.ALL, h5s.ALL, number, h5t.NATIVE_DOUBLE)
    return float(number[0, 0])


def write_digit_struct(path: str | Path, rows: Sequence[Row]) -> None:
    """Write a digitStruct.mat of `rows` as MATLAB would."""
    with h5py.File(path, "w", userblock_size=USER_BLOCK, libver=("earliest", "v110")) as file:
        writer = _Writer(file.id)
        names, boxes = [], []
        for row in rows:
            names.append(writer.text(row.name))
            boxes.append(writer.bbox(row.boxes))
        top = h5g.create(file.id, b"digitStruct")
        writer.describe(top, b"struct", ("name", "bbox"))
        for key, references in ((b"name", names), (b"bbox", boxes)):
            writer.references(top, key, references)
    with open(path, "r+b") as file:
        file.write(HEADER.ljust(116) + b" " * 8 + b"\x00\x02IM")


class _Writer:
    """Makes the objects below `#refs#`, each with the attributes that MATLAB gives it."""

    def __init__(self, file: h5f.FileID) -> None:
        self.refs = h5g.create(file, b"#refs#")
        self.count = 0
        self.one = h5s.create_simple((1, 1))
        self.scalar = h5s.create(h5s.SCALAR)
        self.plain = h5p.create(h5p.DATASET_CREATE)
        self.plain.set_obj_track_times(False)

    def text(self, text: str) -> h5r.Reference:
        """A name as a column of characters."""
        codes = np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]
        name, space = self._name(), h5s.create_simple(codes.shape)
        dataset = h5d.create(self.refs, name, h5t.STD_U16LE, space, self.plain)
        dataset.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(codes))
        self.describe(dataset, b"char")
        attribute = h5a.create(dataset, b"MATLAB_int_decode", h5t.STD_I32LE, self.scalar)
        attribute.write(np.array(2, np.int32))
        return h5r.create(self.refs, name, h5r.OBJECT)

    def bbox(self, boxes: NDArray[np.float64]) -> h5r.Reference:
        """A group of the five fields of boxes (n, 5): left, top, width, height, label."""
        name = self._name()
        group = h5g.create(self.refs, name)
        self.describe(group, b"struct", [field.decode() for field in FIELDS])
        left, top, width, height, label = np.asarray(boxes, np.float64).T
        for key, values in zip(FIELDS, (height, left, top, width, label), strict=True):
            if len(values) == 1:
                self._number(group, key, values[0])
                continue
            inner = [self._name() for _ in values]
            for item, value in zip(inner, values, strict=True):
                self._number(self.refs, item, value)
            self.references(group, key, [h5r.create(self.refs, i, h5r.OBJECT) for i in inner])
        return h5r.create(self.refs, name, h5r.OBJECT)

    def references(self, where: h5g.GroupID, key: bytes, to: list[h5r.Reference]) -> None:
        """A dataset (n, 1) of references."""
        space = h5s.create_simple((len(to), 1))
        dataset = h5d.create(where, key, h5t.STD_REF_OBJ, space, self.plain)
        array = np.empty((len(to), 1), REFERENCE)
        array[:, 0] = to
        dataset.write(h5s.ALL, h5s.ALL, array)

    def describe(self, thing: h5g.GroupID, kind: bytes, fields: Sequence[str] = ()) -> None:
        """MATLAB's class of a value, and the names of a struct's fields."""
        text = h5t.C_S1.copy()
        text.set_size(len(kind))
        h5a.create(thing, b"MATLAB_class", text, self.scalar).write(np.array(kind), text)
        if fields:
            names = np.empty(len(fields), FIELD_NAMES)
            names[:] = [np.array(list(field), "S1") for field in fields]
            kept = h5t.py_create(FIELD_NAMES, logical=True)
            space = h5s.create_simple((len(fields),))
            h5a.create(thing, b"MATLAB_fields", kept, space).write(names)

    def _number(self, where: h5g.GroupID, name: bytes, value: float) -> None:
        dataset = h5d.create(where, name, h5t.IEEE_F64LE, self.one, self.plain)
        dataset.write(h5s.ALL, h5s.ALL, np.full((1, 1), value))
        self.describe(dataset, b"double")

    def _name(self) -> bytes:
        self.count += 1
        return f"{self.count:x}".encode()
