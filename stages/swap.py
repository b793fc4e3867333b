"""Decode the content of one fragment with the style of another, both of the test split.

Partners differ in content and in style. The judges of content and style learn on real fragments
of the train split; how good they are is measured on real fragments of the test split. Where the
styles of the test split are in no other sample, the judge of style learns on some fragments of its
samples, and only their others give style (`style_by` says so).
"""

import numpy as np

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.common import choose, exemplars
from v3.evaluation.embedding import Embeddings
from v3.evaluation.opened import Evaluated, evaluated, stage_paths
from v3.evaluation.styles import SAME_SAMPLES, Lesson, style_lesson
from v3.evaluation.swap import swap_figures, swap_pairs
from v3.fragments.labels import LabelledFragments
from v3.params import load_params
from v3.plots.grids import reconstructions, swap_grid

TRAIN, TEST = 3000, 2000  # real fragments, at most, that judges learn from and are tested on
CONTENTS, STYLES = 12, 12  # of the grid, at most
SAMPLES, LENGTH = 4, 12  # of the reconstructions, at most


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_params().dataset(paths.dataset).swap
    with evaluated(paths) as it:
        test = it.embed("test")
        train = real(it.file, it.file.rows_of(it.split["train"]), TRAIN, params.seed)
        lesson = style_lesson(train[2], test.style, params.seed)
        givers = lesson.ask if lesson.by == SAME_SAMPLES else None
        i, j = swap_pairs(test.content, test.style, params.swaps, params.seed, givers)
        swapped = it.model.decode(test.codes[i], test.z_s_pooled[j]).numpy()
        figures = swap_figures(
            train,
            real(it.file, test.rows, TEST, params.seed),
            (swapped, test.content[i], test.style[j]),
            params.seed,
            style_fragments(it, test, lesson, params.seed),
        )
        about = {"source": it.info.source, "style_by": lesson.by}
        write_json(paths.metrics("swap"), {**about, **figures})
        draw_swaps(it, test)
        draw_reconstructions(it, test)


def real(
    file: LabelledFragments, rows: np.ndarray, most: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some of the fragments of `rows`, with their labels of content and style."""
    chosen = rows[choose(len(rows), most, seed)]
    return file.read(chosen), file.content[chosen], file.style[file.sample[chosen]]


def style_fragments(
    it: Evaluated, test: Embeddings, lesson: Lesson, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
    """Fragments and styles that teach and test the judge of style, where not those of all do."""
    if lesson.learn is None or lesson.by != SAME_SAMPLES:
        return None
    learn = real(it.file, test.rows[lesson.learn], TRAIN, seed)
    ask = real(it.file, test.rows[lesson.ask], TEST, seed)
    return (learn[0], learn[2]), (ask[0], ask[2])


def draw_swaps(it: Evaluated, test: Embeddings) -> None:
    rows = exemplars(test.content, test.style, CONTENTS)
    columns = exemplars(test.style, test.content, STYLES)
    codes = np.repeat(test.codes[rows], len(columns))
    swapped = it.model.decode(codes, np.tile(test.z_s_pooled[columns], (len(rows), 1))).numpy()
    info = it.info
    swap_grid(
        it.paths.plots("swap") / "swap.png",
        it.file.read(test.rows[rows]),
        it.file.read(test.rows[columns]),
        swapped.reshape(len(rows), len(columns), *swapped.shape[1:]),
        (
            [info.content_names[label] for label in test.content[rows]],
            [info.style_names[label] for label in test.style[columns]],
        ),
        f"{it.paths.dataset}: contents and styles of the test split swapped",
        info.source,
    )


def draw_reconstructions(it: Evaluated, test: Embeddings) -> None:
    samples, starts, lengths = np.unique(test.sample, return_index=True, return_counts=True)
    chosen = np.linspace(0, len(samples) - 1, min(SAMPLES, len(samples))).astype(int)
    length = min(LENGTH, int(lengths[chosen].min()))
    rows = (starts[chosen][:, None] + np.arange(length)).ravel()
    shape = (len(chosen), length, *it.file.shape)
    reconstructions(
        it.paths.plots("swap") / "reconstructions.png",
        it.file.read(test.rows[rows]).reshape(shape),
        it.model.decode(test.codes[rows], test.z_s_pooled[rows]).numpy().reshape(shape),
        f"{it.paths.dataset}: samples of the test split and their reconstructions",
        it.info.source,
    )


if __name__ == "__main__":
    run(main)
