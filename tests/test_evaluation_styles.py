"""Who teaches a judge of style: other samples, the same samples, or nobody."""

import numpy as np

from v3.evaluation.leakage import style_leakage
from v3.evaluation.styles import (
    MOST,
    MOST_EACH,
    NOBODY,
    OTHER_SAMPLES,
    SAME_SAMPLES,
    divide,
    style_rows,
)
from v3.evaluation.swap import classifier_accuracy, fit_classifier_of_few


def test_styles_of_training_are_taught_by_it():
    chosen = style_rows(np.array([0, 1, 2]), np.array([0, 0, 1, 7, -1]), 0)
    assert chosen.fitted_to == OTHER_SAMPLES
    assert chosen.fit is None


def test_styles_that_are_samples_teach_themselves():
    test = np.repeat([5, 6, 7, 8], [9, 2, 3, 1])
    chosen = style_rows(np.arange(5), test, 0)
    assert chosen.fitted_to == SAME_SAMPLES
    assert set(chosen.fit.tolist()).isdisjoint(chosen.score.tolist())
    assert np.bincount(test[chosen.fit], minlength=9)[5:].tolist() == [5, 1, 2, 0]
    assert np.bincount(test[chosen.score], minlength=9)[5:].tolist() == [4, 1, 1, 0]
    again = style_rows(np.arange(5), test, 0)
    assert (again.fit == chosen.fit).all()


def test_nobody_can_teach():
    for test in (np.array([5, 6, 7]), np.array([5, 5, 6]), np.array([-1, -1])):
        chosen = style_rows(np.array([0]), test, 0)
        assert chosen.fitted_to == NOBODY
        assert not len(chosen.score)
        nothing = style_leakage((np.zeros((1, 2)), np.array([0])), (np.zeros((3, 2)), test), chosen)
        assert nothing == {"accuracy": None, "chance": None}
    # a single style that training has is better than none
    assert style_rows(np.array([5]), np.array([5, 6, 7, 8]), 0).fitted_to == OTHER_SAMPLES


def test_judge_of_a_few_fragments_sees_through_the_content():
    """Contents that differ far more than styles do: two of each style teach it."""
    draw = np.random.default_rng(0)
    content, style = draw.normal(size=(9, 40)) * 10, draw.normal(size=(30, 40))
    y, shown = np.repeat(np.arange(30), 9), np.tile(np.arange(9), 30)
    x = content[shown] + style[y] + 0.1 * draw.normal(size=(270, 40))
    fit, score = divide(y, MOST, 0)
    classifier = fit_classifier_of_few(x[fit], y[fit])
    assert classifier_accuracy(classifier, x[score], y[score]) > 0.95
    wrong = content[shown] + style[(y + 1) % 30]
    assert classifier_accuracy(classifier, wrong[score], y[score]) < 0.1
    single = divide(np.repeat(np.arange(30), 2), MOST, 0)[0]  # one of each: no content to see
    assert fit_classifier_of_few(x[single], np.arange(30)).predict(x[single]).shape == (30,)


def test_many_styles_are_bounded():
    labels = np.repeat(np.arange(5000), 2)
    fit, score = divide(labels, MOST, 0)
    assert len(fit) == len(score) == MOST
    assert set(labels[fit]) == set(labels[score])
    fit, score = divide(np.repeat([0, 1], 1000), MOST, 0)
    assert len(fit) == len(score) == MOST_EACH


def test_style_probe_within_samples():
    """Perfect styles of 40 samples are read, constant ones at chance, duplicated ones by half."""
    draw = np.random.default_rng(0)
    style = np.repeat(np.arange(100, 140), 6)
    train = draw.normal(size=(500, 8)), np.arange(500) % 50
    chosen = style_rows(train[1], style, 0)
    centres = draw.normal(size=(40, 8)) * 3
    perfect = centres[style - 100] + 0.05 * draw.normal(size=(240, 8))
    got = style_leakage(train, (perfect, style), chosen)
    assert got["accuracy"] > 0.95
    assert got["chance"] == 1 / 40
    duplicated = centres[(style - 100) // 2]
    assert style_leakage(train, (duplicated, style), chosen)["accuracy"] == 0.5
    constant = np.zeros((240, 8))
    assert style_leakage(train, (constant, style), chosen)["accuracy"] == 1 / 40
