"""`import v3`: a model in use on arrays, as somebody in a notebook meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import v3
from v3.model.about import ModelInfo, StyleChannel
from v3.model.spec import Spec

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
