"""Cut the utterances of Librispeech into spectrograms of phonemes, and show some of them."""

import numpy as np

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.phonemes import write_fragments
from v3.fragments.labels import LabelledFragments
from v3.plots.grids import fragment_grid

PHONEMES, SPEAKERS = 12, 8  # in the picture: the commonest, and those who say most of them


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("librispeech")
    params = load_section(paths.dataset, "phonemes", PhonemesParams)
    write_fragments(paths.data / "raw", paths.fragments, params)
    with LabelledFragments(paths.fragments) as file:
        names, style = file.info, file.style[file.sample]
        contents = np.argsort(-np.bincount(file.content), kind="stable")[:PHONEMES]
        counts = np.zeros((len(names.style_names), len(names.content_names)), int)
        np.add.at(counts, (style, file.content), 1)
        said = (counts[:, contents] > 0).sum(1)
        speakers = np.sort(np.argsort(-said, kind="stable")[:SPEAKERS])
        contents = contents[(counts[speakers][:, contents] > 0).all(0)]
        rows = [
            np.flatnonzero((style == s) & (file.content == c))[0]
            for c in contents
            for s in speakers
        ]
        grid = file.read(rows).reshape(len(contents), len(speakers), *file.shape)
    fragment_grid(
        paths.plots("fragments") / "phonemes.png",
        grid,
        [names.content_names[c] for c in contents],
        [names.style_names[s] for s in speakers],
        "librispeech: a phoneme of some speakers each",
        names.source,
        ("phoneme", "speaker"),
    )


if __name__ == "__main__":
    run(main)
