"""Search the neighbours of every fragment of the test split, by content and by style.

Content labels are found by z_c and style labels by z_s (high is good), and crossed: content by
z_s and style by z_c (low is good).
"""

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.evaluation.retrieval import retrieval
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.params import load_params
from v3.plots.curves import precision_recall
from v3.splits import read_split


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    points = load_params().dataset(args.dataset).retrieval.points
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        test = embed(V3.load(paths.model), file, split["test"])
        source = file.info.source

    by_content = {
        z: retrieval(getattr(test, z), test.content, points=points) for z in ("z_c", "z_s")
    }
    by_style = {z: retrieval(getattr(test, z), test.style, points=points) for z in ("z_s", "z_c")}
    figures = {f"content_by_{z}": found for z, found in by_content.items()}
    figures |= {f"style_by_{z}": found for z, found in by_style.items()}
    write_json(paths.metrics("retrieval"), {"source": source, "split": "test", **figures})
    precision_recall(
        paths.plots("retrieval") / "precision_recall.png",
        {"content": by_content, "style": by_style},
        f"{args.dataset}: neighbours in the test split",
        source,
    )


if __name__ == "__main__":
    run(main)
