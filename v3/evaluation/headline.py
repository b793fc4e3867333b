"""The figures that one looks at first, picked out of the metric files of one model; their worst."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from v3.base.errors import V3Error

STAGES = (
    "codebook",
    "zero_shot",
    "few_shot",
    "leakage",
    "retrieval",
    "swap",
    "baseline",
    "bound",
)  # whose metric files are read
# name: (metric file, keys down to the figure)
FIGURES: dict[str, tuple[str, ...]] = {
    "one_to_one": ("codebook", "one_to_one"),
    "purity": ("codebook", "purity"),
    "pnmi": ("codebook", "pnmi"),
    "zero_shot": ("zero_shot", "accuracy"),
    "zero_shot_purity": ("zero_shot", "purity"),
    "leakage": ("leakage", "content_from_decoder_style", "accuracy"),
    "pr_auc_content": ("retrieval", "content_by_z_c", "pr_auc"),
    "pr_auc_style": ("retrieval", "style_by_z_s", "pr_auc"),
    "pr_auc_content_crossed": ("retrieval", "content_by_z_s", "pr_auc"),
    "pr_auc_style_crossed": ("retrieval", "style_by_z_c", "pr_auc"),
    "swap_content_kept": ("swap", "content_kept"),
    "swap_style_taken": ("swap", "style_taken"),
    "swap_style_ceiling": ("swap", "style_ceiling"),
    "style_rank": ("leakage", "effective_rank"),
    "verification_style": ("leakage", "verification_z_s", "equal_error_rate"),
    "verification_content": ("leakage", "verification_atoms", "equal_error_rate"),
}
# name: figure of the baseline, of its front ends the best
BASELINE = {
    "baseline_one_to_one": "one_to_one",
    "baseline_purity": "purity",
    "baseline_zero_shot": "zero_shot",
    "baseline_zero_shot_purity": "zero_shot_purity",
}
# name: figure of the supervised bound
BOUND = {
    "bound_purity": "purity",
    "bound_zero_shot": "zero_shot",
    "bound_zero_shot_purity": "zero_shot_purity",
}
# name: how far the figure lies on the way from the best baseline to the bound
GAP_RECOVERED = {"gap_recovered": "purity", "gap_recovered_unseen": "zero_shot_purity"}
LOW_IS_GOOD = ("leakage", "verification_style", "pr_auc_content_crossed", "pr_auc_style_crossed")


def headline(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Metric files by stage -> the figures by name, and the source.

    Figures of a stage that is not given are left out; few_shot gives one figure for every number
    of samples adapted to, baseline the best of all front ends each, which of them has the highest
    purity, and `beats_baseline`: whether the model's purity is higher. What could not be measured
    is None. With baseline and bound
    also `gap_recovered`. `V3Error` if a file lacks what it should hold.
    """
    found: dict[str, Any] = {"source": _pick(metrics, "codebook", "source")}
    for name, (stage, *keys) in FIGURES.items():
        if stage in metrics:
            found[name] = _figure(metrics, stage, *keys)
        if name == "zero_shot":  # what adapting makes of it belongs beside it
            for key in metrics.get("few_shot", {}):
                if key.startswith("samples_") and key != "samples_0":
                    accuracy = _figure(metrics, "few_shot", key, "accuracy")
                    found[key.replace("samples", "few_shot")] = accuracy
    if "baseline" in metrics:
        given = [name for name, value in metrics["baseline"].items() if isinstance(value, Mapping)]
        if not given:
            raise _damaged("baseline", "front end")
        for name, figure in BASELINE.items():
            of_each = [_figure(metrics, "baseline", x, figure) for x in given]
            found[name] = max((value for value in of_each if value is not None), default=None)
        found["baseline_front_end"] = _pick(metrics, "baseline", "best")
        purities = _figure(metrics, *FIGURES["purity"]), found["baseline_purity"]
        found["beats_baseline"] = None if None in purities else purities[0] > purities[1]
    if "bound" in metrics:
        found |= {name: _figure(metrics, "bound", figure) for name, figure in BOUND.items()}
        for name, figure in GAP_RECOVERED.items():
            ends = (found.get(f"{kind}_{figure}") for kind in ("baseline", "bound"))
            found[name] = gap_recovered(found.get(figure), *ends)
    return found


def gap_recovered(model: float | None, baseline: float | None, bound: float | None) -> float | None:
    """How much of the way from a baseline to an upper bound a figure covers; 1: it is the bound.

    Performance gap recovered (Burns et al., 2023, arXiv 2312.09390). Below 0: worse than the
    baseline. None where one is missing or the bound does not lie above the baseline.
    """
    if model is None or baseline is None or bound is None or bound <= baseline:
        return None
    return (model - baseline) / (bound - baseline)


def over_seeds(scores: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Headlines by seed -> {figure: {seed: value}}, and `median` and `worst` {figure: value}.

    Worst is the least, or the largest of what should be low. A figure that some seed lacks (None:
    it could not be measured) is left out, for its median would be one of fewer seeds; so is what
    is no figure but true or false.
    """
    first = next(iter(scores.values()))
    values = {
        name: {str(seed): score[name] for seed, score in scores.items()}
        for name in first
        if all(_is_figure(score.get(name)) for score in scores.values())
    }
    return {
        **values,
        "median": {name: median(by_seed.values()) for name, by_seed in values.items()},
        "worst": {
            name: (max if name in LOW_IS_GOOD else min)(by_seed.values())
            for name, by_seed in values.items()
        },
    }


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _measured(metrics: Mapping[str, Any], stage: str, *keys: str) -> Any:
    """A figure that is always there."""
    value = _pick(metrics, stage, *keys)
    if not _is_figure(value):
        raise _damaged(stage, f"number as its {'.'.join(keys)}")
    return value


def _figure(metrics: Mapping[str, Any], stage: str, *keys: str) -> Any:
    """A figure, or None: it could not be measured."""
    value = _pick(metrics, stage, *keys)
    return value if value is None else _measured(metrics, stage, *keys)


def _damaged(stage: str, lacks: str) -> V3Error:
    return V3Error(f"the metric file of {stage} holds no {lacks}: delete it, run `dvc repro`.")


def _pick(metrics: Mapping[str, Any], stage: str, *keys: str) -> Any:
    value = metrics[stage]
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            raise _damaged(stage, ".".join(keys))
        value = value[key]
    return value
