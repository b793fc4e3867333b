"""Show what is in a fragment file: contents in several styles, and whole samples."""

from __future__ import annotations

from v3.base.cli import StagePaths, run, stage_parser

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from v3.fragments.labels import LabelledFragments
from v3.plots.grids import Block, Image, as_image, image_grid, limits

CONTENTS, STYLES = 10, 8  # rows and columns of the first picture, at most
SAMPLES, LENGTH = 6, 12  # rows and columns of the second: of a longer sample its beginning
SEED = 0  # of which styles and samples are taken where more would do as well
UNKNOWN = "unknown"
Rows = NDArray[np.int64]  # (R, C) fragments to show, -1 where there is none


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    folder = paths.plots("fragments")
    with LabelledFragments(paths.fragments) as file:
        contents, content_names = _known(file.content, file.info.content_names)
        styles, style_names = _known(file.style[file.sample], file.info.style_names)
        if not ((contents >= 0) & (styles >= 0)).any():  # each fragment lacks one of the two
            styles, style_names = np.zeros_like(styles), (UNKNOWN,)
        rows, shown, worn = contents_by_styles(contents, styles)
        _draw(
            file,
            folder / "contents_by_styles.png",
            rows,
            ([content_names[content] for content in shown], "content"),
            ([style_names[style] for style in worn], "style"),
            f"{args.dataset}: contents by styles",
        )
        samples = some_samples(file.style)
        rows = beginnings(file.starts, samples)
        cut = any(file.starts[samples + 1] - file.starts[samples] > LENGTH)
        _draw(
            file,
            folder / "samples.png",
            rows,
            ([file.sample_id[sample] for sample in samples], "sample"),
            ([str(k + 1) for k in range(rows.shape[1])], "fragment"),
            f"{args.dataset}: {'beginnings of ' if cut else ''}samples",
        )


def contents_by_styles(
    contents: NDArray[np.int32], styles: NDArray[np.int32]
) -> tuple[Rows, list[int], list[int]]:
    """Which fragments show contents in styles, from both labels (F,) of every fragment; with the
    contents of the rows and the styles of the columns. One fragment or more must have both labels.

    The commonest contents are the rows; the styles that fill most places of them are the columns,
    each chosen for the contents that those before it show least. A place is the first fragment of
    its content and style, or -1 where no such fragment is: not every style has every content.
    """
    labelled = np.flatnonzero((contents >= 0) & (styles >= 0))
    pairs = np.stack([contents[labelled], styles[labelled]])
    counts = np.bincount(pairs[0])
    shown = np.sort(np.argsort(-counts, kind="stable")[: min(CONTENTS, np.count_nonzero(counts))])
    among = np.isin(pairs[0], shown)
    (content, style), first = np.unique(pairs[:, among], axis=1, return_index=True)
    row = np.searchsorted(shown, content)
    known, column = np.unique(style, return_inverse=True)
    order = np.random.default_rng(SEED).permutation(len(known))  # of equals any may come first
    worn: list[int] = []
    filled = np.zeros(len(shown))
    for _ in range(min(STYLES, len(known))):
        worth = np.bincount(column, 1 / (1 + filled[row]), minlength=len(known))
        worth[worn] = -1
        worn.append(int(order[np.argmax(worth[order])]))
        filled[row[column == worn[-1]]] += 1
    worn.sort()
    rows = np.full((len(shown), len(worn)), -1, np.int64)
    for place, one in enumerate(worn):
        of_style = column == one
        rows[row[of_style], place] = labelled[among][first[of_style]]
    return rows, shown.tolist(), known[worn].tolist()


def some_samples(styles: NDArray[np.int32]) -> NDArray[np.int64]:
    """Some samples, in order, of as many styles (S,) as there are."""
    order = np.random.default_rng(SEED).permutation(len(styles))
    firsts = order[np.unique(styles[order], return_index=True)[1]]  # a sample of each style
    rng = np.random.default_rng(SEED)
    first = rng.permutation(firsts)[:SAMPLES]
    others = order[~np.isin(order, first)][: SAMPLES - len(first)]
    return np.sort(np.concatenate([first, others]))


def beginnings(starts: NDArray[np.int64], samples: NDArray[np.int64]) -> Rows:
    """The first fragments of each sample in a row, -1 where a sample has no more."""
    lengths = np.minimum(starts[samples + 1] - starts[samples], LENGTH)
    places = np.arange(lengths.max())
    return np.where(places < lengths[:, None], starts[samples][:, None] + places, -1)


def _draw(
    file: LabelledFragments,
    path: Path,
    rows: Rows,
    down: tuple[list[str], str],
    across: tuple[list[str], str],
    title: str,
) -> None:
    """A picture of the fragments `rows`, with names of rows and columns and what they are."""
    places = np.argwhere(rows >= 0)
    fragments = file.read(rows[rows >= 0])
    low, high = limits(fragments)
    cells: list[list[Image | None]] = [[None] * rows.shape[1] for _ in rows]
    for (row, column), fragment in zip(places.tolist(), fragments, strict=True):
        cells[row][column] = as_image(fragment, low, high)
    block = Block(cells, down[0], across[0])
    image_grid(path, [block], title, file.info.source, (0, 0), (down[1], across[1]))


def _known(
    labels: NDArray[np.int32], names: tuple[str, ...]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Labels and their names; where not one label is known, one for all."""
    return (labels, names) if (labels >= 0).any() else (np.zeros_like(labels), (UNKNOWN,))


if __name__ == "__main__":
    run(main)
