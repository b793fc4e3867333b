"""Views: each fragment is moved in its own way, and what is off changes nothing."""

import pytest
import torch

from v3.training.params import ViewParams
from v3.training.views import degrade, move


def config(**on):
    off = {"shift": 0.0, "zoom": 0.0, "blur": 0.0, "noise": 0.0}
    return ViewParams(**(off | on), temperature=0.1, evenness=1.0, discrimination=0.3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dots():
    """A bright dot in the middle of each of 40 fragments."""
    x = torch.zeros(8, 5, 1, 21, 21)
    x[..., 10, 10] = 1.0
    return x


def places(x):
    """Centre of mass (b * n, 2) of each fragment, in elements."""
    flat = x.flatten(0, 2)
    at = torch.arange(21.0)
    mass = flat.sum((1, 2))
    return torch.stack([(flat.sum(2) * at).sum(1) / mass, (flat.sum(1) * at).sum(1) / mass], 1)


def test_nothing_on_changes_nothing():
    x = torch.rand(2, 3, 1, 8, 8)
    assert torch.equal(move(x, config(), "images", generator()), x)
    assert torch.equal(degrade(x, config(), generator()), x)


def test_every_fragment_is_shifted_for_itself_and_not_further_than_asked():
    moved = places(move(dots(), config(shift=0.2), "images", generator()))
    assert len({tuple(place.tolist()) for place in moved}) == 40
    distance = (moved - 10).abs()
    assert float(distance.max()) <= 0.2 * 21 + 0.5
    assert float(distance.mean()) == pytest.approx(0.1 * 21, rel=0.25)


def test_zoom_keeps_the_middle_and_moves_the_rim():
    x = dots()
    x[..., 10, 18] = 1.0
    at_rim = move(x, config(zoom=0.2), "images", generator())
    assert torch.equal(at_rim[..., 10, 10] > 0.4, torch.ones(8, 5, 1, dtype=bool))
    assert not torch.allclose(at_rim, x)


def test_edges_are_repeated_and_levels_kept():
    flat = torch.full((2, 2, 3, 8, 8), 0.7)
    assert torch.allclose(
        move(flat, config(shift=0.3, zoom=0.3), "images", generator()), flat, atol=1e-5
    )
    assert torch.allclose(degrade(flat, config(blur=1.0), generator()), flat, atol=1e-5)


def test_blur_takes_detail_and_noise_adds_some():
    x = torch.rand(6, 4, 3, 16, 16, generator=generator(3))
    blurred = degrade(x, config(blur=1.0), generator())
    assert bool((blurred.var((3, 4)) < x.var((3, 4))).all())
    noisy = degrade(x, config(noise=0.5), generator())
    size = (noisy - x).std((2, 3, 4)) / x.std()
    assert 0 < float(size.min()) < float(size.max()) < 0.55  # each fragment has its own


def test_same_seed_same_view():
    x = torch.rand(3, 2, 1, 8, 8)
    on = config(shift=0.1, zoom=0.1, blur=0.5, noise=0.1)
    for change, kind in ((move, ["images"]), (degrade, [])):
        assert torch.equal(change(x, on, *kind, generator(1)), change(x, on, *kind, generator(1)))
        assert not torch.equal(
            change(x, on, *kind, generator(1)), change(x, on, *kind, generator(2))
        )


def test_height_is_left_alone_where_it_is_pitch():
    moved = places(move(dots(), config(shift=0.2, zoom=0.2), "spectrograms", generator()))
    assert moved[:, 0].tolist() == pytest.approx([10.0] * 40, abs=1e-3)
    assert float((moved[:, 1] - 10).abs().mean()) == pytest.approx(0.1 * 21, rel=0.25)


def sampled(x, affine):
    """Fragments (N, C, H, W) at the places of affine maps (N, 2, 3), by PyTorch's own grid."""
    grid = torch.nn.functional.affine_grid(affine, list(x.shape), align_corners=False)
    return torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def draw(generator, most):
    return ((torch.rand(6, 1, generator=generator) * 2 - 1) * most)[:, 0]


def test_spectrograms_are_moved_as_a_grid_sample_would_in_time():
    """`move` resamples columns; the same draws through PyTorch's sampler give the same."""
    x = torch.rand(2, 3, 1, 6, 16)
    got = move(x, config(shift=0.2, zoom=0.3), "spectrograms", generator(4)).flatten(0, 1)
    draws = generator(4)
    affine = torch.zeros(6, 2, 3)
    affine[:, 0, 0], affine[:, 0, 2] = draw(draws, 0.3).exp(), draw(draws, 0.4)
    affine[:, 1, 1] = 1.0
    assert torch.allclose(got, sampled(x.flatten(0, 1), affine), atol=1e-5)


def test_images_are_moved_stretched_and_slanted_as_an_affine_map_would():
    x = torch.rand(2, 3, 3, 12, 16)
    got = move(x, config(shift=0.2, zoom=0.3), "images", generator(4)).flatten(0, 1)
    draws = generator(4)
    affine = torch.zeros(6, 2, 3)
    affine[:, 0, 0], affine[:, 0, 2] = draw(draws, 0.3).exp(), draw(draws, 0.4)
    affine[:, 1, 1], affine[:, 0, 1] = draw(draws, 0.3).exp(), draw(draws, 0.3)
    affine[:, 1, 2] = draw(draws, 0.4)
    assert torch.allclose(got, sampled(x.flatten(0, 1), affine), atol=1e-5)
