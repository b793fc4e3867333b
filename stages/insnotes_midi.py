"""Write the scores of InsNotes: one MIDI file a recording, and an index of them."""

from v3.cli import StagePaths, corpus_parser, run
from v3.corpora.insnotes_midi import write_midi
from v3.corpus_params import MidiParams
from v3.params import load_params


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    write_midi(paths.data / "midi", load_params().dataset(paths.dataset).section(MidiParams))


if __name__ == "__main__":
    run(main)
