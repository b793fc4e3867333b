"""Grids of fragments and pages are written whole, for pictures and for spectrograms."""

import numpy as np
import pytest
from drawing import COLOURS, SOURCE, bars, check, grid, picture_folder
from PIL import Image

from v3.plots.grids import (
    ZOOM,
    as_image,
    code_grid,
    fragment_grid,
    limits,
    reconstructions,
    swap_grid,
)
from v3.plots.sheets import contact_sheet


@pytest.fixture
def folder(tmp_path):
    return picture_folder(tmp_path)


def note(content, style):
    """A spectrogram (1, 512, 32): content is the pitch, style the number of partials."""
    x = np.full((1, 512, 32), -11.0)
    for partial in range(1, style + 3):
        x[:, (20 + 3 * content) * partial, :] = 4 - partial * np.linspace(1, 2, 32)
    return x


@pytest.mark.parametrize(("kind", "draw"), [("pictures", bars), ("spectrograms", note)])
def test_grids(folder, kind, draw):
    dtype = np.uint8 if draw is bars else np.float16
    codes, styles = range(4), range(3)
    all_of_them = grid(draw, codes, styles, dtype)  # (4, 3, C, H, W)
    names = ([f"{k}" for k in codes], COLOURS[:3])
    decoded = all_of_them.astype(np.float32) + 0.7
    check(
        folder / f"swap_{kind}.png",
        lambda p: swap_grid(
            p, all_of_them[:, 0], all_of_them[0], decoded, names, "phonenums: swaps", SOURCE
        ),
    )
    code_names = [f"{k} ('{k}')" for k in codes]
    check(
        folder / f"codes_{kind}.png",
        lambda p: code_grid(
            p, decoded, all_of_them[0], (code_names, COLOURS[:3]), "phonenums: codes", SOURCE
        ),
    )
    samples = all_of_them.transpose(1, 0, 2, 3, 4)[:2]
    check(
        folder / f"reconstructions_{kind}.png",
        lambda p: reconstructions(p, samples, samples + 1.0, "phonenums: there and back", SOURCE),
    )
    check(
        folder / f"styles_{kind}.png",
        lambda p: fragment_grid(p, samples, COLOURS[:2], names[0], "insnotes: fragments", SOURCE),
    )


def test_a_grid_of_forty_codes_and_long_names_is_no_wall(folder):
    codes = grid(bars, [k % 8 for k in range(40)], range(5))
    names = [f"{k} (aa)" for k in range(40)], [f"train/image {k} of many.png" for k in range(5)]
    check(
        folder / "codes_40.png",
        lambda p: code_grid(p, codes, codes[0], names, "images: codes", SOURCE),
    )
    with Image.open(folder / "codes_40.png") as picture:
        assert max(picture.size) < 2000
    assert (folder / "codes_40.png").stat().st_size < 600_000


def test_a_picture_keeps_its_colours_and_is_small(folder):
    """Noise in every hue, a rare one too: no colour moves by more than a shade; white stays."""
    draw = np.random.default_rng(0)
    photos = draw.integers(0, 256, (6, 12, 3, 48, 32)).astype(np.uint8)
    photos[0, 0] = np.array([4, 250, 130])[:, None, None]  # one of seventy
    names = [f"{k}" for k in range(12)]
    path = folder / "photos.png"
    check(path, lambda p: fragment_grid(p, photos, names[:6], names, "photos", SOURCE))
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert (pixels[:3, :3] == 255).all()
    assert (np.abs(pixels - [4, 250, 130]).max(-1) <= 5).sum() > 500
    assert path.stat().st_size < 1_500_000  # pure noise; real pictures take a third


def test_pixels_of_a_grid_are_as_they_came(folder):
    """Nearest, at a whole number of pixels: a chequered fragment is found square by square."""
    ticks = np.indices((48, 32)).sum(0) % 2 * 255
    fragments = np.broadcast_to(ticks, (2, 4, 3, 48, 32)).astype(np.uint8)
    path = folder / "chequered.png"
    fragment_grid(path, fragments, ["a", "b"], list("wxyz"), "chequered", SOURCE)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    large = ticks.repeat(ZOOM, 0).repeat(ZOOM, 1)
    height, width = large.shape
    corners = np.argwhere((pixels[:-ZOOM, :-ZOOM] == 255) & (pixels[ZOOM:, :-ZOOM] == 0))
    found = {
        (top, left)
        for top, left in corners - [0, ZOOM]
        if np.array_equal(pixels[top : top + height, left : left + width], large)
    }
    assert len({top for top, _ in found}) == 2
    assert len({left for _, left in found}) == 4


@pytest.mark.parametrize("columns", [2, 12])
def test_title_and_source_stay_inside(folder, columns):
    """However narrow the grid: the margin at either side is white, and the lines are there."""
    fragments = grid(bars, [0], [k % 5 for k in range(columns)])
    path, plain = folder / f"long_{columns}.png", folder / f"short_{columns}.png"
    names = ["0"], [f"body {k}, bottom {k}, top {k}, hair {k}" for k in range(columns)]
    source = "stand-in: " + "drawn letters and figures " * 6
    title = "characters: samples of the test split and their reconstructions " * 2
    check(path, lambda p: fragment_grid(p, fragments, *names, title, source))
    fragment_grid(plain, fragments, *names, "characters", "drawn")
    with Image.open(path) as long, Image.open(plain) as brief:
        edges = np.asarray(long.convert("L"))[:, [0, 1, -2, -1]]
        assert long.height > brief.height + 20  # further lines have room of their own
    assert (edges == 255).all()


def test_contact_sheet(folder):
    page = np.concatenate([bars(k, k % 5) for k in range(8)], axis=2)
    pages = np.stack([page] * 7).astype(np.uint8)
    names = [f"page {k}, teal" for k in range(7)]
    check(
        folder / "pages.png",
        lambda p: contact_sheet(p, pages, names, "phonenums: pages", SOURCE, columns=2),
    )
    notes = grid(note, range(3), range(4), np.float32).reshape(12, 1, 512, 32)
    check(
        folder / "notes.png",
        lambda p: contact_sheet(p, notes, [f"note {k}" for k in range(12)], "notes", SOURCE, 6),
    )


def test_as_image():
    colour = as_image(np.array([0, 127.5, 300.0])[:, None, None] * np.ones((3, 2, 4)), 0, 255)
    assert colour.shape == (2, 4, 3)
    assert colour.dtype == np.uint8
    assert colour[0, 0].tolist() == [0, 128, 255]
    rising = as_image(np.arange(3.0)[None, :, None], 0, 2)  # lowest bin at the bottom, dark
    assert rising[:, 0].sum(1).tolist() == sorted(rising[:, 0].sum(1), reverse=True)
    assert as_image(np.zeros((1, 2, 2)), 0, 0).shape == (2, 2, 3)
    grey = as_image(np.array([[[0.0, 51.0], [255.0, 300.0]]]), 0, 255)  # bytes: as it stands
    assert grey[..., 0].tolist() == [[0, 51], [255, 255]]
    assert (grey == grey[..., :1]).all()
    assert limits(np.zeros(1, np.uint8)) == (0, 255)
    low, high = limits(np.linspace(-11, 3, 1000).astype(np.float16))
    assert low == pytest.approx(-10.86, abs=0.02)
    assert high == pytest.approx(2.99, abs=0.02)
