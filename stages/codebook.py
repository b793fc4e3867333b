"""Compare the codes of the test split with its content labels, and decode every code.

The grid shows each code in several styles of the test split, beside the label that most of the
code's fragments have.
"""

import numpy as np

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.evaluation.codebook import codebook, confusion, diagonal_order
from v3.evaluation.common import exemplars, sample_means
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.plots.grids import code_grid
from v3.plots.maps import confusion_matrix
from v3.splits import read_split

STYLES, CODES = 8, 40  # at most, on the grid


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        test = embed(model, file, split["test"])
        info = file.info
        columns = exemplars(test.style, test.content, STYLES)
        real = file.read(test.rows[columns])

    sizes = model.spec.atoms, len(info.content_names)
    figures = codebook(test.codes, test.content, *sizes)
    write_json(paths.metrics("codebook"), {"source": info.source, "split": "test", **figures})

    counts = confusion(test.codes, test.content, *sizes)
    order = diagonal_order(counts)
    folder, name = paths.plots("codebook"), args.dataset
    title = f"{name}: codes of the test split, one-to-one {figures['one_to_one']:.3f}"
    confusion_matrix(
        folder / "confusion.png", counts, order, info.content_names, title, info.source
    )
    shown = order[:CODES]
    styles = sample_means(test.z_s, test.sample) if model.style.pooling == "sample" else test.z_s
    codes = np.repeat(shown, len(columns))
    decoded = model.decode(codes, np.tile(styles[columns], (len(shown), 1))).numpy()
    stands_for = [info.content_names[label] for label in counts.argmax(1)]
    names = [f"{code} ({stands_for[code] if counts[code].any() else 'unused'})" for code in shown]
    code_grid(
        folder / "code_by_style.png",
        decoded.reshape(len(shown), len(columns), *decoded.shape[1:]),
        real,
        (names, [info.style_names[style] for style in test.style[columns]]),
        f"{name}: every code in several styles",
        info.source,
    )


if __name__ == "__main__":
    run(main)
