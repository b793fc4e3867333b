"""Map z_c (with the atoms of the codebook) and z_s of some fragments of the test split."""

import numpy as np

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.evaluation.common import choose
from v3.evaluation.tsne import tsne_map
from v3.fragments import FragmentFile
from v3.model import V3
from v3.params import load_params
from v3.plots.maps import embedding_maps
from v3.splits import read_split


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    params = load_params().dataset(args.dataset).tsne
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        test = embed(model, file, split["test"])
        info = file.info

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
        f"{args.dataset}: t-SNE of {len(rows)} fragments of the test split, atoms numbered",
        info.source,
    )


if __name__ == "__main__":
    run(main)
