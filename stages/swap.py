"""Decode the content of one fragment with the style of another, both of the test split.

Partners differ in content and in style. The judges of content and style learn on real fragments
of the train split; how good they are is measured on real fragments of the test split.
"""

import numpy as np

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import Embeddings, embed
from v3.evaluation.common import choose, exemplars, sample_means
from v3.evaluation.swap import swap_figures, swap_pairs
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.params import load_params
from v3.plots.grids import reconstructions, swap_grid
from v3.splits import read_split

TRAIN, TEST = 3000, 2000  # real fragments, at most, that judges learn from and are tested on
CONTENTS, STYLES = 12, 12  # of the grid, at most
SAMPLES, LENGTH = 4, 12  # of the reconstructions, at most


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    params = load_params().dataset(args.dataset).swap
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        test = embed(model, file, split["test"])
        styles = (
            sample_means(test.z_s, test.sample) if model.style.pooling == "sample" else test.z_s
        )
        i, j = swap_pairs(test.content, test.style, params.swaps, params.seed)
        figures = swap_figures(
            real(file, file.rows_of(split["train"]), TRAIN, params.seed),
            real(file, test.rows, TEST, params.seed),
            (model.decode(test.codes[i], styles[j]).numpy(), test.content[i], test.style[j]),
            params.seed,
        )
        write_json(paths.metrics("swap"), {"source": file.info.source, **figures})
        draw_swaps(paths, model, file, test, styles)
        draw_reconstructions(paths, model, file, test, styles)


def real(
    file: FragmentFile, rows: np.ndarray, most: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some of the fragments of `rows`, with their labels of content and style."""
    chosen = rows[choose(len(rows), most, seed)]
    return file.read(chosen), file.content[chosen], file.style[file.sample[chosen]]


def draw_swaps(
    paths: StagePaths, model: V3, file: FragmentFile, test: Embeddings, styles: np.ndarray
) -> None:
    rows = exemplars(test.content, test.style, CONTENTS)
    columns = exemplars(test.style, test.content, STYLES)
    codes = np.repeat(test.codes[rows], len(columns))
    swapped = model.decode(codes, np.tile(styles[columns], (len(rows), 1))).numpy()
    info = file.info
    swap_grid(
        paths.plots("swap") / "swap.png",
        file.read(test.rows[rows]),
        file.read(test.rows[columns]),
        swapped.reshape(len(rows), len(columns), *swapped.shape[1:]),
        (
            [info.content_names[label] for label in test.content[rows]],
            [info.style_names[label] for label in test.style[columns]],
        ),
        f"{paths.dataset}: contents and styles of the test split swapped",
        info.source,
    )


def draw_reconstructions(
    paths: StagePaths, model: V3, file: FragmentFile, test: Embeddings, styles: np.ndarray
) -> None:
    samples, starts, lengths = np.unique(test.sample, return_index=True, return_counts=True)
    chosen = np.linspace(0, len(samples) - 1, min(SAMPLES, len(samples))).astype(int)
    length = min(LENGTH, int(lengths[chosen].min()))
    rows = (starts[chosen][:, None] + np.arange(length)).ravel()
    shape = (len(chosen), length, *file.shape)
    reconstructions(
        paths.plots("swap") / "reconstructions.png",
        file.read(test.rows[rows]).reshape(shape),
        model.decode(test.codes[rows], styles[rows]).numpy().reshape(shape),
        f"{paths.dataset}: samples of the test split and their reconstructions",
        file.info.source,
    )


if __name__ == "__main__":
    run(main)
