"""Specs build networks of the published sizes, and nothing shrinks to zero."""

import numpy as np
import pytest
import torch
from scipy.fft import dct

from v3.base.errors import V3Error
from v3.model.layers import (
    LEAST_CONTRAST,
    Colours,
    Modulation,
    Pointwise,
    ResidualBlock,
    SampleNorm,
    SmallMaps,
    SmallMapsTransposed,
    Spreading,
    conv,
)
from v3.model.networks import Decoder, Encoder, trunk_sizes
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
        norm = encoder.sample
        profile = norm.profile(x).mean(0, keepdim=True).expand(2, -1, -1, -1) if norm else None
        z_c, z_s = encoder(x, profile)
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


def test_colours_are_counted_wherever_they_lie_and_interpolated():
    counted = Colours(3, bins=3, style_dim=4)
    x = torch.zeros(1, 3, 8, 8)
    x[:, 0, :4] = 1.0  # the upper half red
    x[:, 2, 4:, 4:] = 0.25  # a quarter between black and a blue of one half
    shares = counted.shares(x).view(3, 3, 3)  # red, green, blue
    assert shares.sum() == pytest.approx(1)
    assert shares[2, 0, 0] == pytest.approx(1 / 2)
    assert shares[0, 0, 0] == pytest.approx(1 / 4 + 1 / 8)
    assert shares[0, 0, 1] == pytest.approx(1 / 8)
    aside = counted.shares(x.roll((2, 4), (2, 3))).view(3, 3, 3)
    assert torch.allclose(aside, shares)
    grey = Colours(1, bins=5, style_dim=4).shares(torch.full((2, 1, 4, 4), 0.9))
    assert torch.allclose(grey, torch.tensor([0.0, 0.0, 0.0, 0.4, 0.6]).expand(2, 5))


def test_counted_colours_are_style_and_not_content(tiny_spec):
    encoder = Encoder(tiny_spec.model_copy(update={"colours": 3}), (3, 8, 8)).eval()
    plain = Encoder(tiny_spec, (3, 8, 8)).eval()
    plain.load_state_dict(
        {name: value for name, value in encoder.state_dict().items() if "colours" not in name}
    )
    x = torch.rand(4, 3, 8, 8)
    with torch.inference_mode():
        (z_c, z_s), (same, less) = encoder(x), plain(x)
        counted = encoder.colours(x)
    assert torch.equal(z_c, same)
    assert torch.allclose(z_s, less + counted, atol=1e-6)
    assert counted.abs().max() > 0.01
    assert encoder.colours.read.weight.requires_grad


def test_more_bins_than_can_be_counted_are_refused(tiny_spec):
    spec = tiny_spec.model_copy(update={"colours": 17})
    with pytest.raises(V3Error, match="17 to the power of 3 channels"):
        Encoder(spec, (3, 8, 8))
    Encoder(spec, (1, 8, 8))


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


def test_a_decoder_may_read_the_style_before_its_trunk_and_within(tiny_spec):
    raw = tiny_spec.to_dict() | {"conditioning": "both"}
    decoder = Decoder(Spec.from_dict(raw), (3, 8, 8)).eval()
    z_q, z_s = torch.randn(4, 8), torch.randn(4, 8)
    modulations = [layer for layer in decoder.modules() if isinstance(layer, Modulation)]
    assert len(modulations) == 2
    with (
        torch.inference_mode()
    ):  # nothing is modulated at first: this is what the trunk begins with
        assert not torch.allclose(decoder(z_q, z_s), decoder(z_q, -z_s))
        plain = decoder(z_q, z_s)
        modulations[-1].read[-1].bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0, 3.0]))
        moved = decoder(z_q, z_s) - plain
    assert torch.allclose(moved.mean((0, 2, 3)), torch.tensor([1.0, 2.0, 3.0]), atol=1e-5)


def test_one_level_of_colours_is_refused(tiny_spec):
    with pytest.raises(V3Error, match=r"spec\.colours must be 0 or >= 2"):
        Spec.from_dict(tiny_spec.to_dict() | {"colours": 1})


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


@pytest.mark.parametrize(
    ("channels", "kernel", "stride"),
    [(3, (8, 8), (4, 4)), (1, (16, 8), (8, 4)), (2, (4, 8), (2, 4))],
)
def test_spreading_is_a_transposed_convolution(channels, kernel, stride):
    torch.manual_seed(0)
    margin = ((kernel[0] - stride[0]) // 2, (kernel[1] - stride[1]) // 2)
    spread = Spreading(5, channels, kernel, stride, margin).double()
    theirs = torch.nn.ConvTranspose2d(5, channels, kernel, stride, margin).double()
    theirs.load_state_dict(spread.state_dict())
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    assert torch.allclose(spread(x), theirs(x), atol=1e-12)
    for layer in (spread, theirs):
        layer(x).square().sum().backward()
    assert torch.allclose(spread.weight.grad, theirs.weight.grad, atol=1e-10)
    assert torch.allclose(spread.bias.grad, theirs.bias.grad, atol=1e-10)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("kernel", "size"),
    # the last three are not small enough and PyTorch's own
    [((5, 5), (3, 2)), ((5, 7), (2, 4)), ((3, 3), (1, 2)), ((5, 5), (2, 4)), ((5, 5), (3, 3))],
)
def test_on_small_maps_a_convolution_is_a_product_of_the_same_value(transposed, kernel, size):
    torch.manual_seed(0)
    layer = conv(4, 6, kernel, transposed=transposed).double()
    assert isinstance(layer, SmallMapsTransposed if transposed else SmallMaps)
    plain = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    theirs = plain(4, 6, kernel, padding=(kernel[0] // 2, kernel[1] // 2)).double()
    theirs.load_state_dict(layer.state_dict())
    _same(layer, theirs, torch.randn(3, 4, *size, dtype=torch.float64))


def test_a_pointwise_convolution_with_a_stride_is_pytorchs_own():
    torch.manual_seed(0)
    layer = conv(4, 6, (1, 1), (2, 3)).double()
    assert isinstance(layer, Pointwise)
    theirs = torch.nn.Conv2d(4, 6, (1, 1), (2, 3)).double()
    theirs.load_state_dict(layer.state_dict())
    _same(layer, theirs, torch.randn(3, 4, 5, 7, dtype=torch.float64))


def _same(layer, theirs, x):
    """Two layers with the same weights: values, and gradients of the input and of the weights."""
    found = []
    for one in (layer, theirs):
        given = x.clone().requires_grad_()
        y = one(given)
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum().backward()
        found.append((y, given.grad, one.weight.grad, one.bias.grad))
    for ours, other in zip(*found, strict=True):
        assert torch.allclose(ours, other, atol=1e-12)


@pytest.mark.parametrize("channels", [4, 5, 8])
def test_few_channels_train_with_channels_last(channels):
    """PyTorch's own 1x1 convolutions with a stride end the process here (signal 11)."""
    torch.manual_seed(0)
    block = ResidualBlock(channels, 2 * channels, (5, 5), (2, 2))
    block.to(memory_format=torch.channels_last)
    x = torch.randn(2, channels, 512, 32).contiguous(memory_format=torch.channels_last)
    block(x).square().mean().backward()
    assert all(weight.grad.isfinite().all() for weight in block.parameters())


def test_every_strided_decoder_ends_in_a_kernel_of_twice_its_stride_or_pytorchs_own():
    """Other kernels are PyTorch's business."""
    raw = {"network": "strided", "content_dim": 4, "style_dim": 4, "atoms": 2}
    for layer, kind in (("4, 4x4, 2x2", Spreading), ("4, 5x5, 3x3", torch.nn.ConvTranspose2d)):
        decoder = Decoder(Spec.from_dict(raw | {"layers": [layer]}), (1, 12, 12))
        assert type(decoder.trunk[0]) is kind
        assert decoder(torch.zeros(2, 4), torch.zeros(2, 4)).shape == (2, 1, 12, 12)


def test_cepstra_are_those_of_scipy_normalised_over_the_sample():
    torch.manual_seed(0)
    norm = SampleNorm((1, 20, 7), 5, style_dim=3)
    x = torch.randn(4, 1, 20, 7) * torch.linspace(0.5, 2, 20)[:, None] + 3
    profile = norm.profile(x).mean(0, keepdim=True).expand(4, -1, -1, -1)
    got, _ = norm(x, profile)
    found = dct(got.numpy(), axis=2, norm="ortho")
    assert np.abs(found[:, :, 5:]).max() < 1e-5  # the fine structure is gone
    wanted = dct(x.double().numpy(), axis=2, norm="ortho")[:, :, :5]
    wanted -= wanted.mean((0, 3), keepdims=True)
    deviation = wanted.std((0, 3), keepdims=True) + LEAST_CONTRAST
    wanted *= deviation.mean() / deviation
    assert np.abs(found[:, :, :5] - wanted).max() < 1e-4


def test_cepstra_tell_the_style_what_was_taken_off():
    norm = SampleNorm((1, 8, 8), 3, style_dim=4)
    x = torch.randn(6, 1, 8, 8)
    loud = x * 3 + 1

    def both(x):
        return norm(x, norm.profile(x).mean(0, keepdim=True).expand(6, -1, -1, -1))

    (shape, style), (_, other) = both(x), both(loud)
    assert shape.shape == x.shape
    assert not torch.allclose(style, other, atol=0.01)


def test_cepstra_that_cannot_be_are_refused(tiny_spec):
    raw = tiny_spec.to_dict() | {"cepstra": 4}
    with pytest.raises(V3Error, match="sample_norm"):
        Spec.from_dict(raw)
    spec = Spec.from_dict(raw | {"sample_norm": True, "cepstra": 9})
    with pytest.raises(V3Error, match="height 8"):
        Encoder(spec, (3, 8, 8))
