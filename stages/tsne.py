"""Map z_c (with the atoms of the codebook) and z_s of some fragments of the test split."""

import numpy as np

from v3.base.cli import run
from v3.evaluation.common import choose
from v3.evaluation.opened import evaluated, stage_paths
from v3.evaluation.tsne import tsne_map
from v3.params import load_params
from v3.plots.maps import embedding_maps


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_params().dataset(paths.dataset).tsne
    with evaluated(paths) as it:
        test, info, model = it.embed("test"), it.info, it.model

    rows = choose(len(test.codes), params.fragments, params.seed)
    atoms = model.quantizer.atoms.numpy()
    content = tsne_map(np.concatenate([test.z_c[rows], atoms]), params.seed, params.perplexity)
    style = tsne_map(test.z_s[rows], params.seed, params.perplexity)
    embedding_maps(
        paths.plots("tsne") / "tsne.png",
        [("z_c", content[: len(rows)]), ("z_s", style)],
        [
            ("content", test.content[rows], info.content_names),
            ("style", test.style[rows], info.style_names),
        ],
        content[len(rows) :],
        f"{paths.dataset}: t-SNE of {len(rows)} fragments of the test split, atoms numbered",
        info.source,
    )


if __name__ == "__main__":
    run(main)
