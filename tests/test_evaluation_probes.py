"""Leakage, swap and t-SNE on perfect, constant, duplicated and empty input."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from v3.base.errors import V3Error
from v3.evaluation.common import choose, exemplars, names_of
from v3.evaluation.leakage import leakage, probe_accuracy, whitening
from v3.evaluation.swap import (
    attribute_figures,
    attributes_of,
    classifier_accuracy,
    fit_classifier,
    swap_figures,
    swap_pairs,
)
from v3.evaluation.tsne import tsne_map

FONT = Path(__file__).parents[1] / "v3" / "corpora" / "assets"
COLOURS = np.array([[8, 8, 8], [8, 8, 248], [8, 128, 8], [248, 8, 8], [8, 128, 128], [128, 8, 128]])
Y = np.tile(np.arange(4), 100)


# Leakage


def test_perfect_embeddings_leak_everything():
    got = leakage(np.eye(4)[Y], Y, np.eye(4)[Y[::-1]], Y[::-1])
    assert got == {"accuracy": 1.0, "chance": 0.25}


def test_constant_embeddings_leak_nothing():
    """The probe says the most frequent training label, whatever that is in the test part."""
    train, test = np.array([0, 0, 1]), np.array([0, 1, 1, 1])
    got = leakage(np.full((3, 2), 0.1, np.float32), train, np.full((4, 2), 0.1, np.float32), test)
    assert got == {"accuracy": 0.25, "chance": 0.75}


def test_duplicated_embeddings():
    """Labels 0 and 1 on one point, 2 and 3 on another, 2 and 0 more often: half right."""
    train = np.concatenate([Y, np.tile([0, 2], 50)])
    got = leakage((train > 1)[:, None] * 1.0, train, (Y > 1)[:, None] * 1.0, Y)
    assert got == {"accuracy": 0.5, "chance": 0.25}


def test_empty_and_unlabelled_probes():
    for train, test in (([], [0]), ([0], [-1]), ([-1], [-1]), ([0, 1], [2])):
        labels = np.array(train, int), np.array(test)
        got = leakage(np.zeros((len(train), 2)), labels[0], np.zeros((1, 2)), labels[1])
        assert got == {"accuracy": None, "chance": None}
    with pytest.raises(V3Error, match="one length"):
        leakage(np.zeros((1, 2)), np.array([0, 0]), np.zeros((1, 2)), np.array([0]))


def test_noise_leaks_nothing():
    draw = np.random.default_rng(0)
    train, test = draw.normal(size=(400, 8)), draw.normal(size=(2000, 8))
    assert probe_accuracy(train, Y, test, np.tile(Y, 5)) == pytest.approx(0.25, abs=0.04)


def test_small_amplitude_is_read():
    """Content a ten-thousandth as large as what surrounds it, in float32: whitening finds it."""
    draw = np.random.default_rng(0)

    def embeddings(labels):
        z = draw.normal(size=(len(labels), 6))
        z[:, 0] = 1e-4 * (labels + 0.1 * draw.normal(size=len(labels)))
        return z.astype(np.float32)

    assert probe_accuracy(embeddings(Y), Y, embeddings(Y), Y) > 0.95


def test_whitening_of_too_few_directions():
    """Dimensions that repeat others or stand still are dropped; the rest has unit covariance."""
    draw = np.random.default_rng(1)
    base = draw.normal(size=(50, 3)) * [1, 10, 1e-3]
    z = np.concatenate([base, base @ draw.normal(size=(3, 4)), np.full((50, 1), 7.0)], axis=1)
    mean, whiten = whitening(z)
    assert whiten.shape == (8, 3)
    np.testing.assert_allclose(np.cov(((z - mean) @ whiten).T, bias=True), np.eye(3), atol=1e-6)
    assert whitening(z[:1])[1].shape == (8, 0)
    assert whitening(draw.normal(size=(3, 8)))[1].shape[1] <= 3


def test_probe_is_deterministic():
    draw = np.random.default_rng(2)
    z = draw.normal(size=(400, 20)).astype(np.float32)
    z[:, 0] += Y
    assert probe_accuracy(z, Y, z, Y) == probe_accuracy(z, Y, z, Y)


# Swap


@pytest.fixture(scope="module")
def digits():
    """Coloured digits 32 x 48, moved about, blurred by the size and noisy, like real fragments."""
    draw = np.random.default_rng(0)
    files = sorted(FONT.glob("*.ttf")) + sorted(FONT.glob("*.otf"))
    font = ImageFont.truetype(str(files[0]), 40) if files else ImageFont.load_default(40)
    content, style = draw.integers(0, 10, 3000), draw.integers(0, len(COLOURS), 3000)
    x = np.empty((3000, 3, 48, 32), np.uint8)
    for i in range(len(x)):
        page = Image.new("L", (128, 192), 0)
        where = (64 + draw.uniform(-8, 8), 96 + draw.uniform(-8, 8))
        big = font.font_variant(size=160)
        ImageDraw.Draw(page).text(where, str(content[i]), 255, big, anchor="mm")
        ink = np.asarray(page.resize((32, 48), Image.Resampling.BOX)) / 255
        colour = COLOURS[style[i]] + draw.integers(-4, 5, 3)
        image = 245 + ink * (colour[:, None, None] - 245.0)
        x[i] = np.clip(image + draw.normal(0, draw.uniform(0, 10), image.shape), 0, 255)
    return x, content, style


def test_classifiers_know_real_digits(digits):
    x, content, style = digits
    for labels in (content, style):
        classifier = fit_classifier(x[:2000], labels[:2000])
        assert classifier_accuracy(classifier, x[2000:], labels[2000:]) > 0.98


def test_swap_perfect_and_nothing_swapped(digits):
    x, content, style = digits
    train, test = (x[:1200], content[:1200], style[:1200]), (x[2000:], content[2000:], style[2000:])
    perfect = swap_figures(train, test, test)
    assert perfect["content_kept"] == perfect["content_classifier_accuracy"] > 0.96
    assert perfect["style_taken"] == perfect["style_classifier_accuracy"] > 0.96
    assert perfect["content_chance"] == pytest.approx(0.1, abs=0.04)
    i, j = swap_pairs(*test[1:], 500, 0)
    unswapped = swap_figures(train, test, (test[0][i], test[1][i], test[2][j]))
    assert unswapped["content_kept"] > 0.96
    assert unswapped["style_taken"] < 0.02
    constant = np.broadcast_to(x[:1], (60, *x.shape[1:]))
    tens, sixes = np.tile(np.arange(10), 6), np.tile(np.arange(6), 10)
    got = swap_figures(train, test, (constant, tens, sixes))
    assert got["content_kept"] == got["content_chance"] == 0.1
    assert got["style_taken"] == got["style_chance"] == pytest.approx(1 / 6)


def test_swap_where_every_sample_is_a_style(digits):
    """No label of style occurs in training: its figures are not there, content's are."""
    x, content, _ = digits
    train = (x[:300], content[:300], np.arange(300))
    test = (x[300:400], content[300:400], np.arange(300, 400))
    got = swap_figures(train, test, test)
    assert got["content_kept"] > 0.8
    assert got["style_taken"] is got["style_chance"] is got["style_classifier_accuracy"] is None


def test_swap_pairs_differ_in_both():
    draw = np.random.default_rng(0)
    content, style = draw.integers(-1, 4, 200), draw.integers(-1, 3, 200)
    i, j = swap_pairs(content, style, 1000, 7)
    assert len(i) == len(j) == 1000
    assert (content[i] != content[j]).all()
    assert (style[i] != style[j]).all()
    assert min(content[i].min(), content[j].min(), style[i].min(), style[j].min()) >= 0
    again = swap_pairs(content, style, 1000, 7)
    assert (again[0] == i).all()
    assert (again[1] == j).all()


def test_swap_pairs_that_do_not_exist():
    """One style, one content, no fragment with both labels: no pairs, and figures that say so."""
    for content, style in (([0, 1, 2], [0, 0, 0]), ([4, 4], [0, 1]), ([0, -1], [-1, 0])):
        i, j = swap_pairs(np.array(content), np.array(style), 10, 0)
        assert len(i) == len(j) == 0
    part = np.ones((4, 3)), np.array([0, 1, 0, 1]), np.zeros(4, int)
    got = swap_figures(part, part, (np.zeros((0, 3)), np.zeros(0, int), np.zeros(0, int)))
    assert set(got.values()) == {None}
    assert list(got) == [
        *("content_kept", "content_chance", "content_classifier_accuracy"),
        *("style_taken", "style_chance", "style_classifier_accuracy"),
    ]


def test_no_fragment_to_classify():
    with pytest.raises(V3Error, match="no fragment has a label"):
        classifier_accuracy(None, np.zeros((0, 3)), np.zeros(0, int))


# t-SNE


def test_tsne_keeps_neighbours_and_repeats_itself():
    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    points = 20 * np.eye(5)[labels] + draw.normal(size=(90, 5))
    at = tsne_map(points, seed=0, perplexity=10)
    assert at.shape == (90, 2)
    centres = np.array([at[labels == label].mean(0) for label in range(3)])
    nearest = np.linalg.norm(at[:, None] - centres, axis=-1).argmin(1)
    assert (nearest == labels).all()
    assert (tsne_map(points, seed=0, perplexity=10) == at).all()


def test_tsne_constant_duplicated_and_few():
    assert (tsne_map(np.full((9, 3), 0.1), 0) == 0).all()
    duplicated = np.repeat(np.eye(3), 4, axis=0)
    assert np.isfinite(tsne_map(duplicated, 0, perplexity=30)).all()


@pytest.mark.parametrize("dimensions", [1, 2, 60])
@pytest.mark.parametrize("points", [1, 2, 3, 4, 5, 40])
def test_tsne_of_few_points_and_dimensions(points, dimensions):
    """Whatever there is has a place, and the same one again; what is apart stays apart."""
    x = np.random.default_rng(0).normal(size=(points, dimensions))
    at = tsne_map(x, 0)
    assert at.shape == (points, 2)
    assert np.isfinite(at).all()
    assert (tsne_map(x, 0) == at).all()
    assert len(np.unique(at, axis=0)) == points


def test_tsne_of_a_line_keeps_neighbours():
    """style_dim 1: two clouds on a line are two clouds on the map."""
    x = np.concatenate([np.linspace(0, 1, 40), np.linspace(9, 10, 40)])[:, None]
    at = tsne_map(x, 0, perplexity=10)
    one, other = at[:40], at[40:]
    apart = np.linalg.norm(one[:, None] - other, axis=-1).min(1)
    beside = np.sort(np.linalg.norm(one[:, None] - one, axis=-1), axis=1)[:, 1]
    assert (beside < apart).all()


def test_choose():
    rows = choose(100, 10, 0)
    assert len(set(rows)) == 10
    assert (np.diff(rows) > 0).all()
    assert choose(5, 10, 0).tolist() == [0, 1, 2, 3, 4]


def test_exemplars():
    """The first fragment of each label, of styles that change where they can; -1 has none."""
    content, style = np.array([0, 0, 1, 1, 2, -1]), np.array([0, 1, 0, 1, 0, 1])
    assert exemplars(content, style, 9).tolist() == [0, 3, 4]
    assert exemplars(content, style, 2).tolist() == [0, 4]  # spread over the labels
    assert exemplars(np.full(5, -1), np.zeros(5, int), 2).tolist() == [0, 4]  # of no label


def test_names_of_labels():
    assert names_of(np.array([1, -1]), ["a", "b"]) == ["b", "unknown"]


def test_own_style_is_the_ceiling_and_a_judge_of_decodes_hears_what_is_there(digits):
    """A decoder that draws every colour at half strength: the judge of originals is at a loss with
    swaps as with reconstructions, one that is taught on decodes is not."""
    x, content, style = digits
    train, test = (x[:1200], content[:1200], style[:1200]), (x[2000:], content[2000:], style[2000:])
    pale = [(147 + part[0].astype(np.float32) * 0.4, *part[1:]) for part in (train, test)]
    got = swap_figures(train, test, pale[1], own=pale[1], decoded=pale[0])
    assert got["style_ceiling"] == got["style_taken"] < 0.7
    assert got["content_ceiling"] == got["content_kept"]
    assert got["style_taken_by_decoded"] > 0.96


def test_attributes_of_a_style_are_judged_one_by_one(digits):
    """Styles named by ink and paper; the swaps have the right ink, and any paper."""
    x, content, style = digits
    names = [f"ink {style}, paper {style % 2}" for style in range(6)]
    train, test = (x[:1200], content[:1200], style[:1200]), (x[2000:], content[2000:], style[2000:])
    right = attribute_figures(train, test, test, names)
    assert set(right) == {"ink", "paper"}
    assert right["ink"]["taken"] == right["ink"]["classifier_accuracy"] > 0.96
    turned = (test[0], test[1], (test[2] + 1) % 6)
    wrong = attribute_figures(train, test, turned, names)
    assert wrong["ink"]["taken"] < 0.03
    assert attribute_figures(train, test, test, ["red", "blue", "a", "b", "c", "d"]) == {}


def test_attributes_are_read_from_names():
    found = attributes_of(["body 1, hair long", "body 3, hair short", "body 1, hair short"])
    assert found["body"].tolist() == [0, 1, 0]
    assert found["hair"].tolist() == [0, 1, 1]
    assert attributes_of(["red", "blue"]) == {}
    assert attributes_of(["body 1, hair 2", "body 1"]) == {}
    assert attributes_of(["a, b", "c, d"]) == {}
