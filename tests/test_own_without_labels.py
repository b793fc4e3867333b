"""Labels are optional: every stage runs to its end, and says by name what it leaves out."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bars import SOURCE, ordinary, write_corpus, write_model, write_params
from stage_runs import EVALUATIONS, metrics, stage

from v3.model.spec import Spec

BY_SHARES = {"validation": 0.2, "test": 0.34, "few_shot": [1, 2]}
Sample = tuple[int, list[int], int]


def nothing(sample: Sample) -> Sample:
    return -1, [-1] * len(sample[1]), -1


def contents(sample: Sample) -> Sample:
    return -1, sample[1], -1


def styles(sample: Sample) -> Sample:
    return sample[0], [-1] * len(sample[1]), -1


@pytest.fixture
def measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: Spec
) -> Callable[[Callable[[Any], Any]], dict[str, Any]]:
    """All metric files of bars whose labels are as told, no style being unseen."""
    monkeypatch.chdir(tmp_path)

    def measure(known: Callable[[Any], Any]) -> dict[str, Any]:
        samples = [known(sample) for sample in ordinary()]
        has_contents = any(max(sample[1]) >= 0 for sample in samples)
        has_styles = any(sample[0] >= 0 for sample in samples)
        write_corpus(
            Path("data/bars/fragments.h5"),
            samples,
            ("left", "middle", "right") if has_contents else (),
            ("a", "b", "c", "d") if has_styles else (),
        )
        write_params(BY_SHARES)
        write_model(tiny_spec)
        for name in ("split", "pictures", *EVALUATIONS, "codes", "summary", "card"):
            stage(name, "bars")
        measured = {*EVALUATIONS, "codes", "summary"} - {"tsne"}
        return {name: metrics(Path(), name) for name in measured}

    return measure


def test_no_label_at_all(measured: Callable[..., dict[str, Any]]) -> None:
    """How codes are used is there, in how many directions styles differ, and every picture."""
    found = measured(nothing)
    assert found["codebook"]["purity"] is None
    assert "has a known content" in found["codebook"]["left_out"]
    assert 1 <= found["codebook"]["perplexity"] <= found["codebook"]["active_codes"]
    assert found["leakage"]["effective_rank"] > 0
    assert "known content" in found["leakage"]["left_out"]
    assert "known style" in found["leakage"]["left_out"]
    assert found["swap"]["content_kept"] is found["swap"]["style_taken"] is None
    for name in ("zero_shot", "few_shot", "baseline", "bound"):
        assert "no style is kept out of training" in found[name]["left_out"], name
    summary = found["summary"]
    assert summary["source"] == SOURCE
    assert summary["beats_baseline"] is summary["purity"] is summary["baseline_purity"] is None
    drawn = {file.name for file in Path("plots/bars").rglob("*.png")}
    assert {"confusion.png", "code_by_style.png", "swap.png", "reconstructions.png"} <= drawn
    assert {"few_shot.png", "tsne.png", "samples.png", "precision_recall.png"} <= drawn
    assert Path("models/bars.md").is_file()
    assert set(found["codes"]["ratios"]) == {"content", "style", "between", "within"}
    with open("data/bars/codes/codes.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(sample[1]) for sample in ordinary())
    assert rows[0]["content"] == rows[0]["style"] == rows[0]["file"] == ""
    assert {row["part"] for row in rows} == {"train", "validation", "test"}
    assert rows[0]["sample"] == "bars-0"
    assert "z_s_0" in rows[0]
    used = {int(row["code"]) for row in rows}
    sheets = {file.name for file in Path("data/bars/codes").glob("*.png")}
    assert sheets == {f"code_{code:03d}.png" for code in used}


def test_contents_alone(measured: Callable[..., dict[str, Any]]) -> None:
    """Where no style has a name, samples give the styles of swaps, and content is judged."""
    found = measured(contents)
    assert 0 < found["codebook"]["purity"] <= 1
    assert found["swap"]["content_kept"] is not None
    assert found["swap"]["style_taken"] is None
    assert found["swap"]["left_out"] == (
        "no sample of the part 'test' has a known style, which this compares with"
    )
    assert found["baseline"]["raw"]["purity"] is not None
    assert found["baseline"]["raw"]["zero_shot"] is None
    assert found["bound"]["purity"] is not None
    assert found["bound"]["zero_shot"] is None
    assert found["summary"]["beats_baseline"] in (True, False)


def test_styles_alone(measured: Callable[..., dict[str, Any]]) -> None:
    found = measured(styles)
    assert found["codebook"]["one_to_one"] is None
    assert found["retrieval"]["style_by_z_s"]["pr_auc"] is not None
    assert found["retrieval"]["content_by_z_c"]["pr_auc"] is None
    assert found["leakage"]["style_from_z_s"]["accuracy"] is not None
    assert found["bound"]["purity"] is None
