"""params.yaml: every mistake named where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from params_changed import DATASETS, NAMES, RAW, changed, message, without

from v3.base.errors import V3Error
from v3.params import load_params, parse_params

# Named by people, not by the code: any name will do.
FREE = re.compile(r"\.(programs|unseen_programs|specs|groups|codebooks)\.[^.]+$|^studies\.[^.]+$")
# What only one place says: without it something is missing.
ONLY_THERE = [
    name
    for name in NAMES
    if name.split(".")[0] in ("defaults", "machine")
    or (name.count(".") == 1 and name.split(".")[0] in DATASETS)
]


def test_a_wrong_name_is_told_how_to_type_it() -> None:
    said = message(changed("phonenums.train.relativty", 10))
    assert said.startswith("phonenums.train.relativty is not a parameter; did you mean relativity?")
    assert said.endswith("(`-S phonenums.train.relativity=...`)")  # which its section lists
    said = message(changed("phonenums.train.clip_nrom", 1))
    assert said.endswith("did you mean clip_norm? (`-S +phonenums.train.clip_norm=...`)")
    said = message(changed("phonenums.train.weights.contnet", 1))
    assert said.endswith("did you mean content? (`-S phonenums.train.weights.content=...`)")
    said = message(changed("defaults.train.stepps", 10))
    assert said.startswith("defaults.train.stepps is not a parameter; did you mean steps?")
    assert said.endswith("(`-S defaults.train.steps=...`)")
    assert message(changed("phonenums.train.xyz", 1)).count("`") == 0


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("train.relativity", 0.5, "must be > 1, is 0.5"),
        ("train.relativity", "banana", "must be a number, is 'banana'"),
        ("train.learning_rate", "1e-05", "must be a number, is '1e-05'"),
        ("train.learning_rate", 0, "must be > 0, is 0"),
        ("train.learning_rate", float("nan"), "must be a finite number, is nan"),
        ("train.clip_norm", float("inf"), "must be a finite number, is inf"),
        ("train.steps", 1.5, "must be a whole number, is 1.5"),
        ("train.steps", True, "must be a whole number, is True"),
        ("train.relativity", True, "must be a number, is True"),
        ("train.supersampling", 1, "must be true or false, is 1"),
        ("train.supersampling", "no", "must be true or false, is 'no'"),
        ("train.optimiser", "sgd", "must be one of adamw, adam, is 'sgd'"),
        ("train.optimiser", None, "must be one of adamw, adam, is None"),
        ("train.betas", 0.9, "must be a list, is 0.9"),
        ("train.betas", [0.9], "must be a list of more items, has 1"),
        ("train.betas", [0.9, 0.9, 0.9], "must have 2 items at most, has 3"),
        ("train.weights", 1, "must be a section of named values, is 1"),
        ("train.style_window", 2, "must be odd, is 2"),
        ("train.dead_atom_threshold", 12.0, "must be <= 1, is 12"),
        ("train.augment.hue", 0.6, "must be <= 0.5, is 0.6"),
        ("train", None, "must be a section of named values, is None"),
        ("spec", "big", "must be one of laptop, paper, is 'big'"),
        ("specs.laptop.atoms", 1, "must be >= 2, is 1"),
        ("specs.laptop.network", "mlp", "must be one of strided, residual, is 'mlp'"),
        ("specs.laptop.layers", "32", "must be a section of named values, is 32"),
        ("split.test", 0, "must be > 0, is 0"),
        ("split.few_shot", [5, 1], "must rise, is [5, 1]"),
        ("split.unseen_styles", ["pink", "pink"], "must name nothing twice, repeats 'pink'"),
        ("tsne.perplexity", 1000, "must be < fragments (1000), is 1000"),
        ("train.style_window", 11, "must be <= fragments_per_sample (10), is 11"),
        ("train.late_threshold", 0.9, "must be <= dead_atom_threshold (0.4), is 0.9"),
        ("train.warmup_steps", 1_000_000, "must be < steps ("),
        ("train.betas", [0.9, 1], "[1] must be < 1, is 1"),
        ("retrieval.points", 10**9, "must be <= 1000, is 1e+09"),
        ("few_shot.learning_rate", 1e300, "must be <= 1000, is 1e+300"),
        ("swap.swaps", 10**25, "must be <= 100000, is 1e+25"),
    ],
)
def test_senseless_values_are_refused_by_full_name(name: str, value: Any, expected: str) -> None:
    said = message(changed(f"phonenums.{name}", value))
    assert said.replace("[1]", " [1]").replace("  ", " ").startswith(f"phonenums.{name}"), said
    assert expected.removeprefix("[1] ") in said


def test_a_value_of_the_defaults_is_named_there() -> None:
    said = message(changed("defaults.train.schedule", "linear"))
    assert said.startswith("defaults.train.schedule must be one of constant, cosine, step")
    said = message(changed("defaults.tsne.fragments", 10))
    assert said.startswith("defaults.tsne.perplexity must be < fragments (10)")
    assert message(changed("machine.device", "gpu")).startswith("machine.device must be one of")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("phonenums.split.test", 0.95, "phonenums.split.validation + test must be < 1"),
        ("phonenums.split.groups", {"a": [1, 0, 0, 0]}, "phonenums.split.groups must stand alone"),
        ("svhn.split.groups.train", [1, 1, 0, 0], "svhn.split.groups.train must be shares of"),
        ("studies.seeds.slow_datasets", ["phonenums"], "studies.seeds.slow_datasets must share"),
        ("studies.seeds.datasets", ["nobody"], "nobody is missing"),
        ("studies.codes.datasets", ["svhn"], "studies.codes.codebooks must have svhn"),
        ("studies.sweep.codebooks.nobody", {"atoms": [3]}, "studies.sweep.codebooks has nobody"),
        (
            "studies.codes.codebooks.phonenums.published",
            [0.9],
            "studies.codes.codebooks.phonenums.published must have one figure for each of 3 atoms",
        ),
        ("studies.sweep.atoms", [5, 5], "studies.sweep.atoms must rise, is [5, 5]"),
        ("datasets", ["svnh"], "svnh is missing"),
        ("datasets", [], "datasets must have 1"),
        ("datasets", ["machine"], "machine is missing: it is listed as a dataset"),
        (
            "chairs",
            3,
            "chairs is not a parameter; known here: datasets, machine, defaults, studies",
        ),
        ("studie", {}, "studie is not a parameter; did you mean studies?"),
        ("defaults.pages", {}, "defaults.pages is not a parameter"),
        ("phonenums.midi", {}, "phonenums.midi is not a parameter"),
    ],
)
def test_sections_must_agree(name: str, value: Any, expected: str) -> None:
    assert message(changed(name, value)).startswith(expected)


@given(st.sampled_from(ONLY_THERE))
def test_every_missing_key_is_named(name: str) -> None:
    raw = without(name)
    if name.startswith("defaults.specs"):
        return  # specs are named by people; which keys a spec needs is tested below
    if name == "defaults.train.fragments_per_sample":
        return  # every corpus says its own
    key = name.rsplit(".", 1)[-1]
    said = message(raw)
    assert re.search(rf"\b{key}\b.* (is missing|is 'default', of which)", said), said


@given(st.sampled_from(NAMES), st.data())
def test_every_misspelt_key_is_named(name: str, data: st.DataObject) -> None:
    if FREE.search(name) or "." not in name:
        return
    section, key = name.rsplit(".", 1)
    if key == "train" and "." not in section and section not in (*RAW["datasets"], "defaults"):
        return  # a section that no list names is a dataset's by its `train`
    position = data.draw(st.integers(0, len(key) - 1))
    misspelt = key[:position] + key[position] + key[position:]
    said = message(without(name, misspelt))
    assert said.startswith(f"{section}.{misspelt} is not a parameter")


@given(
    st.sampled_from(NAMES), st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.just([]))
)
def test_whatever_a_value_is_it_is_read_or_refused_by_name(name: str, value: Any) -> None:
    """Never another exception; and the message starts with something that was changed."""
    try:
        parse_params(changed(name, value))
    except V3Error as error:
        refusal = str(error)
        assert refusal
        if name.split(".")[0] not in ("datasets", "studies", "defaults"):
            assert name.split(".")[0] in refusal


def test_unreadable_files_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    with pytest.raises(V3Error, match=r"params\.yaml is missing"):
        load_params(file)
    for text, expected in (
        ("a: [1", "line"),
        ("a: {b: 'c':3}", "quotation marks"),
        ("a: 1\na: 2", "line 2"),
        ("a:\n  seed: 2024-13-45", "line 2"),
        ("a: 2024-99-99", "line 1"),
        ("a: !!int x", "line 1"),
        ("a: !unknown x", "line 1"),
        ("a: *nobody", "line 1"),
        ("? [1, 2]\n: 3", "must be text"),
        ("5: {train: {}}", "must be text, is 5"),
        ("", "section"),
        ("\0", "no YAML"),
        ("[1, 2]", "section"),
    ):
        file.write_text(text)
        with pytest.raises(V3Error, match=expected) as error:
            load_params(file)
        assert "\n" not in str(error.value)
    file.write_bytes(b"a: \xff\xfe")
    with pytest.raises(V3Error, match="no YAML"):
        load_params(file)
    with pytest.raises(V3Error, match="is a folder: move it away"):
        load_params(tmp_path)
