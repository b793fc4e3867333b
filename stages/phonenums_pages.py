"""Draw the pages of PhoneNums into one HDF5 file, and show some of them."""

import h5py
import numpy as np

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.phonenums.pages import synthesise
from v3.corpora.phonenums.params import PagesParams
from v3.plots.grids import contact_sheet

SHOWN = 1  # page of each colour


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("phonenums")
    params = load_section(paths.dataset, "pages", PagesParams)
    synthesise(paths.data / "pages.h5", params)
    with h5py.File(paths.data / "pages.h5") as file:
        colour, source = file["colour"][:], str(file.attrs["source"])
        names = [str(name) for name in file.attrs["colour_names"]]
        rows = [row for c in range(len(names)) for row in np.flatnonzero(colour == c)[:SHOWN]]
        pages = np.stack([file["pages"][row] for row in rows])
    unseen = set(params.unseen_colours)
    contact_sheet(
        paths.plots("pages") / "pages.png",
        pages.transpose(0, 3, 1, 2),
        [names[c] + (" (unseen)" if names[c] in unseen else "") for c in colour[rows]],
        "phonenums: a page of each colour",
        source,
    )


if __name__ == "__main__":
    run(main)
