"""Compare the codes of the test split with its content labels, and decode every code.

The grid shows each code in several styles of the test split, beside the label that most of the
code's fragments have.
"""

import numpy as np

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.codebook import codebook, confusion, diagonal_order
from v3.evaluation.common import exemplars
from v3.evaluation.opened import evaluated, stage_paths
from v3.plots.grids import code_grid
from v3.plots.maps import confusion_matrix

STYLES, CODES = 8, 32  # at most, on the grid


def main() -> None:
    paths = stage_paths(__doc__)
    with evaluated(paths) as it:
        info, model, sizes = it.info, it.model, it.sizes
        test = it.embed("test")
        columns = exemplars(test.style, test.content, STYLES)
        real = it.file.read(test.rows[columns])

    figures = codebook(test.codes, test.content, *sizes)
    write_json(paths.metrics("codebook"), {"source": info.source, "split": "test", **figures})

    counts = confusion(test.codes, test.content, *sizes)
    order = diagonal_order(counts)
    folder, name = paths.plots("codebook"), paths.dataset
    title = f"{name}: codes of the test split, one-to-one {figures['one_to_one']:.3f}"
    confusion_matrix(
        folder / "confusion.png", counts, order, info.content_names, title, info.source
    )
    shown = order[:CODES]
    which = "every code" if len(shown) == len(order) else f"{len(shown)} of {len(order)} codes"
    codes = np.repeat(shown, len(columns))
    decoded = model.decode(codes, np.tile(test.z_s_pooled[columns], (len(shown), 1))).numpy()
    stands_for = [info.content_names[label] for label in counts.argmax(1)]
    names = [f"{code} ({stands_for[code] if counts[code].any() else 'unused'})" for code in shown]
    code_grid(
        folder / "code_by_style.png",
        decoded.reshape(len(shown), len(columns), *decoded.shape[1:]),
        real,
        (names, [info.style_names[style] for style in test.style[columns]]),
        f"{name}: {which} in several styles",
        info.source,
    )


if __name__ == "__main__":
    run(main)
