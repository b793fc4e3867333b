"""Write the scores of InsNotes: one MIDI file a recording, and an index of them."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_section
from v3.corpora.insnotes.midi import write_midi
from v3.corpora.insnotes.params import MidiParams


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    write_midi(paths.data / "midi", load_section(paths.dataset, "midi", MidiParams))


if __name__ == "__main__":
    run(main)
