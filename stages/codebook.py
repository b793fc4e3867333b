"""Compare the codes of the test split with its content labels, and decode every code.

The grid shows each code in several styles of the test split, beside the label that most of the
code's fragments have.
"""

from v3.base.cli import run

import numpy as np

from v3.base.files import write_json
from v3.evaluation.codebook import code_names, codebook, confusion, diagonal_order
from v3.evaluation.common import exemplars, names_of
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.plots.grids import code_grid
from v3.plots.maps import confusion_matrix

STYLES, CODES = 6, 24  # at most, on the grid


def main() -> None:
    paths = stage_paths(__doc__)
    with open_model_and_data(paths) as opened:
        info, model, sizes = opened.info, opened.model, opened.sizes
        test = opened.embed("test")
        columns = exemplars(test.style_label, test.content_label, STYLES)
        originals = opened.file.read(test.rows[columns])

    figures = codebook(test.codes, test.content_label, *sizes)
    write_json(paths.metrics("codebook"), {"source": info.source, "split": "test", **figures})

    counts = confusion(test.codes, test.content_label, *sizes)
    order = diagonal_order(counts)
    confusion_matrix(
        paths.plots("codebook") / "confusion.png",
        counts,
        order,
        info.content_names,
        f"{paths.dataset}: codes of the test split, one-to-one {figures['one_to_one']:.3f}",
        info.source,
    )
    shown = order[:CODES]
    codes = np.repeat(shown, len(columns))
    decoded = model.decode(codes, np.tile(test.style_read[columns], (len(shown), 1))).cpu().numpy()
    which = "every code" if len(shown) == len(order) else f"{len(shown)} of {len(order)} codes"
    code_grid(
        paths.plots("codebook") / "code_by_style.png",
        decoded.reshape(len(shown), len(columns), *decoded.shape[1:]),
        originals,
        (
            code_names(counts, shown, info.content_names),
            names_of(test.style_label[columns], info.style_names),
        ),
        f"{paths.dataset}: {which} in several styles",
        info.source,
    )


if __name__ == "__main__":
    run(main)
