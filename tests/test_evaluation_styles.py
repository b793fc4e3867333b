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
    style_lesson,
)
from v3.evaluation.swap import judge_accuracy, train_judge_of_few


def test_styles_of_training_are_taught_by_it():
    lesson = style_lesson(np.array([0, 1, 2]), np.array([0, 0, 1, 7, -1]), 0)
    assert lesson.by == OTHER_SAMPLES
    assert lesson.learn is None


def test_styles_that_are_samples_teach_themselves():
    test = np.repeat([5, 6, 7, 8], [9, 2, 3, 1])
    lesson = style_lesson(np.arange(5), test, 0)
    assert lesson.by == SAME_SAMPLES
    assert set(lesson.learn.tolist()).isdisjoint(lesson.ask.tolist())
    assert np.bincount(test[lesson.learn], minlength=9)[5:].tolist() == [5, 1, 2, 0]
    assert np.bincount(test[lesson.ask], minlength=9)[5:].tolist() == [4, 1, 1, 0]
    again = style_lesson(np.arange(5), test, 0)
    assert (again.learn == lesson.learn).all()


def test_nobody_can_teach():
    for test in (np.array([5, 6, 7]), np.array([5, 5, 6]), np.array([-1, -1])):
        lesson = style_lesson(np.array([0]), test, 0)
        assert lesson.by == NOBODY
        assert not len(lesson.ask)
        nothing = style_leakage((np.zeros((1, 2)), np.array([0])), (np.zeros((3, 2)), test), lesson)
        assert nothing == {"accuracy": None, "chance": None}
    # a single style that training has is better than none
    assert style_lesson(np.array([5]), np.array([5, 6, 7, 8]), 0).by == OTHER_SAMPLES


def test_judge_of_a_few_fragments_sees_through_the_content():
    """Contents that differ far more than styles do: two of each style teach it."""
    draw = np.random.default_rng(0)
    content, style = draw.normal(size=(9, 40)) * 10, draw.normal(size=(30, 40))
    y, shown = np.repeat(np.arange(30), 9), np.tile(np.arange(9), 30)
    x = content[shown] + style[y] + 0.1 * draw.normal(size=(270, 40))
    learn, ask = divide(y, MOST, 0)
    judge = train_judge_of_few(x[learn], y[learn])
    assert judge_accuracy(judge, x[ask], y[ask]) > 0.95
    wrong = content[shown] + style[(y + 1) % 30]
    assert judge_accuracy(judge, wrong[ask], y[ask]) < 0.1
    single = divide(np.repeat(np.arange(30), 2), MOST, 0)[0]  # one of each: no content to see
    assert train_judge_of_few(x[single], np.arange(30)).predict(x[single]).shape == (30,)


def test_many_styles_are_bounded():
    labels = np.repeat(np.arange(5000), 2)
    learn, ask = divide(labels, MOST, 0)
    assert len(learn) == len(ask) == MOST
    assert set(labels[learn]) == set(labels[ask])
    learn, ask = divide(np.repeat([0, 1], 1000), MOST, 0)
    assert len(learn) == len(ask) == MOST_EACH


def test_style_probe_within_samples():
    """Perfect styles of 40 samples are read, constant ones at chance, duplicated ones by half."""
    draw = np.random.default_rng(0)
    style = np.repeat(np.arange(100, 140), 6)
    train = draw.normal(size=(500, 8)), np.arange(500) % 50
    lesson = style_lesson(train[1], style, 0)
    centres = draw.normal(size=(40, 8)) * 3
    perfect = centres[style - 100] + 0.05 * draw.normal(size=(240, 8))
    got = style_leakage(train, (perfect, style), lesson)
    assert got["accuracy"] > 0.95
    assert got["chance"] == 1 / 40
    duplicated = centres[(style - 100) // 2]
    assert style_leakage(train, (duplicated, style), lesson)["accuracy"] == 0.5
    constant = np.zeros((240, 8))
    assert style_leakage(train, (constant, style), lesson)["accuracy"] == 1 / 40
