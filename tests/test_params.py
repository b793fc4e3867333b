"""params.yaml: defaults and differences, typed, complete, every mistake named where it stands."""

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

from v3.base.errors import V3Error
from v3.base.params_file import load_section, read_section
from v3.evaluation.params import TsneParams, load_study
from v3.model.spec import Spec
from v3.params import SHARED, corpus_sections, load_params, parse_params
from v3.training.params import TrainParams

FILE = Path(__file__).parent.parent / "params.yaml"
RAW: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
DATASETS: list[str] = RAW["datasets"]


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
# Named by people, not by the code: any name will do.
FREE = re.compile(r"\.(programs|unseen_programs|specs|groups)\.[^.]+$|^studies\.[^.]+$")
# What only one place says: without it something is missing.
ONLY_THERE = [
    name
    for name in NAMES
    if name.split(".")[0] in ("defaults", "machine")
    or (name.count(".") == 1 and name.split(".")[0] in DATASETS)
]


def place(raw: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    *path, last = name.split(".")
    for key in path:
        raw = raw.setdefault(key, {})
    return raw, last


def changed(name: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    section, last = place(raw, name)
    section[last] = value
    return raw


def without(name: str, instead: str | None = None) -> dict[str, Any]:
    raw = copy.deepcopy(RAW)
    section, last = place(raw, name)
    value = section.pop(last)
    if instead is not None:
        section[instead] = value
    return raw


def message(raw: Any) -> str:
    with pytest.raises(V3Error) as error:
        parse_params(raw)
    assert "\n" not in str(error.value)
    return str(error.value)


def train(dataset: str, raw: dict[str, Any] = RAW) -> TrainParams:
    return read_section(raw, dataset, "train", TrainParams)


def test_what_a_corpus_does_not_say_the_defaults_say() -> None:
    one, other = train("phonenums"), train("librispeech")
    assert isinstance(one.relativity, float)
    assert isinstance(one.steps, int)
    assert one.betas == (0.9, 0.999)
    assert one.optimiser == other.optimiser == "adamw"
    assert (one.kind, other.kind) == ("images", "spectrograms")
    assert (one.view.temperature, other.view.temperature) == (0.1, 0.05)
    assert other.view.blur == 0.0  # the defaults', in the same section
    ints = train("phonenums", changed("phonenums.train.relativity", 10))
    assert ints.relativity == 10.0
    assert isinstance(ints.relativity, float)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_change_of_the_defaults_reaches_who_does_not_say_otherwise(dataset: str) -> None:
    raw = changed("defaults.train.clip_norm", 3.0)
    assert train(dataset, raw).clip_norm == 3.0
    raw[dataset]["train"]["clip_norm"] = 1.0
    assert train(dataset, raw).clip_norm == 1.0
    others = [name for name in DATASETS if name != dataset]
    assert {train(name, raw).clip_norm for name in others} == {3.0}


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_is_changed_most_stands_in_every_corpus(dataset: str) -> None:
    """Plain `-S <dataset>.train.relativity=10` works for these."""
    own = RAW[dataset]
    for name in ("relativity", "steps", "batch_samples", "fragments_per_sample", "style_noise"):
        assert name in own["train"]
    assert own["train"]["weights"].keys() == RAW["defaults"]["train"]["weights"].keys()
    assert {"atoms", "style_dim"} <= own["specs"][own["spec"]].keys()


def test_what_is_called_default_follows_the_defaults() -> None:
    """Listed, so that plain `-S` finds it, and no more than that."""
    assert RAW["phonenums"]["train"]["steps"] == "default"
    raw = changed("defaults.train.steps", 100)
    assert train("phonenums", raw).steps == 100
    assert train("insnotes", raw).steps == RAW["insnotes"]["train"]["steps"]  # says otherwise
    said = message(changed("phonenums.pages.seed", "default"))
    assert said.startswith("phonenums.pages.seed must be a whole number, is 'default', of which")
    assert "train.steps must be a whole number, is 'default'" in message(
        changed("defaults.train.steps", "default")
    )


def test_a_study_changes_what_it_says_and_no_more() -> None:
    ours = train("phonenums")
    theirs = load_section("phonenums", "train", TrainParams, FILE, study="published")
    assert (theirs.style_noise, theirs.weights.commitment) == (0.0, 0.1)
    assert (theirs.weights.content, theirs.steps) == (ours.weights.content, ours.steps)
    bad = changed("studies.published.train.style_noise", "x")
    assert message(bad) == "studies.published.train.style_noise must be a number, is 'x'"
    unknown = changed("studies.published.train.noise", 1)
    assert message(unknown).startswith("studies.published.train.noise is not a parameter")
    assert load_study("seeds", FILE).seeds_of("svhn") == (0, 1, 2)
    with pytest.raises(V3Error, match=r"studies\.sedes is missing"):
        load_study("sedes", FILE)
    with pytest.raises(V3Error, match=r"no study of params\.yaml lists mine"):
        load_study("seeds", FILE).seeds_of("mine")


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


def test_a_list_may_be_text_with_commas() -> None:
    as_text = parse_params(changed("phonenums.train.betas", "0.5, 0.75"))
    as_list = parse_params(changed("phonenums.train.betas", [0.5, 0.75]))
    assert as_text.sections["phonenums"]["train"].betas == (0.5, 0.75)
    assert as_text == as_list
    specs = as_text.sections["phonenums"]["specs"]
    assert specs["laptop"].layers[1].model_dump() == {
        "channels": 64,
        "kernel": (4, 4),
        "stride": (2, 2),
    }
    assert specs["paper"].groups[0].strides == ((2, 2), (2, 2))


@pytest.mark.parametrize(
    ("override", "section", "kind", "field", "value"),
    [
        ("phonenums.train.learning_rate=1e-5", "train", TrainParams, "learning_rate", 1e-5),
        ("phonenums.train.relativity=10", "train", TrainParams, "relativity", 10.0),
        ("+phonenums.train.clip_norm=1", "train", TrainParams, "clip_norm", 1.0),
        ("defaults.train.clip_norm=2", "train", TrainParams, "clip_norm", 2.0),
        ("+phonenums.tsne.perplexity=10", "tsne", TsneParams, "perplexity", 10.0),
        ("phonenums.train.betas=[0.8,0.9]", "train", TrainParams, "betas", (0.8, 0.9)),
    ],
)
def test_what_dvc_writes_is_read_and_the_rest_stays(
    tmp_path: Path, override: str, section: str, kind: Any, field: str, value: Any
) -> None:
    """DVC writes the file anew for `-S`: comments and the other lines stay as they are."""
    file = tmp_path / "params.yaml"
    shutil.copy(FILE, file)
    if override.startswith("phonenums.train.") and "learning_rate" in override:
        override = "+" + override  # only the defaults list it
    if "betas" in override:
        override = "+" + override
    apply_overrides(str(file), [override])
    before, after = FILE.read_text().splitlines(), file.read_text().splitlines()
    changes = len(set(before) ^ set(after))
    assert changes <= 6, sorted(set(before) ^ set(after))
    assert getattr(load_section("phonenums", section, kind, file), field) == value
    load_params(file)


def test_every_parameter_is_explained_once() -> None:
    """In `defaults` each key; elsewhere each that is not there, and what stands for itself."""
    known = {name.split(".")[-1] for name in NAMES if name.startswith("defaults.")}
    lines = FILE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line == "defaults:")
    end = next(number for number, line in enumerate(lines) if line.startswith("phonenums:"))
    numbers = re.compile(r"^ *(programs|unseen_programs|[\w ]+): *\d+$")
    bare = []
    for number, line in enumerate(lines):
        found = re.match(r"^ +(?:- )?([\w ]+):", line)
        if not found or "#" in line:
            continue
        if start < number < end or not (found[1] in known or numbers.match(line)):
            bare.append(line)
    repeated = re.compile(r"^ +(- )?(channels|levels|blocks|kernel|strides):")
    assert [line for line in bare if not repeated.match(line)] == []


def test_the_file_is_short() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) <= 600


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


def test_every_section_of_every_corpus_has_its_type() -> None:
    for dataset in DATASETS:
        assert set(RAW[dataset]) == set(SHARED) | set(corpus_sections(dataset))


def test_specs_survive_json_and_agree_with_themselves() -> None:
    for sections in load_params(FILE).sections.values():
        for spec in sections["specs"].values():
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
        ({"network": "strided", "layers": ["8, 4x4"]}, r"spec.layers\[0\] must be a section"),
        ({"network": "strided", "layers": ["8, 4x4, 3x3"]}, r"layers\[0\].kernel must be even"),
    ):
        with pytest.raises(V3Error, match=expected):
            Spec.from_dict(spec | bad)
