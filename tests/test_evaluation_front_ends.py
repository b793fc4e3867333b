"""What the front ends of the baseline make of fragments, against what they are defined by."""

from __future__ import annotations

import numpy as np
import pytest

from v3.evaluation.common import draw_samples
from v3.evaluation.front_ends import (
    FrontEnd,
    front_ends,
    less_loudness,
    normalised_cepstra,
    read_points,
)
from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.model.v3 import V3, ModelInfo

DRAW = np.random.default_rng(0)


def spec_with(spec, **changes):
    return Spec.from_dict(spec.to_dict() | changes)


@pytest.mark.parametrize(
    ("norms", "kind", "wanted"),
    [
        ({}, "images", ["raw", "components"]),
        ({"contrast_norm": True}, "images", ["raw", "components", "trunk"]),
        ({}, "spectrograms", ["raw", "components", "level", "cepstra"]),
        (
            {"sample_norm": True},
            "spectrograms",
            ["raw", "components", "trunk", "level", "cepstra"],
        ),
    ],
)
def test_which_there_are(tiny_spec, norms, kind, wanted):
    """Of two that would be the same there is one."""
    assert list(front_ends(spec_with(tiny_spec, **norms), kind, (3, 8, 8))) == wanted


@pytest.mark.parametrize(
    "norms",
    [
        {"sample_norm": True},
        {"sample_norm": True, "cepstra": 5},
        {"contrast_norm": True},
        {"sample_norm": True, "contrast_norm": True},
    ],
)
def test_the_trunk_sees_just_that(tiny_spec, norms):
    spec = spec_with(tiny_spec, **norms)
    info = ModelInfo(
        dataset="x", source="x", offset=0.0, scale=1.0, fragment_shape=(3, 8, 8), variance=1.0
    )
    model = V3(spec, info)
    seen = []
    model.encoder.trunk.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    x = DRAW.normal(size=(5, 3, 8, 8)).astype(np.float32)
    x[0] = 0.3  # flat
    model.encode(x, np.zeros(5, np.int64))
    points = front_ends(spec, "images", (3, 8, 8))["trunk"].points(x)
    np.testing.assert_allclose(points, seen[0].numpy(), rtol=1e-4, atol=1e-5)


def test_loudness_and_the_samples_spectrum_drop_out():
    x = DRAW.normal(size=(6, 1, 10, 12)).astype(np.float32)
    louder = DRAW.normal(size=(6, 1, 1, 1)).astype(np.float32)
    spectrum = DRAW.normal(size=(1, 1, 10, 1)).astype(np.float32)
    np.testing.assert_allclose(less_loudness(x + louder + spectrum), less_loudness(x), atol=1e-5)


def test_cepstra_of_cosines():
    """A frame that is one cosine over frequency has one cepstrum, and the rest stay 0."""
    height, width = 32, 16
    angle = np.pi * 3 * (np.arange(height) + 0.5) / height
    gains = DRAW.normal(size=(4, 1, 1, width))
    x = (np.cos(angle)[:, None] * gains).astype(np.float32)
    cepstra = normalised_cepstra(x)
    assert cepstra.shape == (4, 1, 16, 8)
    normalised = (gains - gains.mean()) / gains.std()
    np.testing.assert_allclose(
        cepstra[:, 0, 3], normalised[:, 0, 0].reshape(4, 8, 2).mean(2), atol=1e-5
    )
    assert np.abs(np.delete(cepstra, 3, axis=2)).max() < 0.01


def test_cepstra_forget_filter_and_gain():
    """What multiplies all magnitudes of a sample adds to its logarithms, and drops out."""
    x = DRAW.normal(size=(5, 2, 20, 24)).astype(np.float32)
    filtered = 3 * x + DRAW.normal(size=(1, 2, 20, 1)).astype(np.float32)
    np.testing.assert_allclose(normalised_cepstra(filtered), normalised_cepstra(x), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 4, 5), (2, 3, 17, 9)])
def test_cepstra_of_few_rows_and_frames(shape):
    got = normalised_cepstra(np.full(shape, 0.7, np.float32))
    assert got.shape == (*shape[:2], min(16, shape[2]), min(8, shape[3]))
    assert np.abs(got).max() < 1e-5


def test_points_are_made_sample_by_sample(tiny_file, monkeypatch):
    """Whatever is read at once, in the order of the samples, in the network's units."""
    less_mean = FrontEnd(lambda x: x - x.mean(0), None)
    with LabelledFragments(tiny_file.path) as file:
        whole = read_points(file, [5, 2, 9], less_mean)
        monkeypatch.setattr("v3.evaluation.embedding.CHUNK", 1)
        assert (read_points(file, [5, 2, 9], less_mean) == whole).all()
        wanted = []
        for sample in (5, 2, 9):
            x = file.read(file.rows_of([sample])).astype(np.float32) / 255
            wanted.append((x - x.mean(0)).reshape(len(x), -1))
    np.testing.assert_allclose(whole, np.concatenate(wanted), atol=1e-6)


def test_samples_are_drawn_whole():
    starts = [0, 4, 6, 9, 14]
    assert draw_samples(starts, [3, 0, 2], 100, 0) == [0, 2, 3]
    sizes = np.diff(starts)
    for seed in range(8):
        drawn = draw_samples(starts, [0, 1, 2, 3], 8, seed)
        assert len(drawn) >= 1
        assert sizes[drawn].sum() <= 8
    assert len(draw_samples(starts, [0, 1], 1, 0)) == 1  # one, however long
