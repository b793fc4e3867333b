"""Search the neighbours of every fragment of the test split, by content and by style.

Content labels are found by z_c and style labels by z_s (high is good), and crossed: content by
z_s and style by z_c (low is good).
"""

from v3.base.cli import run

from functools import partial

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.evaluation.params import RetrievalParams
from v3.evaluation.retrieval import retrieval
from v3.plots.curves import precision_recall


def main() -> None:
    paths = stage_paths(__doc__)
    params = load_section(paths.dataset, "retrieval", RetrievalParams)
    with open_model_and_data(paths) as opened:
        test, source = opened.embed("test"), opened.info.source

    z, content, style = {"z_c": test.z_c, "z_s": test.z_s}, test.content_label, test.style_label
    search = partial(retrieval, points=params.points, most_queries=params.queries)
    by_content = {name: search(z[name], content) for name in ("z_c", "z_s")}
    by_style = {name: search(z[name], style) for name in ("z_s", "z_c")}
    figures = {f"content_by_{name}": found for name, found in by_content.items()}
    figures |= {f"style_by_{name}": found for name, found in by_style.items()}
    write_json(paths.metrics("retrieval"), {"source": source, "split": "test", **figures})
    precision_recall(
        paths.plots("retrieval") / "precision_recall.png",
        {"content": by_content, "style": by_style},
        f"{paths.dataset}: neighbours in the test split",
        source,
    )


if __name__ == "__main__":
    run(main)
