"""Cut the digits of SVHN out of their images: the fragment file, and pictures of some of both."""

import numpy as np

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.svhn.crop import framed_images, write_fragments
from v3.corpora.svhn.params import CropParams
from v3.fragments.labels import LabelledFragments
from v3.plots.grids import contact_sheet, fragment_grid

SHOWN = 16  # images
EACH = 10  # fragments of each digit


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("svhn")
    params = load_section(paths.dataset, "crop", CropParams)
    raw, boxes, plots = paths.data / "raw", paths.data / "boxes.h5", paths.plots("fragments")
    write_fragments(raw, boxes, paths.fragments, params.min_digits, params.workers)
    with LabelledFragments(paths.fragments) as file:
        names, source = file.info.content_names, file.info.source
        rows = [np.flatnonzero(file.content == digit)[:EACH] for digit in range(len(names))]
        filled = [np.resize(row, EACH) if len(row) else row for row in rows]
        shown = [digit for digit, row in enumerate(filled) if len(row)]
        fragments = np.stack([file.read(filled[digit]) for digit in shown])
    images, titles = framed_images(raw, boxes, SHOWN)
    title = "svhn: house numbers and their boxes"
    contact_sheet(plots / "numbers.png", images, titles, title, source)
    fragment_grid(
        plots / "digits.png",
        fragments,
        [names[digit] for digit in shown],
        [str(k + 1) for k in range(EACH)],
        "svhn: digits as they are cut out",
        source,
        ("content", "image"),
    )


if __name__ == "__main__":
    run(main)
