"""Draw the pages of PhoneNums into one HDF5 file."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.phonenums.pages import synthesise
from v3.corpora.phonenums.params import PagesParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("phonenums")
    params = load_section(paths.dataset, "pages", PagesParams)
    synthesise(paths.data / "pages.h5", params, load_machine().workers)


if __name__ == "__main__":
    run(main)
