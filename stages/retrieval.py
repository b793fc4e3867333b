"""Search the neighbours of every fragment of the test split, by content and by style.

Content labels are found by z_c and style labels by z_s (high is good), and crossed: content by
z_s and style by z_c (low is good).
"""

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.opened import evaluated, stage_paths
from v3.evaluation.retrieval import retrieval
from v3.params import load_params
from v3.plots.curves import precision_recall


def main() -> None:
    paths = stage_paths(__doc__)
    points = load_params().dataset(paths.dataset).retrieval.points
    with evaluated(paths) as it:
        test, source = it.embed("test"), it.info.source

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
        f"{paths.dataset}: neighbours in the test split",
        source,
    )


if __name__ == "__main__":
    run(main)
