"""The model folder opens by itself; encode, decode and swap take the file's own units."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from v3.base.errors import V3Error
from v3.model.about import ModelInfo, StyleChannel
from v3.model.v3 import V3, pool

POOLINGS = ("own", "mean", "neighbour")


def made_up(**changes: Any) -> ModelInfo:
    info = ModelInfo(
        dataset="bars",
        source="drawn",
        offset=0.0,
        scale=1.0,
        fragment_shape=(3, 8, 8),
        variance=0.1,
    )
    return info.model_copy(update=changes)


@pytest.fixture
def model(tiny_spec):
    torch.manual_seed(0)
    info = made_up(offset=10.0, scale=0.5)
    model = V3(tiny_spec, info, StyleChannel(pooling="mean", standardise=True, noise=0.3))
    model.quantizer.atoms.copy_(torch.randn(3, 8))
    model.train()
    for _ in range(3):  # running statistics that differ from their start
        model(torch.rand(4, 3, 3, 8, 8), torch.Generator().manual_seed(0))
    return model.eval()


def test_saved_model_opens_without_anything_else(model, tmp_path, monkeypatch):
    model.save(tmp_path / "model", {"validation_error": 0.01})
    monkeypatch.chdir(tmp_path)
    again = V3.load("model")
    x = np.random.default_rng(0).integers(0, 255, (5, 3, 8, 8), np.uint8)
    for a, b in zip(vars(model.encode(x)).values(), vars(again.encode(x)).values(), strict=True):
        assert torch.equal(a, b)
    assert again.info == model.info
    assert again.style == model.style
    assert again.figures == {"validation_error": 0.01}
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["model.json", "model.safetensors"]
    model.save("model", card="# A model")
    assert (tmp_path / "model" / "README.md").read_text() == "# A model"


def test_units_are_those_of_the_file(model):
    x = torch.rand(4, 3, 8, 8) * 20
    encoding = model.encode(x)
    with torch.inference_mode():
        network = model.embed((x - 10.0) * 0.5)[0]
    assert torch.allclose(encoding.z_c, network)
    with torch.inference_mode():
        raw = model.decoder(model.quantizer.atoms[encoding.codes], encoding.z_s)
    assert torch.allclose(model.decode(encoding.codes, encoding.z_s), raw / 0.5 + 10.0)


def test_arrays_that_run_backwards_are_taken(model):
    x = np.random.default_rng(0).random((4, 3, 8, 8), np.float32)
    backwards = model.encode(x[::-1], np.array([0, 0, 1, 1])[::-1].copy())
    assert torch.equal(backwards.z_s.flip(0), model.encode(x, np.array([0, 0, 1, 1])).z_s)
    assert model.swap(x, x[::-1]).shape == x.shape


def test_swap_is_decode_of_two_encodings(model):
    a, b = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8)
    expected = model.decode(model.encode(a).codes, model.encode(b).style)
    assert torch.equal(model.swap(a, b), expected)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_forward_is_decode_of_encode(tiny_spec, pooling):
    torch.manual_seed(0)
    model = V3(tiny_spec, made_up(), StyleChannel(pooling=pooling, noise=0.3)).eval()
    x = torch.rand(2, 3, 3, 8, 8)
    with torch.inference_mode():
        there_and_back = model(x).x_hat.flatten(0, 1)
    encoding = model.encode(x.flatten(0, 1), np.array([4, 4, 4, 9, 9, 9]))
    decoded = model.decode(encoding.codes, encoding.style)
    assert torch.allclose(decoded, there_and_back, atol=1e-6)
    swapped = model.swap(x[0], x[1])
    mixed = model.decode(encoding.codes[:3], encoding.style[3:])
    assert torch.allclose(swapped, mixed, atol=1e-6)


def test_pooling_by_hand():
    z_s = torch.tensor([[0.0], [10.0], [2.0], [30.0], [4.0]])
    group = torch.tensor([0, 1, 0, 1, 0])  # the fragments of a sample need not stand together
    pooled = {kind: pool(z_s, group, kind)[:, 0].tolist() for kind in POOLINGS}
    assert pooled["own"] == [0, 10, 2, 30, 4]
    assert pooled["mean"] == [2, 20, 2, 20, 2]
    assert pooled["neighbour"] == [2, 30, 4, 10, 0]


def test_noise_only_in_training_and_of_the_stated_size(model):
    x = torch.rand(8, 3, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model(x).x_hat, model(x).x_hat)
    noise = model.add_noise(torch.zeros(4000, 8), torch.Generator().manual_seed(0))
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02)


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("info", "scale"), 0, "info.scale must not be 0"),
        (("info", "scale"), "x", "info.scale must be a number"),
        (("info", "offset"), float("nan"), "model.json"),
        (("info", "fragment_shape"), [3, 8], "info.fragment_shape"),
        (("info", "variance"), 0, "info.variance must be > 0"),
        (("style_channel", "noise"), -1, "style_channel.noise must be >= 0"),
        (("style_channel", "pooling"), "x", "style_channel.pooling must be one of"),
        (("codebook_decay",), 2, "codebook_decay must be < 1"),
        (("spec", "atoms"), 0, "spec.atoms must be >= 2"),
        (("surprise",), 1, "surprise is not a parameter"),
    ],
)
def test_what_a_model_says_of_itself_is_not_believed(model, tmp_path, place, value, named):
    model.save(tmp_path / "model")
    about = tmp_path / "model" / "model.json"
    content = json.loads(about.read_text())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    about.write_text(json.dumps(content))
    with pytest.raises(V3Error) as error:
        V3.load(tmp_path / "model")
    assert named in str(error.value)
    assert str(about) in str(error.value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_tensor(model, tmp_path, bad):
    model.quantizer.atoms[1, 2] = bad
    model.save(tmp_path / "model")
    with pytest.raises(V3Error, match=r"model\.safetensors .*quantizer\.atoms"):
        V3.load(tmp_path / "model")


@pytest.mark.parametrize("damage", ["cut", "missing", "schema", "spec"])
def test_damaged_folder_is_named(model, tmp_path, damage):
    folder = tmp_path / "model"
    model.save(folder)
    weights, about = folder / "model.safetensors", folder / "model.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    elif damage == "missing":
        weights.unlink()
    else:
        content = json.loads(about.read_text())
        if damage == "schema":
            content["schema"] = "other"
        else:
            content["spec"]["atoms"] = 7
        about.write_text(json.dumps(content))
    with pytest.raises(V3Error, match=r"model.*dvc repro"):
        V3.load(folder)


def test_wrong_fragments_are_refused(model):
    for x in (torch.rand(3, 8, 8), torch.empty(0, 3, 8, 8)):
        with pytest.raises(V3Error, match=r"\(N, C, H, W\)"):
            model.encode(x)


def test_sample_norm_reads_which_fragments_are_of_one_sample(tiny_spec):
    spec = tiny_spec.model_copy(update={"sample_norm": True})
    model = V3(spec, made_up(), StyleChannel()).eval()
    x = torch.rand(2, 3, 3, 8, 8)
    with torch.inference_mode():
        z_c = model.embed_samples(x)[0]
    mixed = [0, 3, 1, 4, 2, 5]  # the fragments of a sample need not stand together
    encoding = model.encode(x.flatten(0, 1)[mixed], np.array([7, 5, 7, 5, 7, 5]))
    assert torch.allclose(encoding.z_c, z_c[mixed], atol=1e-6)
    alone = model.encode(x[0])  # without samples all are of one
    assert torch.allclose(alone.z_c, z_c[:3], atol=1e-6)
    swapped = model.swap(x[0], x[1], np.zeros(3), np.ones(3))
    assert torch.equal(swapped, model.decode(alone.codes, model.encode(x[1]).style))
    with pytest.raises(V3Error, match="one number for each of 3 fragments"):
        model.encode(x[0], np.zeros(2))
