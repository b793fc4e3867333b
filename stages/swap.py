"""Decode the content of one fragment with the style of another, both of the test split.

Partners differ in content and in style. The classifiers of content and style are fitted to
originals of the train split; how good they are is measured on originals of the test split. Where
the styles of the test split are in no other sample, the classifier of style is fitted to some
fragments of its samples, and only their others give style (`style_by` says so).
"""

from v3.base.cli import run

import numpy as np

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.common import choose, exemplars, names_of
from v3.evaluation.embedding import Embeddings, embed
from v3.evaluation.left_out import left_out, no_content, no_style
from v3.evaluation.opened import Labelled, Opened, open_model_and_data, stage_paths
from v3.evaluation.params import SwapParams
from v3.evaluation.styles import style_rows
from v3.evaluation.swap import FIGURES, attribute_figures, swap_figures, swap_pairs
from v3.plots.grids import reconstructions, swap_grid

TRAIN, TEST = 3000, 2000  # originals, at most, that classifiers are fitted to and tested on
CONTENTS, STYLES = 12, 12  # of the grid, at most
SAMPLES, LENGTH = 4, 12  # of the reconstructions, at most


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "swap", SwapParams)
    with open_model_and_data(paths) as opened:

        def originals(rows: np.ndarray, most: int) -> Labelled:
            return opened.read_labelled(rows[choose(len(rows), most, params.seed)])

        test = opened.embed("test")
        tested = originals(test.rows, TEST)
        train = originals(opened.file.rows_of(opened.split["train"]), TRAIN)
        chosen = style_rows(train[2], test.style_label, params.seed)
        style_from = within = None
        if chosen.within_samples:
            style_from = chosen.score
            within = (
                originals(test.rows[chosen.fit], TRAIN),
                originals(test.rows[chosen.score], TEST),
            )
        wanting = no_style(test.style_label)
        # A sample has one style, whichever it is: content can be judged where no style has a name.
        differ = test.style_label if wanting is None else test.sample
        i, j = swap_pairs(test.content_label, differ, params.swaps, params.seed, style_from)
        fragments = decode(opened, test.codes[i], test.style_read[j])
        swapped = (fragments, test.content_label[i], test.style_label[j])
        figures = swap_figures(
            train,
            tested,
            swapped,
            params.seed,
            within,
            own=as_decoded(opened, test, np.unique(j)),
            decoded=as_decoded(opened, test, chosen.fit)
            if chosen.within_samples
            else some_decoded(opened, params.seed),
        )
        styles = opened.info.style_names
        attributes = attribute_figures(train, tested, swapped, styles, params.seed)
        about = {"source": opened.info.source, "style_by": chosen.fitted_to}
        figures |= {"attributes": attributes} if attributes else {}
        figures |= left_out(no_content(opened.file, opened.split, "test"), wanting)
        write_json(paths.metrics("swap"), {**about, **figures})
        for kind, names in FIGURES.items():
            if figures[names[0]] is None:
                print(
                    f"{paths.dataset}: {' and '.join(names)} could not be measured, for the part "
                    f"'train' has not two labels of {kind} to teach, or none of those of the part "
                    "'test', so they are null."
                )
        draw_swaps(opened, test)
        draw_reconstructions(opened, test)


def decode(opened: Opened, codes: np.ndarray, style: np.ndarray) -> np.ndarray:
    """Fragments (N, C, H, W) of codes (N,) and styles (N, d_s); there may be none."""
    if not len(codes):
        return np.zeros((0, *opened.file.shape), np.float32)
    return opened.model.decode(codes, style).cpu().numpy()


def as_decoded(opened: Opened, found: Embeddings, rows: np.ndarray) -> Labelled:
    """Fragments `rows` (N,) of the embeddings, decoded from their own code and style, labelled."""
    fragments = decode(opened, found.codes[rows], found.style_read[rows])
    return fragments, found.content_label[rows], found.style_label[rows]


def some_decoded(opened: Opened, seed: int) -> Labelled:
    """Some 3,000 fragments of training samples, decoded from their own code and style."""
    training = opened.split["train"]
    share = min(1.0, TRAIN / len(opened.file.rows_of(training)))
    drawn = choose(len(training), max(2, round(share * len(training))), seed)
    some = embed(opened.model, opened.file, [training[row] for row in drawn])
    return as_decoded(opened, some, np.arange(len(some.rows)))


def draw_swaps(opened: Opened, test: Embeddings) -> None:
    rows = exemplars(test.content_label, test.style_label, CONTENTS)
    columns = exemplars(test.style_label, test.content_label, STYLES)
    codes = np.repeat(test.codes[rows], len(columns))
    swapped = decode(opened, codes, np.tile(test.style_read[columns], (len(rows), 1)))
    info = opened.info
    names = names_of(test.content_label[rows], info.content_names)
    if (test.content_label[rows] < 0).all():
        names = [f"code {code}" for code in test.codes[rows]]
    swap_grid(
        opened.paths.plots("swap") / "swap.png",
        opened.file.read(test.rows[rows]),
        opened.file.read(test.rows[columns]),
        swapped.reshape(len(rows), len(columns), *swapped.shape[1:]),
        (names, opened.styles_of(test, columns)),
        f"{opened.paths.dataset}: contents and styles of the test split swapped",
        info.source,
    )


def draw_reconstructions(opened: Opened, test: Embeddings) -> None:
    samples, starts, lengths = np.unique(test.sample, return_index=True, return_counts=True)
    chosen = np.linspace(0, len(samples) - 1, min(SAMPLES, len(samples))).astype(int)
    length = min(LENGTH, int(lengths[chosen].min()))
    rows = (starts[chosen][:, None] + np.arange(length)).ravel()
    shape = (len(chosen), length, *opened.file.shape)
    reconstructions(
        opened.paths.plots("swap") / "reconstructions.png",
        opened.file.read(test.rows[rows]).reshape(shape),
        decode(opened, test.codes[rows], test.style_read[rows]).reshape(shape),
        f"{opened.paths.dataset}: samples of the test split and their reconstructions",
        opened.info.source,
    )


if __name__ == "__main__":
    run(main)
