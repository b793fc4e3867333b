"""The figures of a page's head, each beside its chance, the baseline and the bound."""

from __future__ import annotations

from v3.base.cli import StagePaths

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from v3.base.files import read_metrics

Metrics = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Figure:
    """A figure of 0 to 1 and what it is to be held against; None where there is no such thing."""

    name: str
    means: str
    value: float
    low_is_good: bool
    chance: float | None
    baseline: float | None
    bound: float | None


@dataclass(frozen=True)
class _Row:
    key: str  # of summary.json
    name: str
    means: str
    chance: tuple[str, ...] | float | None = None  # metric file and keys, or the number
    bound: tuple[str, ...] | None = None
    low_is_good: bool = False


ROWS = (
    _Row(
        "one_to_one",
        "one-to-one",
        "fragments right under the best assignment of one code to one content",
        ("codebook", "chance_one_to_one"),
    ),
    _Row(
        "purity",
        "purity",
        "fragments right if every code stands for its commonest content",
        ("codebook", "chance_purity"),
    ),
    _Row(
        "zero_shot",
        "zero-shot",
        "fragments right on styles that training never saw, codes being read as before",
        ("zero_shot", "chance"),
    ),
    _Row(
        "leakage",
        "left in the style",
        "how often a probe reads the content from the style that the decoder reads",
        ("leakage", "content_from_decoder_style", "chance"),
        low_is_good=True,
    ),
    _Row(
        "swap_content_kept",
        "swap keeps the content",
        "swaps whose content is that of its giver, said by a classifier of originals",
        ("swap", "content_chance"),
        ("swap", "content_ceiling"),
    ),
    _Row(
        "swap_style_taken",
        "swap takes the style",
        "swaps whose style is that of its giver, said by a classifier of originals",
        ("swap", "style_chance"),
        ("swap", "style_ceiling"),
    ),
    _Row(
        "pr_auc_content",
        "search by content",
        "area under precision over recall of neighbours in z_c",
        ("retrieval", "content_by_z_c", "chance_pr_auc"),
        ("retrieval", "content_by_z_c", "perfect_pr_auc"),
    ),
    _Row(
        "pr_auc_style",
        "search by style",
        "area under precision over recall of neighbours in z_s",
        ("retrieval", "style_by_z_s", "chance_pr_auc"),
        ("retrieval", "style_by_z_s", "perfect_pr_auc"),
    ),
    _Row(
        "verification_style",
        "errors in telling styles",
        "equal error rate of saying whether two samples are of one style",
        0.5,
        low_is_good=True,
    ),
)


def read_all_metrics(paths: StagePaths) -> Metrics:
    """Every metric file of a dataset by its name; `V3Error` names one that is damaged."""
    folder = paths.metrics("summary").parent
    return {file.stem: read_metrics(file) for file in sorted(folder.glob("*.json"))}


def figures(metrics: Metrics) -> list[Figure]:
    """Metric files by name, `summary` among them -> what they hold of the figures of the head."""
    summary = metrics.get("summary", {})
    found = []
    for row in ROWS:
        value = _number(summary.get(row.key))
        if value is None:
            continue
        bound = _number(summary.get(f"bound_{row.key}"))
        found.append(
            Figure(
                row.name,
                row.means,
                value,
                row.low_is_good,
                row.chance if isinstance(row.chance, float) else _at(metrics, row.chance),
                _number(summary.get(f"baseline_{row.key}")),
                _at(metrics, row.bound) if bound is None else bound,
            )
        )
    return found


def all_figures(metrics: Metrics) -> list[tuple[str, str]]:
    """Every number of summary.json by its name, as text."""
    summary = metrics.get("summary", {})
    return [(name, f"{value:.4g}") for name, value in summary.items() if _is_number(value)]


def left_out(metrics: Metrics) -> list[tuple[str, str]]:
    """What was not measured and why, by metric file: labels are wanting."""
    return [
        (name.replace("_", " "), str(file["left_out"]))
        for name, file in metrics.items()
        if "left_out" in file and name != "summary"
    ]


def by_style(metrics: Metrics) -> list[tuple[str, float]]:
    """Zero-shot accuracy of each unseen style, worst first; empty where they are too many."""
    styles = metrics.get("zero_shot", {}).get("styles") or {}
    return sorted(styles.items(), key=lambda item: (item[1], item[0]))


def _at(metrics: Metrics, keys: tuple[str, ...] | None) -> float | None:
    value: Any = metrics
    for key in keys or ("nothing",):
        value = value.get(key) if isinstance(value, Mapping) else None
    return _number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) else None
