"""Turn the recordings of InsNotes into spectrograms of single notes."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_section
from v3.corpora.insnotes.notes import write_fragments
from v3.corpora.insnotes.params import StftParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    params = load_section(paths.dataset, "stft", StftParams)
    write_fragments(paths.data / "audio", paths.fragments, params)


if __name__ == "__main__":
    run(main)
