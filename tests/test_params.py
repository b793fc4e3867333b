"""params.yaml: defaults and differences, typed, complete, each parameter explained."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from params_changed import DATASETS, FILE, NAMES, RAW, changed, message, train

from v3.base.errors import V3Error
from v3.base.params_file import load_section
from v3.evaluation.params import TsneParams, load_study
from v3.model.spec import Spec
from v3.params import SHARED, corpus_sections, load_params, parse_params
from v3.training.params import TrainParams


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
    assert RAW["sprites"]["train"]["relativity"] == "default"
    raw = changed("defaults.train.relativity", 7.0)
    assert train("sprites", raw).relativity == 7.0
    assert train("svhn", raw).relativity == RAW["svhn"]["train"]["relativity"]  # says otherwise
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
    network = message(changed("studies.published.spec.conditioning", "add"))
    assert network.startswith("studies.published.spec.conditioning must be ")
    assert load_study("seeds", FILE).seeds_of("svhn") == (0, 1, 2)
    with pytest.raises(V3Error, match=r"studies\.sedes is missing"):
        load_study("sedes", FILE)
    with pytest.raises(V3Error, match=r"no study of params\.yaml lists mine"):
        load_study("seeds", FILE).seeds_of("mine")


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
        if found[1] in DATASETS:  # below `codebooks` of a study
            continue
        if start < number < end or not (found[1] in known or numbers.match(line)):
            bare.append(line)
    repeated = re.compile(r"^ +(- )?(channels|levels|blocks|kernel|strides):")
    assert [line for line in bare if not repeated.match(line)] == []


def test_the_file_is_short() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) <= 600


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
