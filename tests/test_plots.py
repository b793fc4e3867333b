"""Every picture is written whole, the same bytes each time, for pictures and for spectrograms."""

import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from v3.plots.curves import few_shot_curve, loss_curves, precision_recall, seed_dots
from v3.plots.grids import (
    ZOOM,
    as_image,
    code_grid,
    contact_sheet,
    fragment_grid,
    limits,
    reconstructions,
    swap_grid,
)
from v3.plots.maps import confusion_matrix, embedding_maps
from v3.plots.names import folded, in_lines, printable, short

SOURCE = "synthetic arrays of the tests"
INKS = np.array([[8, 8, 8], [8, 8, 248], [8, 128, 8], [248, 8, 8], [8, 128, 128]])
COLOURS = ["black", "blue", "green", "red", "teal"]
HINGES = ("content", "style", "between", "within")
STATISTICS = ("content_fragment", "content_sample", "style_fragment", "style_sample")


@pytest.fixture
def folder(tmp_path):
    """Where the pictures go; V3_TEST_PLOTS names a folder to keep them in and look at."""
    return Path(os.environ.get("V3_TEST_PLOTS", tmp_path))


def bars(content, style):
    """A picture (3, 48, 32): content says where the bar is, style its colour."""
    x = np.full((3, 48, 32), 245.0)
    x[:, 4 + 4 * content : 10 + 4 * content, 4:28] = INKS[style][:, None, None]
    return x


def note(content, style):
    """A spectrogram (1, 512, 32): content is the pitch, style the number of partials."""
    x = np.full((1, 512, 32), -11.0)
    for partial in range(1, style + 3):
        x[:, (20 + 3 * content) * partial, :] = 4 - partial * np.linspace(1, 2, 32)
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


def test_loss_curves(folder):
    rows = []
    for step in range(20, 1800, 20):
        fall = np.exp(-step / 300)
        row = {"step": float(step), "loss/total": 1.5 * fall + 0.01, "loss/reconstruction": fall}
        row |= {f"loss/{name}": max(0, fall - 0.1 * k) for k, name in enumerate(HINGES)}
        row |= {"loss/commitment": 0.3 * fall + 0.002, "loss/decorrelation": 0.2}
        row |= {f"variability/{name}": 1 + k * (1 - fall) for k, name in enumerate(STATISTICS)}
        row |= {"codes/perplexity": 10 - 5 * fall, "codes/active": 10.0, "codes/replaced": 0.0}
        if step % 100 == 0:
            row |= {"validation/error": fall + 0.02, "validation/perplexity": 10 - 4 * fall}
        rows.append(row)
    check(folder / "loss.png", lambda p: loss_curves(p, rows, "phonenums: training", SOURCE))


def test_precision_recall(folder):
    recall = np.linspace(0.01, 0.97, 20)
    good = {"recall": recall, "precision": 1 - 0.1 * recall**4, "pr_auc": 0.95, "chance": 0.1}
    bad = {"recall": recall / 9, "precision": 0.1 + 0 * recall, "pr_auc": 0.01, "chance": 0.1}
    panels = {"content": {"z_c": good, "z_s": bad}, "style": {"z_s": good, "z_c": bad}}
    check(
        folder / "precision_recall.png",
        lambda p: precision_recall(p, panels, "phonenums: retrieval on test", SOURCE),
    )


def test_few_shot_curve(folder):
    mean = {0: 0.86, 1: 0.9, 5: 0.94, 10: 0.96}
    styles = {c: {n: v - 0.03 * k for n, v in mean.items()} for k, c in enumerate(COLOURS)}
    check(
        folder / "few_shot.png",
        lambda p: few_shot_curve(p, mean, styles, 0.1, 0.998, "phonenums: unseen", SOURCE),
    )


def test_seed_dots(folder):
    draw = np.random.default_rng(0)
    values = {
        name: {str(seed): float(value) for seed, value in enumerate(draw.uniform(0.8, 1, 5))}
        for name in ("one_to_one", "purity", "zero_shot")
    }
    values["leakage"] = {str(seed): 0.1 + 0.005 * seed for seed in range(5)}
    targets = {"one_to_one": 0.99, "leakage": 0.15}
    check(
        folder / "seeds.png",
        lambda p: seed_dots(p, values, "phonenums: five seeds", SOURCE, targets),
    )


def test_embedding_maps(folder):
    draw = np.random.default_rng(0)
    content, style = draw.integers(-1, 10, 800), draw.integers(0, 5, 800)
    z_c = draw.normal(size=(800, 2)) + 12 * draw.normal(size=(11, 2))[content]
    z_s = draw.normal(size=(800, 2)) + 12 * draw.normal(size=(5, 2))[style]
    labels = [("content", content, list("0123456789")), ("style", style, COLOURS)]
    check(
        folder / "tsne.png",
        lambda p: embedding_maps(
            p, [("z_c", z_c), ("z_s", z_s)], labels, z_c[:10], "phonenums: t-SNE", SOURCE
        ),
    )


def test_embedding_maps_of_very_many_styles(folder):
    """A thousand images, each a style of its own: colours that repeat, and no legend."""
    draw = np.random.default_rng(0)
    content, style = draw.integers(0, 39, 1000), draw.integers(0, 700, 1000)
    points = draw.normal(size=(1000, 2)) + 12 * draw.normal(size=(39, 2))[content]
    names = [f"extra/a long name of image {row}.png" for row in range(700)]
    labels = [("content", content, [f"ph{k}" for k in range(39)]), ("style", style, names)]
    check(
        folder / "tsne_many.png",
        lambda p: embedding_maps(
            p, [("z_c", points), ("z_s", points)], labels, points[:80], "images: t-SNE", SOURCE
        ),
    )


@pytest.mark.parametrize(("atoms", "classes"), [(12, 10), (40, 30), (80, 30)])
def test_confusion_matrix(folder, atoms, classes):
    counts = np.random.default_rng(0).poisson(0.3, (atoms, classes))
    counts[np.arange(atoms), np.arange(atoms) % classes] += 40
    counts[3] = 0
    names = [str(k) for k in range(10)] if classes == 10 else [f"ph{k:02d}" for k in range(30)]
    order = np.argsort(np.arange(atoms) % classes, kind="stable")
    check(
        folder / f"confusion_{atoms}.png",
        lambda p: confusion_matrix(p, counts, order, names, "phonenums: codes", SOURCE),
    )


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


def test_few_shot_without_adaptation(folder):
    """`few_shot: []`: zero-shot alone, which has no line but a dot."""
    check(
        folder / "zero_shot.png",
        lambda p: few_shot_curve(p, {0: 0.5}, {"a": {0: 0.5}}, 0.1, 0.9, "bars: unseen", SOURCE),
    )


def test_retrieval_with_nothing_to_find(folder):
    nothing = {"recall": [], "precision": [], "pr_auc": None, "chance": None}
    panels = {"style": {"z_s": nothing, "z_c": nothing}}
    check(folder / "nothing.png", lambda p: precision_recall(p, panels, "bars: retrieval", SOURCE))


NAMES = [
    "$$",
    "$a_b$ $",
    "_a",
    "",
    " ",
    "a\nb",
    "\x00",
    "\ud800",
    "\u202ea",
    "\u65e5" * 9,
    "n" * 200,
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("error")
def test_names_are_drawn_as_they_are(folder, name):
    """Without an error or a warning, wherever names, titles and sources stand."""
    path = folder / "named.png"
    images, two = grid(bars, range(2), range(2)), [name, "other"]
    fragment_grid(path, images, two, two, name, name)
    swap_grid(path, images[0], images[1], images, (two, two), name, name)
    code_grid(path, images, images[0], (two, two), name, name)
    contact_sheet(path, images[0], two, name, name)
    labels, points = np.array([0, 1, 0, 1]), np.arange(8.0).reshape(4, 2)
    embedding_maps(path, [("z_c", points)], [("content", labels, two)], points[:1], name, name)
    confusion_matrix(path, np.eye(2, dtype=int), np.arange(2), two, name, name)
    few_shot_curve(path, {0: 0.5}, {name: {0: 0.5}}, 0.1, 0.9, name, name)
    seed_dots(path, {"purity": {"0": 0.5}}, name, name)
    loss_curves(path, [{"step": 1.0, "loss/total": 0.5}], name, name)
    curve = {"recall": [0, 1], "precision": [1, 1], "pr_auc": 1.0, "chance": 0.1}
    precision_recall(path, {"content": {"z_c": curve}}, name, name)


def test_legends_name_everything(folder, monkeypatch):
    """A leading underscore or an empty name takes nobody out of the legend."""
    shown = []
    monkeypatch.setattr("v3.plots.curves.save", lambda figure, _: shown.append(figure))
    styles = {"_a": {0: 0.1}, "": {0: 0.2}, "$b$": {0: 0.3}}
    few_shot_curve(folder / "x.png", {0: 0.2}, styles, 0.1, 0.9, "bars", SOURCE)
    texts = [text.get_text() for text in shown[0].axes[0].get_legend().get_texts()]
    assert texts == ["_a", "''", "$b$", "all unseen styles", "styles of training", "chance"]


def test_no_file_of_the_users_changes_a_picture(folder):
    """Settings that a matplotlibrc may have: mathematics by TeX, sizes, colours."""
    path = folder / "settings.png"
    rows = [{"step": float(k), "loss/total": 2.0**-k, "codes/active": 3.0} for k in range(1, 9)]
    loss_curves(path, rows, "bars: training", SOURCE)
    before = path.read_bytes()
    theirs = {
        "text.usetex": True,
        "font.size": 20,
        "savefig.dpi": 30,
        "savefig.bbox": "tight",
        "axes.facecolor": "black",
    }
    with matplotlib.rc_context(theirs):
        loss_curves(path, rows, "bars: training", SOURCE)
        assert matplotlib.rcParams["font.size"] == 20  # and theirs are let be
    assert path.read_bytes() == before


def test_printable():
    assert printable("Ann \u05d0 $x$ _1") == "Ann \u05d0 $x$ _1"
    assert printable("a\nb\x00") == "a\\nb\\x00"
    assert printable("\u65e5\ud800\u202e") == r"\u65e5\ud800\u202e"
    assert (printable(""), printable("  ")) == ("''", "'  '")
    assert len({printable(name) for name in NAMES}) == len(NAMES)
    assert folded("a " * 300, 20, 3).count("\n") == 2
    assert folded("a" * 300, 20, 3).count("\n") <= 2


def test_names_in_lines():
    assert in_lines("trumpet") == "trumpet"
    assert in_lines("body 0, bottom 1, top 2, hair 3") == "body 0, bottom 1,\ntop 2, hair 3"
    assert in_lines("train/a very long name of an image 12345.png").endswith("2345.png")
    assert "\n" not in in_lines("train/a very long name of an image 12345.png")


def test_short():
    assert short("trumpet") == "trumpet"
    cut = short("train/number 00012345.png")
    assert len(cut) <= 16
    assert cut.startswith("train/")
    assert cut.endswith("2345.png")


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
    assert limits(np.zeros(1, np.uint8)) == (0, 255)
    low, high = limits(np.linspace(-11, 3, 1000).astype(np.float16))
    assert low == pytest.approx(-10.86, abs=0.02)
    assert high == pytest.approx(2.99, abs=0.02)
