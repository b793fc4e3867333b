"""Map z_c (with the atoms of the codebook) and z_s of some fragments of the test split.

As a picture, and as places on the maps for the page of results, in which points answer.
"""

from v3.base.cli import run

import numpy as np

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.common import choose
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.evaluation.params import TsneParams
from v3.evaluation.tsne import tsne_map
from v3.plots.maps import embedding_maps

PLACES = 2  # decimals of a place: maps are some hundred units wide


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "tsne", TsneParams)
    with open_model_and_data(paths) as opened:
        test, info, model = opened.embed("test"), opened.info, opened.model

    rows = choose(len(test.codes), params.fragments, params.seed)
    atoms = model.quantizer.atoms.cpu().numpy()
    content = tsne_map(np.concatenate([test.z_c[rows], atoms]), params.seed, params.perplexity)
    style = tsne_map(test.z_s[rows], params.seed, params.perplexity)
    embedding_maps(
        paths.plots("tsne") / "tsne.png",
        [("z_c", content[: len(rows)]), ("z_s", style)],
        [
            ("content", test.content_label[rows], info.content_names),
            ("style", test.style_label[rows], info.style_names),
        ],
        content[len(rows) :],
        f"{paths.dataset}: t-SNE of {len(rows)} fragments of the test split, atoms numbered",
        info.source,
    )
    write_json(
        paths.plots("map") / "points.json",
        {
            "rows": test.rows[rows].tolist(),
            "content": np.round(content[: len(rows)], PLACES).tolist(),
            "style": np.round(style, PLACES).tolist(),
            "atoms": np.round(content[len(rows) :], PLACES).tolist(),
        },
    )


if __name__ == "__main__":
    run(main)
