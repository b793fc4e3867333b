"""Put the characters of Sprites together from their sheets: the fragment file."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_section
from v3.corpora.sprites.compose import write_fragments
from v3.corpora.sprites.params import PartsParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("sprites")
    write_fragments(
        paths.data / "raw", paths.fragments, load_section(paths.dataset, "parts", PartsParams)
    )


if __name__ == "__main__":
    run(main)
