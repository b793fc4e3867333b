"""Swap: the content of one fragment with the style of another, judged by classifiers.

The classifiers never see the model: they are fitted to original fragments with their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from v3.evaluation.common import Array, labelled, majority_share, one_thread, rare_labels

DIMENSIONS = 64
ROUNDS = 100  # of drawing partners anew
FIGURES = {  # kind of label: its figures, each None where it cannot be measured
    "content": ("content_kept", "content_chance", "content_classifier_accuracy"),
    "style": ("style_taken", "style_chance", "style_classifier_accuracy"),
}
CEILINGS = {"content": "content_ceiling", "style": "style_ceiling"}
Labelled = tuple[Array, Array, Array]  # fragments (N, ...), labels of content and of style (N,)


def swap_pairs(
    content: Array, style: Array, swaps: int, seed: int, style_from: Array | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows i (M,) that give the content and j (M,) that give the style, M = `swaps` or a few less.

    Partners differ in content and in style, so that neither figure is right by coincidence.
    Fragments without both labels take no part; only the rows `style_from`, if given, give style.
    Both are empty if no two fragments differ in both (a corpus of one content or of one style).
    """
    content_from = np.flatnonzero((content >= 0) & (style >= 0))
    style_from = content_from if style_from is None else np.intersect1d(content_from, style_from)
    if not len(content_from) or not len(style_from):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    draw = np.random.default_rng(seed)
    i, j = draw.choice(content_from, swaps), draw.choice(style_from, swaps)
    for _ in range(ROUNDS):
        bad = (content[i] == content[j]) | (style[i] == style[j])
        if not bad.any():
            break
        i[bad], j[bad] = draw.choice(content_from, bad.sum()), draw.choice(style_from, bad.sum())
    good = (content[i] != content[j]) & (style[i] != style[j])
    return i[good], j[good]


def swap_figures(
    train: Labelled,
    test: Labelled,
    swapped: Labelled,
    seed: int = 0,
    within_samples: tuple[Labelled, Labelled] | None = None,
    own: Labelled | None = None,
    decoded: Labelled | None = None,
) -> dict[str, Any]:
    """Each part: fragments (N, ...) with content and style labels (N,); -1 is left out.

    train: originals that the classifiers are fitted to; test: originals that say how good they are
    (content_classifier_accuracy, style_...); swapped: decoded, with the labels that they should
    have (content_kept, style_taken). ..._chance: share of the most frequent of those labels. The
    figures of one kind are None if none of those labels occurs in training, or only one label does.
    `within_samples`: what the classifier of style is fitted to and scored on in place of train and
    test, where a style is a single sample.

    With `own`, fragments decoded with their own style: content_ceiling and style_ceiling, what the
    same classifiers see in those. With `decoded`, as what the classifier of style is fitted to but
    decoded: style_taken_by_decoded, what one that is fitted to these sees in the swapped: whether
    the style is there at all, drawn in whatever way.
    """
    figures: dict[str, Any] = {}
    for column, (kind, names) in enumerate(FIGURES.items(), start=1):
        few = kind == "style" and within_samples is not None
        fit, score = within_samples if few and within_samples else (train, test)
        figures |= dict.fromkeys(names)
        if own is not None:
            figures[CEILINGS[kind]] = None
        if kind == "style" and decoded is not None:
            figures["style_taken_by_decoded"] = None
        expected = np.asarray(swapped[column])
        if not _can_judge(fit[column], expected):
            continue
        fitted = _taught(fit, column, kind, few, seed)
        measured = (
            classifier_accuracy(fitted, swapped[0], expected),
            majority_share(expected[expected >= 0]),
            classifier_accuracy(fitted, score[0], score[column]),
        )
        figures |= dict(zip(names, measured, strict=True))
        if own is not None:
            figures[CEILINGS[kind]] = classifier_accuracy(fitted, own[0], own[column])
        if kind == "style" and decoded is not None:
            again = _taught(decoded, column, kind, few, seed)
            figures["style_taken_by_decoded"] = classifier_accuracy(again, swapped[0], expected)
    return figures


def attribute_figures(
    train: Labelled, test: Labelled, swapped: Labelled, names: Sequence[str], seed: int = 0
) -> dict[str, dict[str, float]]:
    """As `style_taken`, for every attribute that the styles' `names` (as "body 1, hair 2") list.

    Parts as for `swap_figures`. Of each attribute whose swapped values occur in training: `taken`,
    `chance` and `classifier_accuracy`. Nothing if the names list no attributes.
    """
    found = {}
    for attribute, value in attributes_of(names).items():
        fit, score, expected = (
            np.where(part[2] >= 0, value[part[2]], -1) for part in (train, test, swapped)
        )
        if not np.isin(expected[expected >= 0], fit).all() or not _can_judge(fit, expected):
            continue
        labels, fragments = labelled(f"swap, {attribute} of fragments", fit, train[0])
        judge = fit_classifier(fragments, labels, seed)
        found[attribute] = {
            "taken": classifier_accuracy(judge, swapped[0], expected),
            "chance": majority_share(expected[expected >= 0]),
            "classifier_accuracy": classifier_accuracy(judge, test[0], score),
        }
    return found


def attributes_of(names: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Of styles named by the same attributes, as "body 1, hair 2": the values (S,) of each as
    numbers from 0 on; nothing if they are not."""
    split = [[part.rpartition(" ")[::2] for part in name.split(", ")] for name in names]
    keys = [tuple(key for key, _ in parts) for parts in split]
    if len(set(keys)) != 1 or len(keys[0]) < 2 or not all(keys[0]):
        return {}
    columns = zip(*[[value for _, value in parts] for parts in split], strict=True)
    return {
        key: np.unique(np.array(column), return_inverse=True)[1].astype(np.int64)
        for key, column in zip(keys[0], columns, strict=True)
    }


def _can_judge(fit: Array, expected: Array) -> bool:
    """Whether labels (N,) of two kinds or more hold any of those that are expected (M,)."""
    known = np.unique(np.asarray(fit)[np.asarray(fit) >= 0])
    return len(known) > 1 and bool(np.isin(expected[expected >= 0], known).any())


def _taught(part: Labelled, column: int, kind: str, few: bool, seed: int) -> Pipeline:
    labels, fragments = labelled(f"swap, {kind} of fragments", part[column], part[0])
    return (fit_classifier_of_few if few else fit_classifier)(fragments, labels, seed)


def fit_classifier(fragments: Array, labels: Array, seed: int = 0) -> Pipeline:
    """A classifier of fragments (N, ...): 64 principal components, then an RBF machine."""
    return _fit(fragments, labels, seed, StandardScaler(), SVC(C=10.0))


def fit_classifier_of_few(fragments: Array, labels: Array, seed: int = 0) -> Pipeline:
    """A classifier for a few fragments (N, ...) of each label: 64 components, then Fisher's linear
    discriminant, which takes off what varies within labels: of styles, the content.

    With fewer than two fragments a label on average it could not tell what that is: as
    `fit_classifier`.
    """
    if len(labels) < 2 * len(np.unique(labels)):
        return fit_classifier(fragments, labels, seed)
    return _fit(fragments, labels, seed, LinearDiscriminantAnalysis())


def classifier_accuracy(classifier: Pipeline, fragments: Array, labels: Array) -> float:
    """Share of fragments (N, ...) for which the classifier says the label (N,)."""
    labels, fragments = labelled("swap", labels, fragments)
    with one_thread():
        return float((classifier.predict(_flat(fragments)) == labels).mean())


def _fit(fragments: Array, labels: Array, seed: int, *steps: Any) -> Pipeline:
    x = _flat(fragments)
    size = min(DIMENSIONS, *x.shape)
    classifier = make_pipeline(PCA(size, svd_solver="randomized", random_state=seed), *steps)
    with one_thread(), rare_labels():
        classifier.fit(x, labels)
    return classifier


def _flat(fragments: Array) -> NDArray[np.float32]:
    return np.asarray(fragments, np.float32).reshape(len(fragments), -1)
