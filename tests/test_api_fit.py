"""`v3.fit`: training on arrays, what it refuses, and the recipe that it follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from project import ROOT
from ruamel.yaml import YAML

import v3
from v3.api.recipe import RECIPE, layers_for, recipe, strides_for
from v3.base.params_file import merge, read_params_file
from v3.base.schema import read
from v3.command.section import Facts, section_of
from v3.model.networks import trunk_sizes
from v3.model.spec import Spec
from v3.training.params import TrainParams


def bars(samples: int = 12, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Bars in one of three places, in one colour a sample; the samples are mixed."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, (samples, count, 3, 16, 16)).astype(np.uint8)
    for sample in range(samples):
        for fragment in x[sample]:
            place = 5 * int(rng.integers(3))
            fragment[:, :, place : place + 4] = rng.integers(100, 255, (3, 1, 1))
    order = rng.permutation(samples * count)
    return x.reshape(-1, 3, 16, 16)[order], np.repeat(np.arange(samples), count)[order]


def test_a_model_is_trained_on_arrays_and_saved(tmp_path: Path) -> None:
    x, sample = bars()
    rows: list[dict[str, float]] = []
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    model = v3.fit(x, sample, codes=3, steps=3, progress=False, log=rows.append, name="bars")
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert rows[-1]["step"] == 3
    assert rows[-1]["validation/error"] == pytest.approx(model.figures["validation_error"])
    model.save(tmp_path / "bars")
    again = v3.load(tmp_path / "bars")
    assert repr(again) == (
        "Model of bars: 3 codes, fragments (3, 16, 16) from 0 to 255, style of 16 numbers"
    )
    assert again.figures == model.figures
    assert np.array_equal(again.encode(x, sample).z_s, model.encode(x, sample).z_s)


def test_the_same_data_in_any_form_gives_the_same_bits() -> None:
    x, sample = bars()
    settings: dict[str, Any] = {"codes": 3, "steps": 2, "progress": False}
    model = v3.fit(x, sample, **settings)
    names = np.array([f"page {number:02}" for number in sample])
    same = v3.fit(torch.from_numpy(x), names, **settings)
    assert same.figures == model.figures
    assert np.array_equal(same.encode(x).z_c, model.encode(x).z_c)
    other = v3.fit(x, sample, seed=1, **settings)
    assert not np.array_equal(other.encode(x).z_c, model.encode(x).z_c)


def test_units_are_found_and_can_be_given() -> None:
    x, sample = bars(6)
    settings: dict[str, Any] = {"codes": 3, "steps": 1, "progress": False}
    assert v3.fit(x / 255, sample, **settings).limits == (0.0, 1.0)
    assert v3.fit(x.astype(float), sample, **settings).limits == (0.0, 255.0)
    spectra = v3.fit(np.log(x + 1.0), sample, kind="spectrograms", **settings)
    low, high = spectra.limits
    assert low == pytest.approx(0, abs=1e-6)
    assert high == pytest.approx(np.log(x.max() + 1.0), rel=1e-6)
    twice = v3.fit(x.astype(float) * 2, sample, scale=1 / 510, **settings)
    assert twice.limits == (0.0, 510.0)


def test_progress_is_one_bar_and_nothing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    x, sample = bars(6)
    v3.fit(x, sample, codes=3, steps=2, progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "v3.fit: 100%" in said.err
    assert "validation error" in said.err
    v3.fit(x, sample, codes=3, steps=2, progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"codes": 1}, "codes must be a whole number from 2 to 24, the fragments that there are"),
        ({"codes": 25}, "codes must be a whole number from 2 to 24"),
        ({"codes": 2.5}, "codes must be a whole number"),
        ({"steps": 0}, "steps must be >= 1, is 0"),
        ({"seed": -1}, "seed must be >= 0, is -1"),
        ({"kind": "sounds"}, "kind must be one of images, spectrograms, is 'sounds'"),
        ({"device": "gpu"}, "machine.device must be one of"),
        ({"validation": 1.5}, "validation must be between 0 and 1"),
        ({"train": {"relativty": 2.0}}, "train['relativty'] is not a parameter; did you mean"),
        ({"train": {"weights": {"style": -1.0}}}, "train['weights']['style'] must be >= 0"),
        ({"train": {"batch_samples": 9}}, "train['batch_samples'] is 9, and only 5 samples train"),
        ({"spec": {"atmos": 3}}, "spec.atmos is not a parameter; did you mean atoms?"),
        ({"scale": 0.0}, "scale (0.0) must be finite, scale not 0"),
        ({"scale": 1.0}, "which is no range of images"),
    ],
)
def test_a_training_that_cannot_be_is_explained(changes: dict[str, Any], words: str) -> None:
    x, sample = bars(6)
    with pytest.raises(v3.V3Error) as caught:
        v3.fit(x, sample, **({"codes": 3, "steps": 1, "progress": False} | changes))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_that_cannot_be_trained_on_is_explained() -> None:
    x, sample = bars(6)
    nan = x.astype(np.float32)
    nan[7] = np.nan
    for given, of_sample, words in (
        (x[:, 0], sample, "must have the shape (N, C, H, W)"),
        (nan, sample, "fragments: number 7 holds values that are NaN"),
        (np.zeros_like(x), sample, "fragments are all 0, so nothing can be learnt"),
        (x, np.zeros(24, int), "sample tells 1 samples apart, and 3 are the least"),
        (x, np.arange(24), "sample gives each fragment a sample of its own"),
        (x, sample[:5], "sample must tell the sample of each of 24 fragments"),
        (x.astype(float) * 9, sample, "which is no range of images (0 to 1, or 0 to 255)"),
    ):
        with pytest.raises(v3.V3Error) as caught:
            v3.fit(given, of_sample, codes=3, steps=1, progress=False)
        assert words in str(caught.value)


# --- the recipe ---------------------------------------------------------------------------------


def test_the_recipe_is_that_of_params_yaml() -> None:
    """Read there: no number of it stands a second time."""
    raw = read_params_file(ROOT / "params.yaml")
    assert read_params_file(RECIPE) == raw
    n = raw["defaults"]["train"]["fragments_per_sample"]
    spec, params = recipe((3, 48, 32), [n] * 400, 10, {"kind": "spectrograms"}, {})
    assert params == read(TrainParams, raw["defaults"]["train"] | {"kind": "spectrograms"}, "train")
    default = Spec.from_dict(raw["defaults"]["specs"]["laptop"])
    assert spec == default.model_copy(update={"atoms": 10})


def test_short_samples_have_a_recipe_that_they_can_meet() -> None:
    _, params = recipe((3, 32, 32), [2] * 300, 20, {"steps": 7}, {})
    assert params.fragments_per_sample == 2
    assert 1.4 <= params.relativity <= 2**0.5
    assert params.style_pooling == "neighbour"
    assert params.supersampling
    assert params.steps == 7
    _, few = recipe((3, 32, 32), [3, 40, 40, 40], 20, {}, {})
    assert few.batch_samples == 4
    assert few.fragments_per_sample == 30
    spec, own = recipe((3, 32, 32), [9] * 50, 5, {"style_pooling": "own"}, {"style_dim": 4})
    assert own.style_pooling == "own"
    assert own.relativity == 3
    assert (spec.style_dim, spec.atoms) == (4, 5)


@pytest.mark.parametrize(
    ("kind", "n", "channels"),
    [("images", 2, 3), ("images", 12, 1), ("images", 5, 7), ("spectrograms", 5, 1)],
)
def test_arrays_have_the_recipe_that_a_folder_of_the_same_has(
    kind: str, n: int, channels: int
) -> None:
    facts = Facts(
        "mine", kind=kind, codes=4, fragments=n, training=50, groups=(), channels=channels
    )
    section = YAML(typ="safe").load(section_of("mine", "images", {}, facts))["mine"]
    base = read_params_file(ROOT / "params.yaml")["defaults"]
    spec, params = recipe((channels, 32, 32), [n] * 50, 4, {"kind": kind}, {})
    assert params == read(TrainParams, merge(base["train"], section["train"]), "train")
    network = merge(base["specs"]["laptop"], section["specs"]["laptop"])
    assert spec == Spec.from_dict(network)
    assert (spec.colours > 0) == (kind == "images" and channels in (1, 3))


@pytest.mark.parametrize(
    ("size", "strides"),
    [
        (48, (4, 2, 2)),
        (32, (4, 2, 2)),
        (28, (4, 1, 1)),
        (80, (4, 2, 2)),
        (512, (8, 4, 2)),
        (27, (3, 3, 1)),
        (17, (1, 1, 1)),
    ],
)
def test_a_network_is_found_for_every_size(size: int, strides: tuple[int, ...]) -> None:
    assert strides_for(size, (4, 2, 2)) == strides


def test_the_layers_that_are_found_make_a_network() -> None:
    layers = ["32, 8x8, 4x4", "64, 4x4, 2x2", "64, 4x4, 2x2"]
    same = {"network": "strided", "content_dim": 1, "style_dim": 1, "atoms": 2}
    for shape in ((1, 28, 28), (1, 27, 30), (1, 513, 33), (3, 48, 32), (1, 80, 64)):
        spec = Spec.from_dict(same | {"layers": layers_for(shape, layers)})
        assert trunk_sizes(spec, shape)[-1] >= (1, 1)
    assert spec.layers[0].kernel == (8, 8)
