"""Render the scores of InsNotes to WAV files with FluidSynth."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.insnotes.audio import render
from v3.corpora.insnotes.params import AudioParams
from v3.corpora.insnotes.soundfont import SHIPPED


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    params = load_section(paths.dataset, "audio", AudioParams)
    render(paths.data / "midi", paths.data / "audio", params, load_machine().workers)
    if params.soundfont != SHIPPED:
        # DVC takes no path from a parameter that may also be a word, or be missing altogether.
        print(
            f"DVC does not watch {params.soundfont} (its digest is in the data's source): when you "
            "change that file, run `dvc repro -f corpora/insnotes/dvc.yaml:insnotes_audio`."
        )


if __name__ == "__main__":
    run(main)
