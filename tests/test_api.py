"""`import v3`: a model in use and training on arrays, as somebody in a notebook meets them."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import v3
import v3.api.fit
import v3.api.model
from v3.api.recipe import RECIPE, layers_for, recipe, strides_for
from v3.base.params_file import read_params_file
from v3.base.schema import read
from v3.model.about import ModelInfo, StyleChannel
from v3.model.networks import trunk_sizes
from v3.model.spec import Spec
from v3.training.params import TrainParams

ROOT = Path(__file__).parent.parent
SHAPE = (3, 8, 8)


def made_up(tiny_spec: Spec, kind: str = "images", **changes: Any) -> v3.Model:
    info = ModelInfo(
        dataset="bars",
        source="drawn",
        offset=0.0,
        scale=1 / 255,
        fragment_shape=SHAPE,
        variance=0.1,
    ).model_copy(update=changes)
    torch.manual_seed(0)
    network = v3.V3(tiny_spec, info, StyleChannel(pooling="mean"))
    network.quantizer.atoms.copy_(torch.randn(3, 8))
    network.training_params = {"kind": kind}
    return v3.Model(network)


@pytest.fixture(scope="module")
def model(tiny_spec: Spec) -> v3.Model:
    return made_up(tiny_spec)


@pytest.fixture
def fragments() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, *SHAPE)).astype(np.uint8)


# --- in use -------------------------------------------------------------------------------------


def test_examples_of_the_docstrings() -> None:
    for module in (v3.api.model, v3.api.fit):
        found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert found.attempted > 3
        assert found.failed == 0


def test_arrays_give_arrays_and_tensors_give_tensors(
    model: v3.Model, fragments: np.ndarray
) -> None:
    sample = np.array([0, 0, 0, 1, 1, 1])
    found = model.encode(fragments, sample)
    same = model.encode(torch.from_numpy(fragments), torch.from_numpy(sample))
    raw = model.network.encode(fragments, sample)
    for name in ("codes", "z_c", "z_s", "style"):
        array, tensor = getattr(found, name), getattr(same, name)
        assert type(array) is np.ndarray
        assert type(tensor) is torch.Tensor
        assert np.array_equal(array, tensor.numpy())
        assert torch.equal(tensor, getattr(raw, name))
    again = model.decode(found.codes, found.style)
    assert type(again) is np.ndarray
    assert again.dtype == np.float32
    assert again.shape == fragments.shape
    assert np.array_equal(again, model.decode(same.codes, same.style).numpy())
    swapped = model.swap(fragments[:3], fragments[3:])
    assert np.array_equal(swapped, model.network.swap(fragments[:3], fragments[3:]).numpy())
    assert (
        type(model.swap(torch.from_numpy(fragments), torch.from_numpy(fragments))) is torch.Tensor
    )


@pytest.mark.parametrize(
    "dtype", ["int16", "uint16", "int64", "float16", "float32", "float64", ">f4"]
)
def test_every_type_of_number_is_read(model: v3.Model, fragments: np.ndarray, dtype: str) -> None:
    assert np.array_equal(model.encode(fragments.astype(dtype)).z_c, model.encode(fragments).z_c)


def test_arrays_that_run_backwards_or_may_not_be_written_are_read(
    model: v3.Model, fragments: np.ndarray
) -> None:
    whole = model.encode(fragments).codes
    assert np.array_equal(model.encode(fragments[::-1]).codes, whole[::-1])
    fragments.flags.writeable = False
    assert np.array_equal(model.encode(fragments).codes, whole)


def test_samples_have_numbers_or_names(model: v3.Model, fragments: np.ndarray) -> None:
    by_number = model.encode(fragments, [7, 7, 2, 2, 2, 7]).style
    for sample in (["b", "b", "a", "a", "a", "b"], np.array([7, 7, 2, 2, 2, 7], np.uint8)):
        assert np.array_equal(model.encode(fragments, sample).style, by_number)
    assert np.array_equal(by_number[0], by_number[5])
    assert not np.array_equal(by_number[0], by_number[2])


def test_what_tensors_give_can_be_trained_on(model: v3.Model, fragments: np.ndarray) -> None:
    found = model.encode(torch.from_numpy(fragments))
    probe = torch.nn.Linear(found.z_c.shape[1], 2)
    probe(found.z_c).sum().backward()
    assert probe.weight.grad is not None


def test_a_model_describes_itself(model: v3.Model) -> None:
    assert repr(model) == (
        "Model of bars: 3 codes, fragments (3, 8, 8) from 0 to 255, style of 8 numbers"
    )
    assert model.limits == (0.0, 255.0)
    assert (model.codes, model.style_size, model.fragment_shape) == (3, 8, SHAPE)
    assert model.device == torch.device("cpu")
    assert model.to("cpu") is model


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_model_on_a_gpu_answers_where_it_was_asked(tiny_spec: Spec, fragments: Any) -> None:
    here = made_up(tiny_spec)
    there = made_up(tiny_spec).to("cuda")
    assert there.device.type == "cuda"
    assert np.array_equal(here.encode(fragments).codes, there.encode(fragments).codes)
    found = there.encode(torch.from_numpy(fragments))
    assert found.style.device.type == "cpu"
    assert there.encode(torch.from_numpy(fragments).cuda()).style.is_cuda
    assert there.decode(found.codes, found.style).device.type == "cpu"


def of(shape: tuple[int, ...], dtype: str = "uint8", fill: float = 9) -> np.ndarray:
    return np.full(shape, fill, dtype)


def with_one(value: float) -> np.ndarray:
    x = of((6, *SHAPE), "float32")
    x[4, 0, 0, 0] = value
    return x


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1, 2], "must be a NumPy array or a tensor of PyTorch, is list: np.asarray"),
        (of((2, *SHAPE), "bool"), "must be numbers, are bool: make them floats"),
        (of((2, *SHAPE), "complex64"), "must be numbers, are complex64"),
        (torch.ones(2, *SHAPE, dtype=torch.bool), "must be numbers, are torch.bool"),
        (of(SHAPE), "have (3, 8, 8): give a single fragment as fragment[None]"),
        (of((8, 8)), "must have the shape (N, C, H, W), have (8, 8)"),
        (of((0, *SHAPE)), "have the shape (0, 3, 8, 8), which holds nothing"),
        (of((2, 1, 8, 8)), "have 1 channel, and this model reads 3 channels: repeat the grey"),
        (of((2, 4, 8, 8)), "have 4 channels, and this model reads 3 channels: leave the transp"),
        (of((2, 8, 8, 3)), "have their channels last, (2, 8, 8, 3): this model reads (N, 3, 8, 8)"),
        (of((2, 3, 8, 9)), "are 8 x 9 (height x width), and this model reads 8 x 8: resize"),
        (with_one(np.nan), "number 4 holds values that are NaN: mend or leave them out"),
        (with_one(np.inf), "number 4 holds values that are infinite"),
        (torch.from_numpy(with_one(np.nan)), "number 4 holds values that are NaN"),
        (of((2, *SHAPE), "float32", 0.9), "floats from 0.9 to 0.9, and this model's images go"),
        (of((2, *SHAPE), "float32", 0.9), "multiply them by 255"),
        (of((2, *SHAPE), "int16", 2000), "go from 2000 to 2000, and this model's images from"),
        (of((2, *SHAPE), "float64", 1e300), "go from 1e+300 to 1e+300, and this model's images"),
    ],
)
def test_fragments_that_do_not_fit_are_explained(model: v3.Model, given: Any, words: str) -> None:
    for call in (model.encode, lambda x: model.swap(x, x)):
        with pytest.raises(v3.V3Error) as caught:
            call(given)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_ranges_are_those_of_the_model(tiny_spec: Spec, fragments: np.ndarray) -> None:
    unit = made_up(tiny_spec, scale=1.0)
    with pytest.raises(v3.V3Error, match=r"from about 0 to 1: divide them by 255\."):
        unit.encode(fragments)
    unit.encode(fragments / 255)
    unit.encode(unit.decode(np.zeros(4, int), np.zeros((4, 8))))  # may overshoot
    model = made_up(tiny_spec)
    model.encode(np.zeros((2, *SHAPE)))  # black in either unit
    model.encode(np.ones((2, *SHAPE), np.uint8))  # nearly
    with pytest.raises(v3.V3Error, match="look standardised"):
        unit.encode(np.full((2, *SHAPE), -0.9))
    spectra = made_up(tiny_spec, "spectrograms", offset=-40.0, scale=0.05)
    assert spectra.limits == (-60.0, -20.0)
    spectra.encode(np.full((2, *SHAPE), -80.0))
    with pytest.raises(v3.V3Error, match=r"in which \(value - -40\) \* 0.05 lies within"):
        spectra.encode(np.full((2, *SHAPE), 900.0))


def test_codes_styles_and_samples_that_do_not_fit_are_explained(
    model: v3.Model, fragments: np.ndarray
) -> None:
    style = np.zeros((2, 8), np.float32)
    for codes, given, words in (
        (np.array([0, 3]), style, "codes: number 1 is 3, and this model's are 0 to 2"),
        (np.array([-1, 0]), style, "codes: number 0 is -1"),
        (np.array([0.0, 1.0]), style, "codes must be whole numbers, are torch.float64"),
        (np.array([[0], [1]]), style, "codes must have the shape (N,)"),
        (np.array([0, 1, 1]), style, "style must have the shape (3, 8), one for each code"),
        (
            np.array([0, 1]),
            style * np.nan,
            "style: number 0 (and 1 more) holds values that are",
        ),
    ):
        with pytest.raises(v3.V3Error) as caught:
            model.decode(codes, given)
        assert words in str(caught.value)
    for sample, words in (
        ([0, 1], "sample must tell the sample of each of 6 fragments, has the shape (2,)"),
        ([0.5] * 6, "sample must be whole numbers or names, is float64"),
        ([None] * 6, "sample must be whole numbers or names, is object"),
    ):
        with pytest.raises(v3.V3Error) as caught:
            model.encode(fragments, sample)
        assert words in str(caught.value)
    with pytest.raises(v3.V3Error, match="content has 6 fragments and style 5"):
        model.swap(fragments, fragments[1:])


def test_folders_and_devices_that_are_not_there_are_explained(
    model: v3.Model, tmp_path: Path
) -> None:
    model.save(tmp_path / "m")
    assert repr(v3.load(tmp_path / "m", "auto")) == repr(model)
    for args, words in (
        ((tmp_path / "none",), "none is no folder of a model: give the path"),
        ((tmp_path / "m", "gpu"), "device must be cpu, cuda, mps or auto, is 'gpu'"),
        ((tmp_path / "m", "cuda:99"), "device is cuda:99, and PyTorch finds no such one here"),
        ((str(tmp_path / "m" / "none"),), "none is no folder of a model"),
    ):
        with pytest.raises(v3.V3Error) as caught:
            v3.load(*args)
        assert words in str(caught.value)
    with pytest.raises(v3.V3Error, match="only the Hub has revisions"):
        v3.load(tmp_path / "m", revision="main")


# --- training -----------------------------------------------------------------------------------


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
    spec, params = recipe((3, 48, 32), [n] * 400, 10, {}, {})
    assert params == read(TrainParams, raw["defaults"]["train"], "train")
    default = Spec.from_dict(raw["defaults"]["specs"]["laptop"])
    assert spec == default.model_copy(update={"atoms": 10})


def test_short_samples_have_a_recipe_that_they_can_meet() -> None:
    _, params = recipe((3, 32, 32), [2] * 300, 20, {"steps": 7}, {})
    assert params.fragments_per_sample == 2
    assert params.relativity == pytest.approx(2**0.5)
    assert params.style_pooling == "neighbour"
    assert params.supersampling
    assert params.steps == 7
    _, few = recipe((3, 32, 32), [3, 30, 30, 30], 20, {}, {})
    assert few.batch_samples == 4
    assert few.fragments_per_sample == 10
    spec, own = recipe((3, 32, 32), [9] * 50, 5, {"style_pooling": "own"}, {"style_dim": 4})
    assert own.style_pooling == "own"
    assert own.relativity == 3
    assert (spec.style_dim, spec.atoms) == (4, 5)


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


# --- types --------------------------------------------------------------------------------------


def test_a_users_types_are_checked(tmp_path: Path) -> None:
    """By mypy, in a file of his own: the package says that it is typed."""
    good = tmp_path / "good.py"
    good.write_text(
        textwrap.dedent("""
            import numpy as np
            import torch
            from numpy.typing import NDArray
            from typing import Any

            import v3

            model = v3.load("models/phonenums")
            x: NDArray[Any] = np.zeros((1, 3, 8, 8))
            codes: NDArray[Any] = model.encode(x).codes
            picture: torch.Tensor = model.swap(torch.from_numpy(x), torch.from_numpy(x))
            mine: v3.Model = v3.fit(x, [0], codes=3, log=print)
        """)
    )
    bad = tmp_path / "bad.py"
    bad.write_text("import v3\nv3.fit(1, [0])\nv3.load('m').codes.shape\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, str(good), str(bad)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "good.py" not in done.stdout
    assert 'bad.py:2: error: Missing named argument "codes"' in done.stdout
    assert "bad.py:3: error:" in done.stdout


# --- the page about it --------------------------------------------------------------------------


def test_the_page_of_the_api_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its Python, with two steps of training in place of what it says."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    assert code.count("steps=300") == 1
    names: dict[str, Any] = {}
    exec(code.replace("steps=300", "steps=2, progress=False"), names)
    assert names["pictures"].shape == (8, 3, 32, 32)
    assert Path("models/shapes/model.json").is_file()
    model, found = names["model"], names["found"]
    assert f"print(model)  # {repr(model).partition(', style')[0]}" in text
    for name, line in re.findall(r"found\.(\w+)  # (\([\d, ]+\))", text):
        assert str(getattr(found, name).shape) == line
    x = names["fragments"]
    refusals = [
        lambda: model.encode(x[:, :1]),
        lambda: model.encode(np.moveaxis(x[:2], 1, 3)),
        lambda: model.encode(x[:, :, :28, :28]),
        lambda: model.encode(np.linspace(0, 1, x[0].size).reshape(1, *x[0].shape)),
        lambda: model.encode(np.where(np.arange(8)[:, None, None, None] == 3, np.nan, x[:8])),
        lambda: model.decode(found.codes * 0 + 4, found.style),
    ]
    rows = re.findall(r"(?m)^\| [^|]+ \| ((?:fragments|codes)[ :][^|]*\.) \|$", text)
    for call, row in zip(refusals, rows, strict=True):
        with pytest.raises(v3.V3Error) as caught:
            call()
        assert str(caught.value) == row
