"""The headline picks its figures; over seeds, worst is whichever way is bad."""

import pytest

from v3.base.errors import V3Error
from v3.evaluation.headline import gap_recovered, headline, over_seeds

PR_AUC = {"pr_auc": 0.5, "chance": 0.1}
METRICS = {
    "codebook": {"source": "here", "one_to_one": 0.9, "purity": 0.95, "pnmi": 0.93},
    "zero_shot": {"accuracy": 0.8, "purity": 0.85},
    "few_shot": {
        "source": "here",
        "samples_0": {"accuracy": 0.8},
        "samples_5": {"accuracy": 0.85},
        "samples_10": {"accuracy": 0.9},
    },
    "leakage": {
        "content_from_decoder_style": {"accuracy": 0.1, "chance": 0.1},
        "effective_rank": 3.2,
        "verification_z_s": {"equal_error_rate": 0.05},
        "verification_atoms": {"equal_error_rate": None},
    },
    "retrieval": {f"{a}_by_{z}": PR_AUC for a in ("content", "style") for z in ("z_c", "z_s")},
    "swap": {"content_kept": 0.7, "style_taken": None, "style_ceiling": 0.9},
}


def test_figures_by_name_and_in_order():
    assert list(headline(METRICS).items())[:8] == [
        ("source", "here"),
        ("one_to_one", 0.9),
        ("purity", 0.95),
        ("pnmi", 0.93),
        ("zero_shot", 0.8),
        ("few_shot_5", 0.85),
        ("few_shot_10", 0.9),
        ("zero_shot_purity", 0.85),
    ]
    assert headline(METRICS)["leakage"] == 0.1
    assert headline(METRICS)["swap_style_taken"] is None


def test_what_is_not_measured_is_left_out():
    given = {stage: figures for stage, figures in METRICS.items() if stage != "swap"}
    assert set(headline(METRICS)) - set(headline(given)) == {
        "swap_content_kept",
        "swap_style_taken",
        "swap_style_ceiling",
    }


def test_a_file_without_its_figure_is_named():
    with pytest.raises(V3Error, match=r"retrieval holds no content_by_z_c\.pr_auc"):
        headline({**METRICS, "retrieval": {"content_by_z_c": {}}})


@pytest.mark.parametrize(
    ("stage", "content", "said"),
    [
        ("codebook", {"source": "here", "one_to_one": 0.9, "purity": "high"}, "codebook .*purity"),
        ("few_shot", {"samples_5": {}}, r"few_shot holds no samples_5\.accuracy"),
        ("few_shot", {"samples_5": 3}, r"few_shot holds no samples_5\.accuracy"),
        ("baseline", {"raw": {"one_to_one": "low"}}, r"baseline .*raw\.one_to_one"),
    ],
)
def test_a_file_with_something_else_in_place_of_a_figure(stage, content, said):
    with pytest.raises(V3Error, match=said):
        headline({**METRICS, stage: content})


def baseline(**front_ends):
    return {"source": "here", "atoms": 10, "best": "raw", **front_ends}


def test_the_best_front_end_is_the_one_to_beat():
    raw = {"one_to_one": 0.5, "purity": 0.95, "zero_shot": 0.2, "zero_shot_purity": 0.3}
    components = {"one_to_one": 0.6, "purity": 0.7, "zero_shot": 0.1, "zero_shot_purity": 0.4}
    cepstra = {"one_to_one": 0.1, "purity": 0.1, "zero_shot": 0.3, "zero_shot_purity": 0.1}
    three = {"raw": raw, "components": components, "cepstra": cepstra}
    got = headline({**METRICS, "baseline": baseline(**three)})
    assert got["baseline_one_to_one"] == 0.6
    assert got["baseline_purity"] == 0.95
    assert got["baseline_zero_shot"] == 0.3
    assert got["baseline_zero_shot_purity"] == 0.4
    assert got["baseline_front_end"] == "raw"
    assert got["beats_baseline"] is False  # as good is not better
    raw["purity"] = 0.94
    assert headline({**METRICS, "baseline": baseline(**three)})["beats_baseline"]
    assert "beats_baseline" not in headline(METRICS)
    for front_ends, said in (
        ({"components": {}}, r"baseline holds no components\.one_to_one"),
        ({}, "baseline holds no front end"),
    ):
        with pytest.raises(V3Error, match=said):
            headline({**METRICS, "baseline": baseline(**front_ends)})


def test_how_much_of_the_way_to_the_bound():
    four = {"one_to_one": 0.5, "purity": 0.75, "zero_shot": 0.2, "zero_shot_purity": 0.9}
    bound = {"purity": 1.0, "zero_shot": None, "zero_shot_purity": 0.9}
    given = {**METRICS, "baseline": baseline(raw=four), "bound": bound}
    got = headline(given)
    assert got["bound_purity"] == 1.0
    assert got["bound_zero_shot"] is None
    assert got["gap_recovered"] == pytest.approx(0.8)  # of 0.75 to 1 the model has 0.95
    assert got["gap_recovered_unseen"] is None  # the bound is no better than k-means
    del given["baseline"]
    assert headline(given)["gap_recovered"] is None


@pytest.mark.parametrize(
    ("figures", "wanted"),
    [
        ((0.5, 0.4, 0.6), 0.5),
        ((0.3, 0.4, 0.6), -0.5),
        ((0.7, 0.4, 0.6), 1.5),
        ((0.5, 0.6, 0.6), None),
        ((0.5, 0.7, 0.6), None),
        ((None, 0.4, 0.6), None),
        ((0.5, 0.4, None), None),
    ],
)
def test_the_gap_that_is_recovered(figures, wanted):
    assert gap_recovered(*figures) == (wanted if wanted is None else pytest.approx(wanted))


def test_what_is_true_or_false_is_no_figure():
    got = over_seeds({seed: {"purity": 0.5, "beats_baseline": True} for seed in (0, 1)})
    assert set(got) == {"purity", "median", "worst"}
    assert set(got["median"]) == {"purity"}


def test_median_and_worst():
    scores = {
        0: {"source": "here", "purity": 0.9, "leakage": 0.1, "swap_style_taken": None},
        2: {"source": "here", "purity": 0.7, "leakage": 0.4, "swap_style_taken": 0.5},
        1: {"source": "here", "purity": 0.8, "leakage": 0.2, "swap_style_taken": 0.5},
    }
    assert over_seeds(scores) == {
        "purity": {"0": 0.9, "2": 0.7, "1": 0.8},
        "leakage": {"0": 0.1, "2": 0.4, "1": 0.2},
        "median": {"purity": 0.8, "leakage": 0.2},
        "worst": {"purity": 0.7, "leakage": 0.4},
    }
