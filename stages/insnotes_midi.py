"""Write the scores of InsNotes: MIDI files, some for each instrument."""

import argparse

from v3.cli import StagePaths, run
from v3.corpora.insnotes_midi import write_midi
from v3.params import load_params


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    paths = StagePaths("insnotes")
    write_midi(paths.data / "midi", load_params().dataset(paths.dataset).midi)


if __name__ == "__main__":
    run(main)
