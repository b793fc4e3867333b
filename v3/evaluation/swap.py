"""Swap: the content of one fragment with the style of another, judged by classifiers.

The judges never see the model: they are trained on real fragments with their labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from v3.base.errors import V3Error
from v3.evaluation.common import Array, labelled, majority_share, one_thread, rare_labels

DIMENSIONS = 64
ROUNDS = 100  # of drawing partners anew


def swap_pairs(
    content: Array, style: Array, swaps: int, seed: int, givers: Array | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows i (M,) that give the content and j (M,) that give the style, M = `swaps` or a few less.

    Partners differ in content and in style, so that neither figure is right by coincidence.
    Fragments without both labels take no part; only the rows `givers`, where there are such, give
    style. `V3Error` if no two fragments differ in both.
    """
    known = np.flatnonzero((content >= 0) & (style >= 0))
    if not len(known):
        raise V3Error("swap: no fragment has both labels, nothing can be measured.")
    givers = known if givers is None else np.intersect1d(known, givers)
    if not len(givers):
        raise V3Error("swap: no fragment that may give its style has both labels.")
    draw = np.random.default_rng(seed)
    i, j = draw.choice(known, swaps), draw.choice(givers, swaps)
    for _ in range(ROUNDS):
        bad = (content[i] == content[j]) | (style[i] == style[j])
        if not bad.any():
            break
        i[bad], j[bad] = draw.choice(known, bad.sum()), draw.choice(givers, bad.sum())
    good = (content[i] != content[j]) & (style[i] != style[j])
    if not good.any():
        raise V3Error("swap: no two fragments differ in content and in style.")
    return i[good], j[good]


def swap_figures(
    train: tuple[Array, Array, Array],
    test: tuple[Array, Array, Array],
    swapped: tuple[Array, Array, Array],
    seed: int = 0,
    style_lesson: tuple[tuple[Array, Array], tuple[Array, Array]] | None = None,
) -> dict[str, Any]:
    """Each part: fragments (N, ...) with content and style labels (N,); -1 is left out.

    train: real, teaches the judges; test: real, tells how good they are
    (content_classifier_accuracy, style_...); swapped: decoded, with the labels that were wanted
    (content_kept, style_taken). chance: share of the most frequent wanted label. The figures of
    one kind are None if no label wanted occurs in training. `style_lesson`: fragments and styles
    that teach the judge of style and that test it, in place of train and test (styles that are
    samples).
    """
    lessons = {
        "content": ((train[0], train[1]), (test[0], test[1])),
        "style": style_lesson or ((train[0], train[2]), (test[0], test[2])),
    }
    figures: dict[str, Any] = {}
    for kind, taken, column in (("content", "content_kept", 1), ("style", "style_taken", 2)):
        learn, ask = lessons[kind]
        y, x = labelled(f"swap, {kind} of training fragments", learn[1], learn[0])
        wanted = np.asarray(swapped[column])
        judged = None
        if np.isin(wanted[wanted >= 0], y).any() and len(np.unique(y)) > 1:
            by_few = kind == "style" and style_lesson is not None
            judge = (train_judge_of_few if by_few else train_judge)(x, y, seed)
            judged = judge_accuracy(judge, swapped[0], wanted)
        figures[taken] = judged
        figures[f"{kind}_chance"] = None if judged is None else majority_share(wanted[wanted >= 0])
        figures[f"{kind}_classifier_accuracy"] = (
            None if judged is None else judge_accuracy(judge, *ask)
        )
    return figures


def train_judge(fragments: Array, labels: Array, seed: int = 0) -> Pipeline:
    """A classifier of real fragments (N, ...): 64 principal components, then an RBF machine."""
    return _fit(fragments, labels, seed, StandardScaler(), SVC(C=10.0))


def train_judge_of_few(fragments: Array, labels: Array, seed: int = 0) -> Pipeline:
    """A classifier for a few fragments (N, ...) of each label: 64 components, then Fisher's linear
    discriminant, which takes off what varies within labels: of styles, the content.

    With fewer than two fragments a label on average it could not tell what that is: as train_judge.
    """
    if len(labels) < 2 * len(np.unique(labels)):
        return train_judge(fragments, labels, seed)
    return _fit(fragments, labels, seed, LinearDiscriminantAnalysis())


def judge_accuracy(judge: Pipeline, fragments: Array, labels: Array) -> float:
    """Share of fragments (N, ...) for which the judge says the label (N,)."""
    labels, fragments = labelled("swap", labels, fragments)
    with one_thread():
        return float((judge.predict(_flat(fragments)) == labels).mean())


def _fit(fragments: Array, labels: Array, seed: int, *steps: Any) -> Pipeline:
    x = _flat(fragments)
    size = min(DIMENSIONS, *x.shape)
    judge = make_pipeline(PCA(size, svd_solver="randomized", random_state=seed), *steps)
    with one_thread(), rare_labels():
        judge.fit(x, labels)
    return judge


def _flat(fragments: Array) -> NDArray[np.float32]:
    return np.asarray(fragments, np.float32).reshape(len(fragments), -1)
