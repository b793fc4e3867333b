"""Turn the recordings of InsNotes into log-magnitude spectrograms of notes, and show some."""

import argparse

import numpy as np

from v3.cli import StagePaths, run
from v3.corpora.insnotes import write_fragments
from v3.fragments import FragmentFile
from v3.params import load_params
from v3.plots import contact_sheet

SHOWN = 4  # notes of each instrument


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    paths = StagePaths("insnotes")
    write_fragments(
        paths.data / "audio", paths.fragments, load_params().dataset(paths.dataset).stft
    )
    with FragmentFile(paths.fragments) as file:
        first = [int(np.argmax(file.style == style)) for style in np.unique(file.style)]
        rows = np.concatenate([file.rows_of([sample])[:SHOWN] for sample in first])
        info = file.info
        styles = [info.style_names[row] for row in file.style[file.sample[rows]]]
        pitches = [info.content_names[row] for row in file.content[rows]]
        contact_sheet(
            paths.plots("fragments") / "notes.png",
            file.read(rows),
            [f"{style} {pitch}" for style, pitch in zip(styles, pitches, strict=True)],
            "Notes of each instrument",
            info.source,
            columns=2 * SHOWN,
        )


if __name__ == "__main__":
    run(main)
