"""params.yaml: typed, complete, and every mistake named by its full dotted name."""

from __future__ import annotations

import copy
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from v3.params_check import check_params

from v3.base.errors import V3Error
from v3.model.spec import Spec
from v3.params import load_params

FILE = Path(__file__).parent.parent / "params.yaml"
RAW: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
# Named by people, not by the code (programs, specs, groups), or free to be left out.
FREE = re.compile(
    r"\.((programs|unseen_programs|specs|groups|variants)\.[^.]+|groups|unseen_styles)$"
    r"|\.(distance|contrast_norm|sample_norm)$"
    r"|\.variants\.[^.]+\.train\."
)


def leaves(value: Any, name: str = "") -> list[str]:
    """Dotted names of all keys, sections included; lists are taken as they are."""
    if not isinstance(value, dict):
        return []
    names = []
    for key, item in value.items():
        full = f"{name}.{key}" if name else key
        names += [full, *leaves(item, full)]
    return names


NAMES = leaves(RAW)


def changed(name: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    *path, last = name.split(".")
    section = raw
    for key in path:
        section = section[key]
    section[last] = value
    return raw


def without(name: str, instead: str | None = None) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    *path, last = name.split(".")
    section = raw
    for key in path:
        section = section[key]
    value = section.pop(last)
    if instead is not None:
        section[instead] = value
    return raw


def message(raw: Any) -> str:
    with pytest.raises(V3Error) as error:
        check_params(raw)
    return str(error.value)


def test_params_types_and_unknown_keys() -> None:
    train = load_params(FILE).dataset("phonenums").train
    assert isinstance(train.relativity, float)
    assert isinstance(train.steps, int)
    assert train.supersampling is False
    assert isinstance(train.betas, tuple)
    ints = check_params(changed("phonenums.train.relativity", 10)).dataset("phonenums").train
    assert ints.relativity == 10.0
    assert isinstance(ints.relativity, float)
    assert message(without("phonenums.train.relativity", "relativty")) == (
        "phonenums.train.relativty is not a parameter; did you mean relativity?"
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("train.relativity", 0.5, "must be > 1, is 0.5"),
        ("train.relativity", "banana", "must be a number, is 'banana'"),
        ("train.learning_rate", "banana", "must be a number, is 'banana'"),
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
        ("train.optimiser", None, "must be text, is None"),
        ("train.betas", 0.9, "must be a list, is 0.9"),
        ("train.betas", [0.9], "must be a list of 2 items, has 1"),
        ("train.weights", 1, "must be a section of named values, is 1"),
        ("train.style_window", 2, "must be odd, is 2"),
        ("train.augment.hue", 0.6, "must be <= 0.5, is 0.6"),
        ("train", None, "must be a section of named values, is None"),
        ("spec", "big", "must be one of laptop, paper, is 'big'"),
        ("specs.laptop.atoms", 1, "must be >= 2, is 1"),
        ("specs.laptop.network", "mlp", "must be one of strided, residual, is 'mlp'"),
        ("split.test", 0, "must be > 0, is 0"),
        ("split.few_shot", [5, 1], "must rise, is [5, 1]"),
        ("split.unseen_styles", ["pink", "pink"], "must name nothing twice, repeats 'pink'"),
        ("tsne.perplexity", 1000, "must be < phonenums.tsne.fragments (1000), is 1000"),
        ("pages.colours", [], "must have 1 items or more, has 0"),
        (
            "pages.unseen_colours",
            ["red"],
            "must share nothing with phonenums.pages.colours, both have 'red'",
        ),
        ("pages.colours", ["ultragreen"], "must be CSS colour names, has 'ultragreen'"),
        ("pages.unseen_colours", ["C0"], "must be CSS colour names, has 'C0'"),
        ("pages.translation", 15.5, "must be <= 15, is 15.5"),
        (
            "train.style_window",
            11,
            "must be <= phonenums.train.fragments_per_sample (10), is 11",
        ),
    ],
)
def test_senseless_values_are_refused_by_full_name(name: str, value: Any, expected: str) -> None:
    assert message(changed(f"phonenums.{name}", value)) == f"phonenums.{name} {expected}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("insnotes.midi.last_pitch", 60, "insnotes.midi.last_pitch must be >"),
        ("insnotes.midi.velocity", [90, 80], "insnotes.midi.velocity must be [lowest, highest]"),
        ("insnotes.midi.interval_seconds", 0.5, "insnotes.midi.interval_seconds must be >="),
        ("insnotes.midi.unseen_programs.flute", 64, "insnotes.midi.programs and"),
        ("insnotes.stft.bins", 600, "insnotes.stft.bins must be <= 513"),
        ("insnotes.stft.hop", 2048, "insnotes.stft.hop must be <="),
        ("phonenums.split.test", 0.95, "phonenums.split.validation + phonenums.split.test must"),
        (
            "phonenums.train.late_threshold",
            1000,
            "phonenums.train.late_threshold must be <= phonenums.train.dead_atom_threshold (",
        ),
        (
            "phonenums.train.warmup_steps",
            1_000_000,
            "phonenums.train.warmup_steps must be < phonenums.train.steps (",
        ),
        (
            "phonenums.pages.unseen_colours",
            [],
            "phonenums.pages.unseen_pages must be 0 where phonenums.pages.unseen_colours is empty",
        ),
        ("phonenums.split.groups", {"a": [1, 0, 0, 0]}, "phonenums.split.groups must stand alone"),
        ("phonenums.train.betas", [0.9, 1], "phonenums.train.betas[1] must be < 1, is 1"),
        ("studies.slow_datasets", ["phonenums"], "studies.slow_datasets must share nothing"),
        ("datasets", ["svnh"], "svnh is missing"),
        ("datasets", [], "datasets must have 1"),
        ("chairs", 3, "chairs is not a parameter; known here: datasets, studies"),
        ("studie", {}, "studie is not a parameter; did you mean studies?"),
    ],
)
def test_fields_must_agree(name: str, value: Any, expected: str) -> None:
    assert message(changed(name, value)).startswith(expected)


@given(st.sampled_from(NAMES))
def test_every_missing_key_is_named(name: str) -> None:
    raw = without(name)
    if not FREE.search(name):
        assert message(raw).startswith(f"{name} is missing")
    elif name.endswith(".laptop"):
        assert "spec must be one of paper" in message(raw)


@given(st.sampled_from(NAMES), st.data())
def test_every_misspelt_key_is_named(name: str, data: st.DataObject) -> None:
    if FREE.search(name) or "." not in name:
        return
    section, key = name.rsplit(".", 1)
    position = data.draw(st.integers(0, len(key) - 1))
    misspelt = key[:position] + key[position] + key[position:]
    assert message(without(name, misspelt)).startswith(f"{section}.{misspelt} is not a parameter")


@given(
    st.sampled_from(NAMES), st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.just([]))
)
def test_whatever_a_value_is_it_is_read_or_refused_by_name(name: str, value: Any) -> None:
    """Never another exception; and the message starts with something that was changed."""
    refusal = ""
    try:
        check_params(changed(name, value))
    except V3Error as error:
        refusal = str(error)
    if refusal and name not in ("datasets", "studies"):
        assert name.split(".")[0] in refusal


def test_dvc_override_changes_one_line_and_small_numbers_stay_numbers(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    shutil.copy(FILE, file)
    apply_overrides(str(file), ["phonenums.train.learning_rate=1e-5"])
    before, after = FILE.read_text().splitlines(), file.read_text().splitlines()
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
    assert "learning_rate: 1e-05" in file.read_text()  # text to YAML 1.1
    assert load_params(file).dataset("phonenums").train.learning_rate == 1e-5


def test_every_parameter_has_a_comment() -> None:
    lines = FILE.read_text().splitlines()
    bare = [
        line
        for line in lines
        if re.match(r"^ *\w[\w ]*:", line)
        and "#" not in line
        and not re.match(r"^ +(- )?(channels|kernel|stride|strides|levels|blocks):", line)
    ]
    assert bare == []


def test_unreadable_files_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    with pytest.raises(V3Error, match=r"params\.yaml is missing"):
        load_params(file)
    for text, expected in (
        ("a: [1", "line"),
        ("a: 1\na: 2", "line 2"),
        ("", "section"),
        ("\0", "no YAML"),
    ):
        file.write_text(text)
        with pytest.raises(V3Error, match=expected) as error:
            load_params(file)
        assert "\n" not in str(error.value)


def test_specs_survive_json_and_agree_with_themselves() -> None:
    for dataset in load_params(FILE).sections.values():
        for spec in dataset.specs.values():
            assert Spec.from_dict(spec.to_dict()) == spec
    group = {"channels": 6, "levels": 2, "blocks": 1, "kernel": "3x3", "strides": ["2x2", "2x2"]}
    spec = {"network": "residual", "content_dim": 8, "style_dim": 8, "atoms": 4}
    for bad, expected in (
        ({"groups": [group]}, r"spec.groups\[0\].channels must be a multiple of 4"),
        ({"groups": [group | {"channels": 8, "kernel": "2x3"}]}, r"groups\[0\].kernel must be odd"),
        ({"groups": [group | {"channels": 8, "strides": ["2x2"]}]}, "one pair for each of 2"),
        ({}, "spec.groups is missing"),
        ({"layers": []}, "spec.groups is missing"),
        ({"groups": [group | {"channels": 8, "kernel": "3"}]}, "kernel must be a list, is '3'"),
        ({"network": "strided", "groups": []}, "spec.layers is missing"),
    ):
        with pytest.raises(V3Error, match=expected):
            Spec.from_dict(spec | bad)
