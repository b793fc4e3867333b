"""Synthesise the pages of PhoneNums into one HDF5 file, and show some of them."""

import h5py

from v3.cli import StagePaths, corpus_parser, run
from v3.corpora.phonenums import synthesise
from v3.corpus_params import PagesParams
from v3.params import load_params
from v3.plots import contact_sheet

SHOWN = 2  # pages of each colour


def main() -> None:
    paths = StagePaths("phonenums", corpus_parser(__doc__).parse_args().run)
    synthesise(paths.data / "pages.h5", load_params().dataset(paths.dataset).section(PagesParams))
