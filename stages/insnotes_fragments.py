"""Turn the recordings of InsNotes into spectrograms of single notes, and show some of them."""

import numpy as np

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.insnotes.notes import write_fragments
from v3.corpora.insnotes.params import StftParams
from v3.fragments.labels import LabelledFragments
from v3.plots.grids import fragment_grid

SHOWN = 4  # pitches in the picture, spread over all


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("insnotes")
    params = load_section(paths.dataset, "stft", StftParams)
    write_fragments(paths.data / "audio", paths.fragments, params)
    with LabelledFragments(paths.fragments) as file:
        names = file.info
        pitches = np.unique(np.linspace(0, file.content.max(), SHOWN).round().astype(int))
        styles = np.unique(file.style)
        style = file.style[file.sample]
        rows = [
            np.flatnonzero((style == s) & (file.content == p))[0] for p in pitches for s in styles
        ]
        grid = file.read(rows).reshape(len(pitches), len(styles), *file.shape)
    fragment_grid(
        paths.plots("fragments") / "notes.png",
        grid,
        [names.content_names[p] for p in pitches],
        [names.style_names[s] for s in styles],
        "insnotes: a note of each instrument at some pitches",
        names.source,
        ("pitch", "instrument"),
    )


if __name__ == "__main__":
    run(main)
