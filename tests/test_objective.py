"""What the parameters make of the error of reconstruction."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from v3.params import load_params
from v3.training.objective import part_of_variance
from v3.training.params import TrainParams

TRAIN = load_params().sections["phonenums"]["train"]


def params(**changes: Any) -> TrainParams:
    return TRAIN.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"forgiven_shift": 0.0}, 1.0),  # a dot beside its place, as a part of the variance
        ({"forgiven_shift": 0.125, "in_place": 0.25}, 0.25),  # one of 8 pixels is forgiven
        ({"forgiven_shift": 0.125, "in_place": 1.0}, 1.0),
        ({"forgiven_shift": 0.125, "in_place": 0.25, "kind": "spectrograms"}, 1.0),
    ],
)
def test_a_shift_is_forgiven_to_images_as_far_as_is_said(
    changes: dict[str, Any], error: float
) -> None:
    x, x_hat = torch.zeros(2, 3, 1, 8, 8), torch.zeros(2, 3, 1, 8, 8)
    x[..., 4, 4] = x_hat[..., 4, 5] = 1.0
    model: Any = SimpleNamespace(info=SimpleNamespace(variance=2 / 64))
    got = part_of_variance(model, x_hat, x, params(**changes))
    assert got.shape == (2, 3)
    assert got.flatten().tolist() == pytest.approx([error] * 6)
