"""Compare the codes of the test split with its content labels, and decode every code.

The grid shows each code in several styles of the test split, beside the label that most of the
code's fragments have.
"""

from v3.base.cli import run

import numpy as np

from v3.base.files import write_json
from v3.evaluation.codebook import code_names, codebook, confusion, diagonal_order
from v3.evaluation.common import exemplars
from v3.evaluation.embedding import Embeddings
from v3.evaluation.left_out import CODEBOOK, codebook_without_labels, no_content
from v3.evaluation.opened import Opened, open_model_and_data, stage_paths
from v3.plots.grids import code_grid
from v3.plots.maps import confusion_matrix
from v3.plots.notice import notice

STYLES, CODES = 6, 24  # at most, on the grid


def main() -> None:
    paths = stage_paths(__doc__)
    with open_model_and_data(paths) as opened:
        sizes, test = opened.sizes, opened.embed("test")
        why = no_content(opened.file, opened.split, "test")
        if why is None:
            figures = codebook(test.codes, test.content_label, *sizes)
        else:
            figures = codebook_without_labels(test.codes, sizes[0], why)
            print(f"{paths.dataset}: {', '.join(CODEBOOK)} are left out: {why}.")
        about = {"source": opened.info.source, "split": "test"}
        write_json(paths.metrics("codebook"), {**about, **figures})
        counts = confusion(test.codes, test.content_label, *sizes)
        order = diagonal_order(counts) if why is None else by_use(test.codes, sizes[0])
        draw_confusion(opened, counts, order, figures["one_to_one"], why)
        draw_codes(opened, test, counts, order)


def by_use(codes: np.ndarray, atoms: int) -> np.ndarray:
    """The codes (K,) from the commonest on."""
    return np.argsort(-np.bincount(codes, minlength=atoms), kind="stable")


def draw_confusion(
    opened: Opened, counts: np.ndarray, order: np.ndarray, one_to_one: float, why: str | None
) -> None:
    """Codes against contents, or the reason why not."""
    path, info = opened.paths.plots("codebook") / "confusion.png", opened.info
    title = f"{opened.paths.dataset}: codes of the test split"
    if why is not None:
        notice(path, title, why, info.source)
        return
    title += f", one-to-one {one_to_one:.3f}"
    confusion_matrix(path, counts, order, info.content_names, title, info.source)


def draw_codes(opened: Opened, test: Embeddings, counts: np.ndarray, order: np.ndarray) -> None:
    """Every code decoded in several styles."""
    info = opened.info
    columns = exemplars(test.style_label, test.content_label, STYLES)
    shown = order[:CODES]
    codes = np.repeat(shown, len(columns))
    styles = np.tile(test.style_read[columns], (len(shown), 1))
    decoded = opened.model.decode(codes, styles).cpu().numpy()
    which = "every code" if len(shown) == len(order) else f"{len(shown)} of {len(order)} codes"
    used = np.bincount(test.codes, minlength=len(order))
    names = (
        code_names(counts, shown, info.content_names)
        if counts.any()
        else [f"{code} ({used[code]} times)" for code in shown]
    )
    code_grid(
        opened.paths.plots("codebook") / "code_by_style.png",
        decoded.reshape(len(shown), len(columns), *decoded.shape[1:]),
        opened.file.read(test.rows[columns]),
        (names, opened.styles_of(test, columns)),
        f"{opened.paths.dataset}: {which} in several styles",
        info.source,
    )


if __name__ == "__main__":
    run(main)
