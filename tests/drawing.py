"""What the tests of pictures share: what they draw, where, and how a picture is checked."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

SOURCE = "synthetic arrays of the tests"
INKS = np.array([[8, 8, 8], [8, 8, 248], [8, 128, 8], [248, 8, 8], [8, 128, 128]])
COLOURS = ["black", "blue", "green", "red", "teal"]


def picture_folder(folder):
    """Where the pictures go; V3_TEST_PLOTS names a folder to keep them in and look at."""
    return Path(os.environ.get("V3_TEST_PLOTS", folder))


def bars(content, style):
    """A picture (3, 48, 32): content says where the bar is, style its colour."""
    x = np.full((3, 48, 32), 245.0)
    x[:, 4 + 4 * content : 10 + 4 * content, 4:28] = INKS[style][:, None, None]
    return x


def grid(draw, rows, columns, dtype=np.uint8):
    return np.array([[draw(r, c) for c in columns] for r in rows]).astype(dtype)


def check(path, draw):
    """Draw twice; the file is a picture, of the same bytes both times, with nothing beside it."""
    draw(path)
    first = path.read_bytes()
    draw(path)
    assert path.read_bytes() == first
    with Image.open(path) as picture:
        assert min(picture.size) > 200
        assert not {"Software", "date", "Creation Time"} & set(picture.info)
        assert np.asarray(picture.convert("L")).std() > 5
    assert not [other for other in path.parent.iterdir() if other.name.startswith(".")]
