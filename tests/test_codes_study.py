"""How many codes: what is chosen without a label, and codebooks of several sizes side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bars import ordinary, write_corpus, write_params
from PIL import Image
from ruamel.yaml import YAML
from stage_runs import stage

from v3.base.errors import V3Error
from v3.evaluation.code_count import Trained, agreed, between_seeds, choices, sweep_figures
from v3.evaluation.code_sizes import over_sizes, size_score
from v3.evaluation.codebook import code_use
from v3.evaluation.params import StudyParams

CONTENTS = 6


def partition(content: np.ndarray, atoms: int, seed: int) -> np.ndarray:
    """Codes of a perfect training: too few merge whole contents by the seed, too many split them.

    What a surplus code takes is the half of a content, drawn by the seed; numbers are shuffled.
    """
    draw = np.random.default_rng(seed)
    order = draw.permutation(CONTENTS)
    codes = order[content] % min(atoms, CONTENTS)
    for extra in range(CONTENTS, atoms):
        chosen = codes == extra % CONTENTS
        codes[chosen & (draw.random(len(codes)) < 0.5)] = extra
    return draw.permutation(atoms)[codes]


def perfect(seed: int, atoms: int) -> Trained:
    content = np.random.default_rng(99).integers(CONTENTS, size=900)
    codes = partition(content, atoms, seed)
    use = code_use(np.bincount(codes, minlength=atoms))
    error = 0.1 + 0.1 * max(0, CONTENTS - atoms) + 0.001 * max(0, CONTENTS - atoms / 4)
    return Trained(codes, error, agreed(codes, codes), 0.1, **use)


def test_agreement_is_adjusted_mutual_information() -> None:
    one = np.array([0, 0, 1, 1, 2, 2])
    assert agreed(one, np.array([5, 5, 0, 0, 3, 3])) == pytest.approx(1)  # by whatever names
    assert agreed(one, np.zeros(6, int)) == agreed(np.ones(6, int), np.ones(6, int)) == 0.0
    draw = np.random.default_rng(0)
    many = draw.integers(40, size=(2, 2000))
    assert abs(agreed(*many)) < 0.02  # without the adjustment 40 codes share 0.06 by chance
    with pytest.raises(V3Error, match="not of the same fragments"):
        agreed(one, one[:5])


def test_seeds_agree_in_pairs() -> None:
    a, b = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])
    crossed = np.array([0, 1, 0, 1])
    both = between_seeds({0: a, 4: b, 7: crossed})
    assert both["shared_codes"]["0-4"] == pytest.approx(2)
    assert both["shared_codes"]["0-7"] == pytest.approx(1)
    found = both["between_seeds"]
    assert list(found) == ["0-4", "0-7", "4-7"]
    assert found["0-4"] == pytest.approx(1)
    assert found["0-7"] == found["4-7"] < 0.01
    with pytest.raises(V3Error, match="list two seeds or more"):
        between_seeds({0: a})


def test_the_number_of_contents_is_found_without_a_label() -> None:
    sizes = (3, 4, 6, 8, 12)
    found = sweep_figures(
        {atoms: {seed: perfect(seed, atoms) for seed in range(3)} for atoms in sizes}
    )
    assert found["choice"] == found["would_choose"]["shared_codes"] == CONTENTS
    by_atoms = found["by_atoms"]
    assert list(by_atoms) == ["3", "4", "6", "8", "12"]
    assert by_atoms["6"]["between_seeds"] == pytest.approx({"0-1": 1, "0-2": 1, "1-2": 1})
    middle = {atoms: item["middle"]["between_seeds"] for atoms, item in by_atoms.items()}
    assert middle["6"] == pytest.approx(1)
    assert all(middle[atoms] < 0.9 for atoms in ("3", "4", "8", "12"))
    shared = {atoms: item["middle"]["shared_codes"] for atoms, item in by_atoms.items()}
    assert shared["6"] == pytest.approx(6, abs=0.1)
    assert shared["12"] == pytest.approx(6, abs=0.3)  # halves that chance makes are not shared
    assert shared["3"] < 3
    assert found["would_choose"]["between_seeds"] == CONTENTS
    assert found["would_choose"]["error"] == CONTENTS  # the rest of its fall is worth no code
    assert found["would_choose"]["perplexity"] == 12  # which even use drives up without end
    assert by_atoms["4"]["active_codes"] == {"0": 4, "1": 4, "2": 4}


def test_neither_surplus_nor_stable_merging_misleads() -> None:
    """Codes beyond the contents stay unused at K = 12; at K = 3 all seeds merge the same pairs."""
    content = np.random.default_rng(99).integers(CONTENTS, size=900)
    by_atoms = {3: content // 2, 6: content, 12: content}
    found = sweep_figures(
        {
            atoms: {
                seed: Trained(codes, 0.1, 1.0, 0.1, **code_use(np.bincount(codes)))
                for seed in (0, 1)
            }
            for atoms, codes in by_atoms.items()
        }
    )
    agreement = [item["middle"]["between_seeds"] for item in found["by_atoms"].values()]
    assert agreement == pytest.approx([1, 1, 1])
    shared = [item["middle"]["shared_codes"] for item in found["by_atoms"].values()]
    assert shared == pytest.approx([3, 6, 6], abs=0.05)
    assert found["choice"] == CONTENTS


def test_each_figure_chooses_in_its_own_way() -> None:
    flat = {"error": 0.5, "views": 0.9, "agreement": 0.2, "perplexity": 4.0, "shared_codes": 4.0}
    middle = {
        5: flat | {"between_seeds": 0.99},
        7: flat | {"between_seeds": 0.80},
        10: flat | {"between_seeds": 0.975, "shared_codes": 9.1},
        14: flat | {"between_seeds": 0.95, "agreement": 0.25, "views": 0.87, "shared_codes": 10.0},
    }
    assert choices(middle) == {
        "between_seeds": 10,
        "shared_codes": 10,
        "views": 10,
        "agreement": 10,
        "error": 5,  # nothing falls
        "perplexity": 5,
    }


def test_code_use_counts_what_is_used() -> None:
    assert code_use(np.array([2, 2, 0])) == {"active_codes": 2, "perplexity": pytest.approx(2)}


def test_runs_of_a_study_by_size_and_seed() -> None:
    study = StudyParams.model_validate(
        {
            "datasets": ("a",),
            "seeds": (0, 2),
            "slow_datasets": ("b",),
            "slow_seeds": (1,),
            "atoms": "4, 8",
            "codebooks": {"b": {"atoms": (5,), "published": (0.5,)}},
            "part": 0.5,
        }
    )
    assert list(study.runs_of("a")) == ["a-4-0", "a-4-2", "a-8-0", "a-8-2"]
    assert study.runs_of("b") == {"b-5-1": {"dataset": "b", "atoms": 5, "seed": 1, "part": 0.5}}
    assert list(study.runs_of("mine")) == ["mine-4-0", "mine-4-2", "mine-8-0", "mine-8-2"]
    assert (study.published_at("a"), study.published_at("b")) == ({}, {5: 0.5})


def metric_files(purity: float, atoms: int) -> dict[str, Any]:
    codebook = {"source": "x", "one_to_one": 0.5, "purity": purity, "macro_purity": purity - 0.1}
    codebook |= {"pnmi": 0.7, "chance_macro_purity": 0.2, "chance_purity": 0.3}
    codebook |= {"active_codes": atoms, "perplexity": atoms - 0.5, "atoms": atoms, "labels": 3}
    return {"codebook": codebook, "zero_shot": {"accuracy": 0.6, "purity": 0.65}}


def test_one_to_one_belongs_to_as_many_codes_as_contents() -> None:
    scores = {
        atoms: {seed: size_score(metric_files(purity, atoms)) for seed, purity in runs.items()}
        for atoms, runs in {3: {0: 0.5, 1: 0.7}, 6: {0: 0.8, 1: 0.9}}.items()
    }
    found = over_sizes(scores, {6: 0.995})
    assert found["3"]["one_to_one"] == {"0": 0.5, "1": 0.5}
    assert "one_to_one" not in found["6"]
    assert found["6"]["purity"] == {"0": 0.8, "1": 0.9}
    assert found["6"]["median"]["macro_purity"] == pytest.approx(0.75)
    assert found["6"]["worst"]["macro_purity"] == pytest.approx(0.7)
    assert found["6"]["published_macro_purity"] == 0.995
    assert "published_macro_purity" not in found["3"]
    assert found["3"]["chance_macro_purity"] == {"0": 0.2, "1": 0.2}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with bars and what a study reads of params.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v3").symlink_to(Path(__file__).parent.parent / "v3")
    write_params(
        {"validation": 0.25, "test": 0.25, "few_shot": [1]},
        train={"steps": 20, "batch_samples": 4, "fragments_per_sample": 3, "validate_every": 10},
        specs={"laptop": {"layers": ["8, 4x4, 2x2", "8, 4x4, 2x2"], "content_dim": 8}},
    )
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(Path("params.yaml").read_text("utf-8"))
    params["studies"] = {
        "sweep": {"datasets": [], "seeds": [0, 1], "atoms": [2, 4], "part": 0.5},
        "codes": {
            "datasets": ["bars"],
            "seeds": [0],
            "codebooks": {"bars": {"atoms": [3, 6], "published": [0.5, 0.75]}},
        },
    }
    with open("params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(params, file)


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("known", [True, False])
def test_a_sweep_needs_no_label(known: bool) -> None:
    samples = ordinary()
    if not known:
        samples = [(style, [-1] * len(content), group) for style, content, group in samples]
    write_corpus(Path("data/bars/fragments.h5"), samples)
    for name in ("split", "spec"):
        stage(name, "bars")
    for atoms in (2, 4):
        for seed in (0, 1):
            folder = f"studies/sweep/runs/{atoms}-{seed}"
            shared = ("bars", "--run", folder)
            stage("train", *shared, "--seed", str(seed), "--atoms", str(atoms), "--part", "0.5")
            out = Path(f"studies/sweep/runs/codes/bars/{atoms}-{seed}.json")
            stage("sweep_codes", *shared, "--out", str(out))
            score = json.loads(out.read_text("utf-8"))
            assert (score["atoms"], score["steps"]) == (atoms, 10)
            assert len(score["codes"]) == score["fragments"] > 0
            assert score["error"] > 0
    stage("summarise_sweep", "bars")
    found = json.loads(Path("studies/sweep/metrics/bars.json").read_text("utf-8"))
    assert found["contents"] == (3 if known else None)
    assert found["choice"] in (2, 4)
    assert set(found["by_atoms"]["2"]["error"]) == {"0", "1"}
    with Image.open("studies/sweep/plots/bars.png") as image:
        image.load()


@pytest.mark.usefixtures("corpus")
def test_training_refuses_what_is_no_size_and_no_part() -> None:
    write_corpus(Path("data/bars/fragments.h5"), ordinary())
    for name in ("split", "spec"):
        stage(name, "bars")
    for arguments, said in (
        (("--atoms", "1"), "--atoms must be >= 2, is 1"),
        (("--atoms", "5000"), r"is wanted has 5000 atoms.*: lower `--atoms`"),
        (("--part", "0"), "--part must be > 0, is 0"),
        (("--part", "1.5"), r"--part must be <= 1, is 1\.5"),
    ):
        with pytest.raises(SystemExit, match=said):
            stage("train", "bars", *arguments)
    assert not Path("models").exists()


@pytest.mark.usefixtures("corpus")
def test_codebooks_side_by_side() -> None:
    """The listed sizes alone; a size that is missing is named."""
    for atoms in (3, 6, 9):
        run = Path(f"studies/codes/runs/{atoms}-0")
        files = metric_files(0.6, atoms)
        files["leakage"] = {"content_from_decoder_style": {"accuracy": 0.4}, "effective_rank": 2.0}
        for name in ("z_s", "atoms"):
            files["leakage"][f"verification_{name}"] = {"equal_error_rate": 0.1}
        files["swap"] = {"content_kept": 0.9, "style_taken": 0.8, "style_ceiling": 0.85}
        for name, content in files.items():
            file = run / "metrics" / "bars" / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"source": "x"} | content), "utf-8")
        out = f"studies/codes/scores/bars/{atoms}-0.json"
        stage("collect_codes", "bars", "--run", str(run), "--out", out)
    stage("summarise_codes", "bars")
    found = json.loads(Path("studies/codes/metrics/bars.json").read_text("utf-8"))["by_atoms"]
    assert list(found) == ["3", "6"]
    assert found["6"]["published_macro_purity"] == 0.75
    assert found["6"]["median"]["swap_style_taken"] == 0.8
    assert found["6"]["median"]["leakage"] == 0.4
    with Image.open("studies/codes/plots/bars.png") as image:
        image.load()
    Path("studies/codes/scores/bars/6-0.json").unlink()
    with pytest.raises(SystemExit, match=r"6-0\.json is missing"):
        stage("summarise_codes", "bars")
