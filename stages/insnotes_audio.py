"""Render the scores of InsNotes to WAV files with FluidSynth."""

from v3.cli import StagePaths, corpus_parser, run
from v3.corpora.insnotes_audio import render
from v3.corpus_params import AudioParams
from v3.params import load_params


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    params = load_params().dataset(paths.dataset).section(AudioParams)
    render(paths.data / "midi", paths.data / "audio", params)


if __name__ == "__main__":
    run(main)
