"""Specs build networks of the published sizes, and nothing shrinks to zero."""

import pytest
import torch

from v3.base.errors import V3Error
from v3.model.networks import Decoder, Encoder, Modulation, trunk_sizes
from v3.model.spec import Spec
from v3.params import load_params

PARAMS = load_params()
SHAPES = {
    "phonenums": (3, 48, 32),
    "insnotes": (1, 512, 32),
    "svhn": (3, 48, 32),
    "sprites": (3, 64, 64),
    "librispeech": (1, 80, 64),
}
# published parameter counts: encoder without the two batch norms that were built and never used
PAPER = {
    "phonenums": (10_305_920, 10_304_819),
    "insnotes": (27_589_520, 27_593_565),
    "svhn": (54_764_864, 54_763_683),
    "sprites": (12_927_360, 12_928_819),
}
SPECS = [(name, kind) for name in SHAPES for kind in PARAMS.sections[name]["specs"]]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", PAPER)
def test_paper_parameter_counts(name):
    spec = PARAMS.sections[name]["specs"]["paper"]
    assert parameters(Encoder(spec, SHAPES[name])) == PAPER[name][0]
    assert parameters(Decoder(spec, SHAPES[name])) == PAPER[name][1]


@pytest.mark.parametrize(("name", "kind"), SPECS)
def test_every_spec_round_trips_a_shape(name, kind):
    spec = PARAMS.sections[name]["specs"][kind]
    encoder, decoder = Encoder(spec, SHAPES[name]).eval(), Decoder(spec, SHAPES[name]).eval()
    x = torch.rand(2, *SHAPES[name])
    with torch.inference_mode():
        z_c, z_s = encoder(x, x.mean((0, 3), keepdim=True).expand(2, -1, -1, -1))
        assert z_c.shape == (2, spec.content_dim)
        assert z_s.shape == (2, spec.style_dim)
        assert decoder(z_c, z_s).shape == x.shape


def test_a_spec_that_shrinks_to_nothing_is_refused():
    group = {"channels": 16, "levels": 4, "blocks": 1, "kernel": [3, 3], "strides": [[2, 2]] * 4}
    spec = Spec.from_dict(
        {"network": "residual", "groups": [group], "content_dim": 8, "style_dim": 8, "atoms": 4}
    )
    with pytest.raises(V3Error, match="does not divide"):
        trunk_sizes(spec, (1, 8, 64))


def test_contrast_norm_sees_the_same_trunk_input_at_any_brightness_and_contrast(tiny_spec):
    encoder = Encoder(tiny_spec.model_copy(update={"contrast_norm": True}), (3, 8, 8)).eval()
    x = torch.rand(4, 3, 8, 8)
    with torch.inference_mode():
        z_c, z_s = encoder(x)
        dim_c, dim_s = encoder(0.8 * x + 0.1)
    assert torch.allclose(z_c, dim_c, atol=0.02)  # but for the least contrast, which is added
    assert not torch.allclose(z_s, dim_s, atol=0.02)


def test_sample_norm_takes_off_what_a_sample_shares(tiny_spec):
    encoder = Encoder(tiny_spec.model_copy(update={"sample_norm": True}), (3, 8, 8)).eval()
    x, shared = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 1)
    with torch.inference_mode():
        z_c, z_s = encoder(x, torch.zeros(4, 3, 8, 1))
        same_c, other_s = encoder(x + shared, shared)
    assert torch.allclose(z_c, same_c, atol=1e-5)
    assert not torch.allclose(z_s, other_s, atol=0.01)
    with pytest.raises(V3Error, match="sample_norm"):
        encoder(x)


@pytest.mark.parametrize("name", ["strided", "residual"])
def test_style_modulates_every_channel_and_nothing_at_first(tiny_spec, name):
    group = {"channels": 8, "levels": 1, "blocks": 1, "kernel": "3x3", "strides": "2x2"}
    plan = {"network": name, "layers": [], "groups": [group]} if name == "residual" else {}
    raw = tiny_spec.to_dict() | plan | {"conditioning": "modulate"}
    decoder = Decoder(Spec.from_dict(raw), (3, 8, 8)).eval()
    z_q, z_s = torch.randn(4, 8), torch.randn(4, 8)
    with torch.inference_mode():
        assert torch.equal(decoder(z_q, z_s), decoder(z_q, -z_s))
    norms = [layer for layer in decoder.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    modulations = [layer for layer in decoder.modules() if isinstance(layer, Modulation)]
    assert len(modulations) == 2 if name == "strided" else len(norms) > 2
    x = torch.randn(4, 3, 8, 8)
    last = modulations[-1]  # of the decoder's output: gain 1 + g and offset b of each channel
    with torch.inference_mode():
        last.read[-1].bias.copy_(torch.tensor([1.0, 0.0, -1.0, 5.0, 6.0, 7.0]))
        got = last(x, z_s)
    assert torch.allclose(got[:, 0], 2 * x[:, 0] + 5)
    assert torch.allclose(got[:, 1], x[:, 1] + 6)
    assert torch.allclose(got[:, 2], torch.full_like(x[:, 2], 7.0))


def test_modulation_is_learnt_from_the_style(tiny_spec):
    """Two styles of one content are told apart after some steps, by gain and offset alone."""
    torch.manual_seed(0)
    spec = tiny_spec.model_copy(update={"conditioning": "modulate"})
    decoder = Decoder(spec, (3, 8, 8))
    z_q, z_s = torch.randn(1, 8).expand(2, 8), torch.randn(2, 8)
    target = torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)])
    optimiser = torch.optim.Adam(decoder.parameters(), 0.01)
    for _ in range(100):
        optimiser.zero_grad()
        error = (decoder(z_q, z_s) - target).square().mean()
        error.backward()
        optimiser.step()
    assert float(error.detach()) < 0.02
