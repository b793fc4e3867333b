"""PhoneNums: what is on the pages, and the fragments cut from them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from v3.base.errors import V3Error
from v3.base.files import file_digest
from v3.base.schema import read
from v3.corpora.phonenums import pages as phonenums
from v3.corpora.phonenums.pages import BACKGROUND, HEIGHT, WIDTH, ink, synthesise, write_fragments
from v3.corpora.phonenums.params import PagesParams
from v3.fragments.labels import LabelledFragments

PAGES = PagesParams(
    seed=0,
    pages=110,
    unseen_pages=13,
    colours=("black", "red", "teal"),
    unseen_colours=("pink", "gold"),
    jitter=2,
    noise=10.0,
    translation=0.5,
)


def replace(params: PagesParams, **changes: object) -> PagesParams:
    return PagesParams(**(params.model_dump() | changes))


FEW = replace(PAGES, pages=20, unseen_pages=0)
PLAIN = replace(FEW, jitter=0, noise=0.0, translation=0.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pages.h5 and fragments.h5 of `PAGES`; tests must not change them."""
    folder = tmp_path_factory.mktemp("phonenums")
    synthesise(folder / "pages.h5", PAGES, 1)
    write_fragments(folder / "pages.h5", folder / "fragments.h5")
    return folder


def drawn(tmp_path: Path, params: PagesParams) -> np.ndarray:
    """Pages (P, 48, 10, 32, 3) as whole numbers that may be subtracted."""
    synthesise(tmp_path / "pages.h5", params, 1)
    with h5py.File(tmp_path / "pages.h5") as file:
        pages = file["pages"][:].astype(int)
    return pages.reshape(len(pages), HEIGHT, 10, WIDTH, 3)


def test_noise_never_flips_black(tmp_path: Path) -> None:
    """Noise cast to uint8 before it is added turns a black 0 into 252 and more."""
    clean = drawn(tmp_path, replace(FEW, colours=("black",), noise=0.0))
    noisy = drawn(tmp_path, replace(FEW, colours=("black",)))
    change = noisy - clean
    assert np.abs(change).max() < 65  # 6.5 of the highest standard deviation
    assert noisy[clean < 20].max() < 85
    assert noisy.min() == 0  # clipped, not wrapped
    assert noisy.max() == 255
    # neither end comes near: there the change is the noise itself, rounded to the nearest level
    middle = change[(clean > 70) & (clean < 185)]
    assert abs(middle.mean()) < 0.2
    assert 3 < middle.std() < 9


def test_noise_differs_from_page_to_page(tmp_path: Path) -> None:
    clean = drawn(tmp_path, replace(FEW, noise=0.0))
    spread = (drawn(tmp_path, FEW) - clean)[:, :, :, :, 0].std(axis=(1, 2, 3))
    assert spread.max() < 10
    assert spread.max() > 2 * spread.min()


def test_page_count_equals_request(made: Path) -> None:
    """A file a page, named by digits and colour, loses those of the same name."""
    with h5py.File(made / "pages.h5") as file:
        assert file["pages"].shape == (123, 48, 320, 3)
        assert file["digits"].shape == (123, 10)
        assert file["colour"].shape == (123,)
    with LabelledFragments(made / "fragments.h5") as file:
        assert len(set(file.sample_id)) == 123
        assert len(file) == 1230


def test_every_page_has_every_digit_once_and_its_own_order(made: Path) -> None:
    with h5py.File(made / "pages.h5") as file:
        digits = file["digits"][:]
    assert (np.sort(digits, axis=1) == np.arange(10)).all()
    assert len(np.unique(digits, axis=0)) == len(digits)
    assert (np.abs(digits.mean(axis=0) - 4.5) < 1.5).all()  # no digit has a place it prefers


def test_colours_take_their_share_and_unseen_ones_come_last(made: Path) -> None:
    with h5py.File(made / "pages.h5") as file:
        names, colour = list(file.attrs["colour_names"]), file["colour"][:]
    assert names == ["black", "red", "teal", "pink", "gold"]
    assert np.bincount(colour).tolist() == [37, 37, 36, 7, 6]
    assert colour[:110].max() == 2
    assert colour[110:].min() == 3


def test_same_pages_for_any_number_of_workers(tmp_path: Path, made: Path) -> None:
    synthesise(tmp_path / "pages.h5", PAGES, 2)
    assert file_digest(tmp_path / "pages.h5") == file_digest(made / "pages.h5")


def test_a_page_depends_on_the_seed_and_its_index_alone(tmp_path: Path) -> None:
    """Not on how many pages there are, nor on where a process took over."""
    few = drawn(tmp_path, replace(PAGES, pages=107))
    many = drawn(tmp_path, PAGES)
    assert (few[:107] == many[:107]).all()
    assert (few[107:] == many[110:]).all()  # the unseen colours
    assert (drawn(tmp_path, replace(PAGES, unseen_pages=2)) == many[:112]).all()


def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path, made: Path) -> None:
    synthesise(tmp_path / "pages.h5", PAGES, 1)
    assert file_digest(tmp_path / "pages.h5") == file_digest(made / "pages.h5")
    write_fragments(tmp_path / "pages.h5", tmp_path / "fragments.h5")
    assert file_digest(tmp_path / "fragments.h5") == file_digest(made / "fragments.h5")
    other = drawn(tmp_path, replace(PAGES, seed=1))
    with h5py.File(made / "pages.h5") as file:
        assert (other.reshape(123, 48, 320, 3) != file["pages"][:]).any(axis=(1, 2, 3)).all()


def test_no_unseen_colours(tmp_path: Path) -> None:
    synthesise(tmp_path / "pages.h5", replace(FEW, unseen_colours=()), 1)
    write_fragments(tmp_path / "pages.h5", tmp_path / "fragments.h5")
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        assert file.info.style_names == ("black", "red", "teal")
        assert len(file.style) == 20


def test_ink_and_paper(tmp_path: Path) -> None:
    """Without jitter and noise: paper at 245, ink at its colour's level, all between on the way."""
    assert ink("black").tolist() == [8, 8, 8]
    assert ink("red").tolist() == [248, 8, 8]
    assert ink("white").tolist() == [248, 248, 248]
    assert ink("teal") == pytest.approx([8, 8 + 240 * 128 / 255, 8 + 240 * 128 / 255])
    pages = drawn(tmp_path, replace(PLAIN, colours=("black", "red", "teal")))
    for page, colour in zip(pages, ["black", "red", "teal"] * 6, strict=False):
        levels = page.reshape(-1, 3)
        assert (np.bincount(levels[:, 1]).argmax()) == BACKGROUND
        darkest = levels[levels[:, 1].argmin()]
        assert np.abs(darkest - ink(colour)).max() < 12  # a blurred stroke is nearly all ink
        # every pixel lies on the line from paper to ink, but for rounding
        covered = (BACKGROUND - levels[:, 1]) / (BACKGROUND - ink(colour)[1])
        expected = BACKGROUND + covered[:, None] * (ink(colour) - BACKGROUND)
        assert np.abs(levels - expected).max() < 1.6


def test_jitter_stays_within_its_bounds(tmp_path: Path) -> None:
    """A page and each of its digits add up to 2 levels each, a channel."""
    pages = drawn(tmp_path, replace(PLAIN, jitter=2))
    paper = pages[:, 0].transpose(0, 1, 3, 2)  # (P, 10, 3, 32): the top row has no ink
    assert (paper == paper[..., :1]).all()  # one level a digit and channel
    paper = paper[..., 0] - BACKGROUND
    assert np.abs(paper).max() <= 4
    assert np.abs(paper).max() > 2  # both add up
    of_page = paper.mean(axis=1, keepdims=True)
    assert of_page.std() > 0.5
    assert (paper - of_page).std() > 0.5
    assert drawn(tmp_path, PLAIN)[:, 0].min() == drawn(tmp_path, PLAIN)[:, 0].max() == 245


def test_blur_weights_sum_to_one_and_meet_between_strips() -> None:
    strips = np.random.default_rng(0).integers(3, size=(20, 10))
    weights = np.stack([phonenums._blur_weights(page) for page in strips])
    assert weights.shape == (20, 10, 3, WIDTH)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-6)
    assert weights.min() >= 0
    line = weights.transpose(0, 1, 3, 2).reshape(20, 320, 3)
    assert np.abs(np.diff(line, axis=1)).max() < 1 / 31  # no step between two digits
    for page in range(20):  # each kernel is nearly alone in the middle of its strip
        middle = line[page, 15:320:WIDTH]
        assert (middle[np.arange(10), strips[page]] > 0.98).all()


def test_kernels_keep_ink_and_spread_it_as_far_as_they_should() -> None:
    bank = phonenums._glyph_bank()
    assert bank.shape == (10, 3, 80, 64)
    mass = bank.sum(axis=(2, 3))
    np.testing.assert_allclose(mass, mass[:, :1].repeat(3, axis=1), rtol=1e-4)
    dot = np.zeros((33, 1), np.float32)
    dot[16] = 1
    for size, deviation in ((5, 1.1), (9, 1.7), (13, 2.3)):  # 0.3 ((size - 1) / 2 - 1) + 0.8
        taps = phonenums._blur_vertically(dot, size)[:, 0]
        assert np.count_nonzero(taps) == size
        spread = np.sqrt((taps * (np.arange(33) - 16) ** 2).sum())
        assert spread == pytest.approx(deviation, rel=0.07)  # the ends are cut off


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.0, -0.25), (-0.5, 0.5), (0.1, 0.3), (2.0, -1.5)])
def test_shift_moves_the_centre_of_mass_by_just_that(shift: tuple[float, float]) -> None:
    weights = np.zeros((3, WIDTH), np.float32)
    weights[0] = 1
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]

    def centre(of: tuple[float, float]) -> np.ndarray:
        mask = phonenums._glyph(1, np.asarray(of), weights)
        return np.array([(mask * rows).sum(), (mask * columns).sum()]) / mask.sum()

    np.testing.assert_allclose(centre(shift) - centre((0.0, 0.0)), shift, atol=1e-3)


@pytest.mark.parametrize("digit", range(10))
def test_digits_fit_their_cells(digit: int) -> None:
    weights = np.full((3, WIDTH), 1 / 3, np.float32)
    whole = phonenums._glyph_bank()[digit].mean(axis=0).sum()
    inside = phonenums._glyph(digit, np.zeros(2), weights).sum()
    assert inside > 0.99 * whole


def test_the_highest_shift_that_is_allowed_stays_in_the_margin(tmp_path: Path) -> None:
    pages = drawn(tmp_path, replace(PLAIN, translation=15.0))
    assert pages.shape == (20, 48, 10, 32, 3)


def test_fragments_are_the_digits_of_the_page(made: Path) -> None:
    with LabelledFragments(made / "fragments.h5") as file, h5py.File(made / "pages.h5") as source:
        assert file.info.content_names == tuple("0123456789")
        assert file.info.style_names == ("black", "red", "teal", "pink", "gold")
        assert "synthesised" in file.info.source
        assert (file.shape, file.dtype) == ((3, 48, 32), np.uint8)
        assert file.sample_id[7] == "page-000007"
        assert (file.style == source["colour"][:]).all()
        assert (file.content.reshape(-1, 10) == source["digits"][:]).all()
        page = source["pages"][7].transpose(2, 0, 1)
        digits, _ = file.read_samples([7])
        np.testing.assert_array_equal(np.concatenate(list(digits), axis=2), page)


def test_labels_name_what_is_drawn(tmp_path: Path) -> None:
    """The mean image of a digit is nearer to its fragments than that of any other."""
    params = replace(FEW, colours=("black",), pages=40, jitter=0, noise=0.0)
    synthesise(tmp_path / "pages.h5", params, 1)
    write_fragments(tmp_path / "pages.h5", tmp_path / "fragments.h5")
    with LabelledFragments(tmp_path / "fragments.h5") as file:
        images = file.read(np.arange(400)).astype(float).reshape(400, -1)
        means = np.stack([images[file.content == digit].mean(axis=0) for digit in range(10)])
        nearest = ((images[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        np.testing.assert_array_equal(nearest, file.content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unseen_colours": ["ultragreen"]}, "unseen_colours must be CSS colour names, has 'ultra"),
        ({"colours": ["#ff0000"]}, "colours must be CSS colour names, has '#ff0000'"),
        (
            {"colours": ["black", "aqua"], "unseen_colours": ["cyan"]},
            "unseen_colours has 'cyan', the very colour of 'aqua' of colours",
        ),
        (
            {"colours": ["red"], "unseen_colours": ["Red"]},
            "unseen_colours has 'Red', the very colour of 'red' of colours",
        ),
        ({"colours": ["gray", "grey"]}, "colours has 'grey', the very colour of 'gray' of colours"),
        ({"colours": ["red", "red"]}, "colours must name nothing twice"),
        ({"unseen_colours": ["red"]}, "unseen_colours has 'red', the very colour of 'red' of col"),
        ({"unseen_colours": ["fuchsia", "magenta"]}, "unseen_colours has 'magenta', the very"),
        ({"unseen_colours": []}, "unseen_pages must be 0 where unseen_colours is empty, is 13"),
    ],
)
def test_colours_are_known_and_not_the_same_by_another_name(
    changes: dict[str, object], words: str
) -> None:
    raw = {key: list(v) if isinstance(v, tuple) else v for key, v in PAGES.model_dump().items()}
    with pytest.raises(V3Error, match=rf"^phonenums\.pages\.{re.escape(words)}"):
        read(PagesParams, raw | changes, "phonenums.pages")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: os.truncate(path, path.stat().st_size // 2), "is damaged or cut short"),
        (lambda path: path.write_bytes(b""), "is damaged or cut short"),
        (lambda path: path.write_text("no pages"), "is damaged or cut short"),
        (lambda path: path.unlink(), "is missing"),
    ],
)
def test_damaged_pages(made: Path, tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    pages = tmp_path / "pages.h5"
    pages.write_bytes((made / "pages.h5").read_bytes())
    change(pages)
    with pytest.raises(V3Error, match=rf"pages\.h5 {words}.*dvc repro") as caught:
        write_fragments(pages, tmp_path / "fragments.h5")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "fragments.h5").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"pages.h5"}


@pytest.mark.parametrize("name", ["pages", "digits", "colour"])
def test_pages_without_one_of_their_parts(made: Path, tmp_path: Path, name: str) -> None:
    pages = tmp_path / "pages.h5"
    pages.write_bytes((made / "pages.h5").read_bytes())
    with h5py.File(pages, "r+") as file:
        del file[name]
    with pytest.raises(V3Error, match=rf"pages\.h5 is damaged or cut short.*{name}"):
        write_fragments(pages, tmp_path / "fragments.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["pages.h5"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pages", np.zeros((123, 48, 300, 3), np.uint8)),
        ("digits", np.zeros(123, np.int32)),
        ("colour", np.zeros((), np.int32)),
    ],
)
def test_pages_of_another_shape(made: Path, tmp_path: Path, name: str, value: np.ndarray) -> None:
    pages = tmp_path / "pages.h5"
    pages.write_bytes((made / "pages.h5").read_bytes())
    with h5py.File(pages, "r+") as file:
        del file[name]
        file[name] = value
    with pytest.raises(V3Error) as caught:
        write_fragments(pages, tmp_path / "fragments.h5")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "fragments.h5").exists()


def test_another_file_in_place_of_pages(made: Path, tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"fragments\.h5 is no page file"):
        write_fragments(made / "fragments.h5", tmp_path / "fragments.h5")
    assert list(tmp_path.iterdir()) == []
