"""The model folder opens by itself; encode, decode and swap take the file's own units."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from v3.base.errors import V3Error
from v3.model.v3 import V3, ModelInfo, StyleChannel


@pytest.fixture
def model(tiny_spec):
    info = ModelInfo("bars", "drawn", ("l", "m", "r"), ("a", "b"), 10.0, 0.5, (3, 8, 8))
    torch.manual_seed(0)
    model = V3(tiny_spec, info, StyleChannel("sample", True, 0.3))
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
    card = (tmp_path / "model" / "README.md").read_text()
    assert "drawn" in card
    assert "validation_error" in card


def test_units_are_those_of_the_file(model):
    x = torch.rand(4, 3, 8, 8) * 20
    encoding = model.encode(x)
    with torch.inference_mode():
        network = model.embed((x - 10.0) * 0.5)[0]
    assert torch.allclose(encoding.z_c, network)
    with torch.inference_mode():
        raw = model.decoder(model.quantizer.atoms[encoding.codes], encoding.z_s)
    assert torch.allclose(model.decode(encoding.codes, encoding.z_s), raw / 0.5 + 10.0)


def test_swap_is_decode_of_two_encodings(model):
    a, b = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8)
    expected = model.decode(model.encode(a).codes, model.encode(b).z_s)
    assert torch.equal(model.swap(a, b), expected)


def test_forward_is_decode_of_encode(tiny_spec):
    info = ModelInfo("bars", "drawn", ("l",), ("a",), 0.0, 1.0, (3, 8, 8))
    model = V3(tiny_spec, info, StyleChannel("fragment", True, 0.3)).eval()
    x = torch.rand(2, 3, 3, 8, 8)
    with torch.inference_mode():
        there_and_back = model(x).x_hat.flatten(0, 1)
    encoding = model.encode(x.flatten(0, 1))
    assert torch.allclose(model.decode(encoding.codes, encoding.z_s), there_and_back, atol=1e-6)


def test_sample_pooling_gives_every_fragment_its_sample_mean(model):
    z_s = torch.randn(2, 3, 8)
    read = model.read_style(z_s)
    assert torch.allclose(read, z_s.mean(1, keepdim=True).expand(2, 3, 8))


def test_noise_only_in_training_and_of_the_stated_size(model):
    x = torch.rand(8, 3, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model(x).x_hat, model(x).x_hat)
    noise = model.add_noise(torch.zeros(4000, 8), torch.Generator().manual_seed(0))
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02)


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


def test_neighbour_pooling_gives_every_fragment_the_style_of_the_next(model):
    model.style = replace(model.style, pooling="neighbour")
    z_s = torch.randn(2, 3, 8)
    read = model.read_style(z_s)
    assert torch.equal(read[:, 0], z_s[:, 1])
    assert torch.equal(read[:, 2], z_s[:, 0])


def test_sample_norm_reads_which_fragments_are_of_one_sample(tiny_spec):
    info = ModelInfo("bars", "drawn", ("l",), ("a",), 0.0, 1.0, (3, 8, 8))
    model = V3(replace(tiny_spec, sample_norm=True), info, StyleChannel()).eval()
    x = torch.rand(2, 3, 3, 8, 8)
    with torch.inference_mode():
        z_c = model.embed_samples(x)[0]
    mixed = [0, 3, 1, 4, 2, 5]  # the fragments of a sample need not stand together
    encoding = model.encode(x.flatten(0, 1)[mixed], np.array([7, 5, 7, 5, 7, 5]))
    assert torch.allclose(encoding.z_c, z_c[mixed], atol=1e-6)
    alone = model.encode(x[0])  # without samples all are of one
    assert torch.allclose(alone.z_c, z_c[:3], atol=1e-6)
    swapped = model.swap(x[0], x[1], np.zeros(3), np.ones(3))
    assert torch.equal(swapped, model.decode(alone.codes, model.encode(x[1]).z_s))
    with pytest.raises(V3Error, match="one number for each of 3 fragments"):
        model.encode(x[0], np.zeros(2))
