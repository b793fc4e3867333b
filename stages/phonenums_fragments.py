"""Cut the pages of PhoneNums into digits: the fragment file."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.corpora.phonenums.pages import write_fragments


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("phonenums")
    write_fragments(paths.data / "pages.h5", paths.fragments)


if __name__ == "__main__":
    run(main)
