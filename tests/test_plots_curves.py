"""Curves, dots and maps are written whole, the same bytes each time, whatever the data."""

import matplotlib
import numpy as np
import pytest
from drawing import COLOURS, SOURCE, check, picture_folder

from v3.plots.curves import few_shot_curve, loss_curves, precision_recall, seed_dots
from v3.plots.maps import confusion_matrix, embedding_maps

HINGES = ("content", "style", "between", "within")
STATISTICS = ("content_fragment", "content_sample", "style_fragment", "style_sample")


@pytest.fixture
def folder(tmp_path):
    return picture_folder(tmp_path)


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
