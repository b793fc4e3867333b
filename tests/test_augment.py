"""Augmentation against the standard library's colour spaces, one draw a sample."""

import colorsys

import pytest
import torch

import v3.training.augment
from v3.base.errors import V3Error
from v3.params import load_params
from v3.training.augment import _hue, augment, check_kind
from v3.training.params import AugmentParams

OFF = {
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
    "gamma": 0.0,
    "invert": 0.0,
    "frequency_mask": 0.0,
}


def config(**on):
    return AugmentParams(**(OFF | on))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nothing_on_changes_nothing():
    x = torch.rand(2, 3, 3, 4, 4)
    assert torch.equal(augment(x, config(), "images", generator()), x)


@pytest.mark.parametrize("turn", [-0.4, -0.1, 0.0, 0.25, 0.5])
def test_hue_turns_like_hsv(turn):
    x = torch.rand(1, 1, 3, 4, 4, generator=generator())
    turned = _hue(x, torch.full((1, 1, 1, 1, 1), turn))
    for before, after in zip(x[0, 0].flatten(1).T, turned[0, 0].flatten(1).T, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*before.tolist())
        assert after.tolist() == pytest.approx(colorsys.hsv_to_rgb((h + turn) % 1, s, v), abs=1e-5)


def test_hue_turns_where_two_channels_are_as_large_or_as_small():
    corners = torch.cartesian_prod(*[torch.tensor([0.2, 0.5, 0.9])] * 3)
    turned = _hue(corners.T.reshape(1, 1, 3, 3, 9), torch.full((1, 1, 1, 1, 1), 0.15))
    for before, after in zip(corners, turned[0, 0].flatten(1).T, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*before.tolist())
        assert after.tolist() == pytest.approx(colorsys.hsv_to_rgb((h + 0.15) % 1, s, v), abs=1e-5)


def test_a_part_at_a_time_is_the_same_as_all_at_once(monkeypatch):
    x = torch.rand(7, 2, 3, 4, 4, generator=generator())
    changes = config(hue=0.5, saturation=0.2, brightness=0.2, contrast=0.2, gamma=0.5, invert=0.5)
    whole = augment(x, changes, "images", generator())
    for samples in (1, 3):
        monkeypatch.setattr(v3.training.augment, "IN_CACHE", samples * x[0].numel())
        assert torch.equal(augment(x, changes, "images", generator()), whole)


def test_grey_stays_grey_under_hue_and_saturation():
    x = torch.full((2, 1, 3, 4, 4), 0.3)
    assert torch.allclose(
        augment(x, config(hue=0.5, saturation=0.9), "images", generator()), x, atol=1e-6
    )


def test_one_draw_a_sample_and_every_sample_its_own():
    x = torch.rand(1, 1, 3, 4, 4, generator=generator()).expand(4, 5, 3, 4, 4)
    changed = augment(
        x, config(hue=0.5, saturation=0.2, brightness=0.2, contrast=0.2), "images", generator()
    )
    assert torch.equal(changed[:, :1].expand_as(changed), changed)
    assert len({tuple(sample.flatten().tolist()) for sample in changed[:, 0]}) == 4
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1


def test_same_seed_same_draw():
    x = torch.rand(4, 2, 3, 4, 4)
    strengths = config(hue=0.5, contrast=0.3)
    assert torch.equal(
        augment(x, strengths, "images", generator(1)), augment(x, strengths, "images", generator(1))
    )


def test_frequency_mask_is_one_band_a_sample():
    x = torch.ones(64, 2, 1, 32, 5)
    masked = augment(x, config(frequency_mask=7 / 32), "spectrograms", generator()) == 0
    assert torch.equal(masked[:, :1, :, :, :1].expand_as(masked), masked)
    band = masked[:, 0, 0, :, 0].int()
    width = band.sum(1)
    assert set(width.tolist()) == set(range(8))
    edges = torch.nn.functional.pad(band, (1, 1)).diff(dim=1).abs().sum(1)
    assert torch.equal(edges, 2 * (width > 0).int())  # contiguous


def test_fragments_take_part_in_what_their_kind_has():
    everything = config(brightness=0.5, saturation=0.9, hue=0.5, gamma=1.0, frequency_mask=0.5)
    grey, colour = torch.rand(4, 2, 1, 8, 8), torch.rand(4, 2, 3, 8, 8)
    assert torch.equal(augment(grey, config(saturation=0.9, hue=0.5), "images", generator()), grey)
    for x in (grey, colour):
        light = augment(x, everything, "images", generator())
        assert not torch.equal(light, x)
        assert (light != 0).any(4).all()  # no band is blanked
    masked = augment(grey, everything, "spectrograms", generator())
    assert ((masked == grey) | (masked == 0)).all()
    four = torch.rand(4, 2, 4, 8, 8)
    assert torch.equal(augment(four, everything, "images", generator()), four)


def params(kind="images", **on):
    train = load_params().sections["phonenums"]["train"]
    return train.model_copy(update={"kind": kind, "augment": config(**on)})


def test_images_outside_their_range_and_negatives_of_spectrograms_are_refused():
    with pytest.raises(V3Error, match=r"mine\.train\.kind is images, .* from -1 to 3"):
        check_kind(params(), -1.0, 3.0, "mine.train")
    with pytest.raises(V3Error, match=r"mine\.train\.augment\.invert must be 0 for spectrograms"):
        check_kind(params("spectrograms", invert=0.5), 0.0, 1.0, "mine.train")
    check_kind(params(invert=0.5), 0.0, 1.0, "x")
    check_kind(params("spectrograms", gamma=1.0), -2.0, 2.0, "x")


def test_grey_images_are_changed_as_colours_are():
    x = torch.rand(4, 2, 1, 4, 4)
    changed = augment(x, config(contrast=0.3, brightness=0.3, invert=0.5), "images", generator())
    same = augment(
        x.expand(4, 2, 3, 4, 4),
        config(contrast=0.3, brightness=0.3, invert=0.5),
        "images",
        generator(),
    )
    assert torch.allclose(changed, same[:, :, :1], atol=1e-6)


def test_gamma_lightens_ink_and_leaves_paper_white():
    page = torch.full((64, 1, 3, 4, 4), 0.96)
    page[..., :2, :] = 0.05
    changed = augment(page, config(gamma=1.5), "images", generator())
    ink, paper = changed[..., 0, 0], changed[..., 3, 0]
    assert float(ink.max()) > 0.4  # 0.05 ** exp(-1.5) = 0.51
    assert float(ink.min()) < 0.001
    assert float(paper.min()) > 0.8
    exponent = ink.log() / torch.tensor(0.05).log()
    assert float(exponent.log().abs().max()) <= 1.5 + 1e-5


def test_inversion_turns_whole_samples():
    x = torch.rand(40, 2, 3, 4, 4)
    changed = augment(x, config(invert=0.5), "images", generator())
    turned = [torch.equal(sample, 1 - before) for sample, before in zip(changed, x, strict=True)]
    kept = [torch.equal(sample, before) for sample, before in zip(changed, x, strict=True)]
    assert all(one != other for one, other in zip(turned, kept, strict=True))
    assert 10 < sum(turned) < 30
