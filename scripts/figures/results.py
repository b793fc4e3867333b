"""The table of results: a corpus a row, first those of the pipeline, then the genuine ones."""

from __future__ import annotations

from typing import Any

from scripts.figures.cells import NONE, Cells, beside, kind_of, name_of, number, table, words
from scripts.figures.sources import (
    ROOT,
    datasets,
    figure_chance,
    metric,
    read,
    read_yaml,
    study,
    summary,
)


def results() -> str:
    """A row a corpus; of the genuine ones, once they are measured, the seeds' median and worst."""
    rows = [result_of_one_seed(dataset) for dataset in datasets()]
    rows += [result_of_seeds(name, found) for name, found in genuine_measured().items()]
    head = ["corpus", "data", "purity: test / unseen", "k-means", "its best front end"]
    head += ["with labels", "zero-shot", "left in the style (chance)", "swap: content kept"]
    return table([*head, "style taken (chance)"], rows)


def result_of_one_seed(dataset: str) -> Cells:
    contents, _ = words(dataset)
    labels, codes = (metric(dataset, "codebook", key) for key in ("labels", "atoms"))
    raw, best = (metric(dataset, "baseline", "raw"), summary(dataset, "baseline_front_end"))
    return [
        f"{name_of(dataset)}: {labels or NONE} {contents}, {codes or NONE} codes",
        kind_of(summary(dataset, "source")),
        pair(read(ROOT / "metrics" / dataset / "summary.json"), ""),
        pair(raw or {}, ""),
        f"{pair(metric(dataset, 'baseline', best) or {}, '')} {best}" if best else NONE,
        pair(read(ROOT / "metrics" / dataset / "summary.json"), "bound_"),
        number(summary(dataset, "zero_shot")),
        beside(summary(dataset, "leakage"), figure_chance(dataset, "leakage")),
        number(summary(dataset, "swap_content_kept")),
        beside(summary(dataset, "swap_style_taken"), metric(dataset, "swap", "style_chance")),
    ]


def result_of_seeds(name: str, found: Any) -> Cells:
    """Median, and after it the worst seed where there are several, of what hangs on the seed."""
    middle, worst, chance = (found.get(key, {}) for key in ("median", "worst", "chance"))
    count = len(found["purity"])
    best = found.get("baseline_front_end")
    front_ends = found.get("front_ends", {})

    def seeds(figure: str) -> str:
        least = f", worst {number(worst.get(figure))}" if count > 1 else ""
        return number(middle.get(figure)) + least

    def with_chance(figure: str) -> str:
        return f"{seeds(figure)} ({number(chance.get(figure))})"

    return [
        f"{name_of(name)}: {found['labels']} {words(name)[0]}, {found['atoms']} codes",
        f"genuine, {count} seeds" if count > 1 else "genuine, one seed",
        pair(middle, "") + (f", worst {pair(worst, '')}" if count > 1 else ""),
        pair(front_ends.get("raw", {}), ""),
        f"{pair(front_ends.get(best, {}), '')} {best}" if best else NONE,
        pair(middle, "bound_"),
        seeds("zero_shot"),
        with_chance("leakage"),
        seeds("swap_content_kept"),
        with_chance("swap_style_taken"),
    ]


def pair(found: Any, kind: str) -> str:
    """Purity on the test split and on unseen styles, of those figures that `kind` begins."""
    values = [found.get(f"{kind}{name}") for name in ("purity", "zero_shot_purity")]
    return NONE if values == [None, None] else " / ".join(map(number, values))


def genuine_measured() -> dict[str, Any]:
    """Figures of the genuine corpora that there are, by name, in the order of the study."""
    stage = read_yaml(ROOT / "studies" / "genuine" / "dvc.yaml").get("stages", {}).get("corpus", {})
    found = {name: study("genuine", name) for name in stage.get("foreach", ())}
    return {name: figures for name, figures in found.items() if figures}
