"""Put the characters of Sprites together from their sheets: the fragment file, and some of them."""

import numpy as np

from v3.base.cli import StagePaths, corpus_parser, run
from v3.base.params_file import load_section
from v3.corpora.sprites.compose import write_fragments
from v3.corpora.sprites.params import PartsParams
from v3.fragments.labels import LabelledFragments
from v3.plots.grids import fragment_grid


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("sprites")
    write_fragments(
        paths.data / "raw", paths.fragments, load_section(paths.dataset, "parts", PartsParams)
    )
    with LabelledFragments(paths.fragments) as file:
        rng = np.random.default_rng(0)
        groups = range(len(file.info.group_names))
        chosen = [int(rng.choice(np.flatnonzero(file.group == group))) for group in groups]
        fragments, _ = file.read_samples(chosen)
        fragment_grid(
            paths.plots("fragments") / "poses.png",
            fragments.reshape(len(chosen), -1, *file.shape),
            [file.sample_id[sample] for sample in chosen],
            file.info.content_names,
            "sprites: a character with each head of hair",
            file.info.source,
            ("character", "pose"),
        )


if __name__ == "__main__":
    run(main)
