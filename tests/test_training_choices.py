"""Training as its parameters choose: each choice, the unit of its error, and the papers' specs."""

import numpy as np
import pytest
import torch
from training_runs import PARAMS, few_steps, replace, run, same, weights

import v3.training.checkpoint
from v3.base.errors import V3Error
from v3.training.loop import (
    build,
    data_variance,
    learning_rate,
    make_optimiser,
    training_step,
)
from v3.training.objective import objective
from v3.training.params import ViewParams, Weights
from v3.training.state import State

VIEW = {
    "shift": 0.1,
    "zoom": 0.1,
    "blur": 0.5,
    "noise": 0.1,
    "temperature": 0.1,
    "evenness": 1.2,
    "discrimination": 0.3,
}
AUGMENTED = ("brightness", "contrast", "saturation", "hue", "gamma")
AGREE = {
    "weights": Weights(
        reconstruction=1, content=1, style=1, between=1, within=1, commitment=0.5,
        decorrelation=0.1, agreement=1, discrimination=1,
    )
}  # fmt: skip


@pytest.fixture
def params():
    return few_steps()


@pytest.fixture(autouse=True)
def _scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(v3.training.checkpoint, "ROOT", tmp_path / "scratch")


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": "adam", "schedule": "step", "step_epochs": 1},
        {"schedule": "constant", "warmup_steps": 10, "clip_norm": 1.0},
        {"precision": "bfloat16"},
        {"style_pooling": "mean", "style_noise": 0.0},
        {"style_standardise": False, "style_noise": 0.3},
        {"supersampling": True, "style_window": 3},
        {"style_pooling": "neighbour", "relative_error": True},
        {
            "view": ViewParams(**VIEW),
            **AGREE,
        },
    ],
)
def test_every_choice_trains(tiny_file, tiny_spec, params, change):
    _, state = run(tiny_file, tiny_spec, replace(params, steps=40, **change))
    assert 0 < state.best_error < 1
    assert set(state.history[-1]) >= {"loss/total", "codes/perplexity", "variability/style_group"}


def test_a_second_view_leaves_the_statistics_for_evaluation_alone(tiny_file, tiny_spec, params):
    """One update of running statistics a step, from the first view."""
    seen = replace(params, view=ViewParams(**VIEW), **AGREE)
    model = build(tiny_file.path, tiny_file.training, tiny_spec, seen)
    model.train()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    encoders = [m for m in model.encoder.modules() if m in norms]
    x = torch.rand(4, 4, 3, 8, 8)
    model.quantizer.start(model.embed_samples(x)[0], 0)
    before = [int(norm.num_batches_tracked) for norm in encoders]
    kept = [norm.running_mean.clone() for norm in encoders]
    objective(model, x, seen, torch.Generator().manual_seed(0))
    after = [int(norm.num_batches_tracked) for norm in encoders]
    assert after == [count + 1 for count in before]
    twin = build(tiny_file.path, tiny_file.training, tiny_spec, seen)
    twin.load_state_dict(model.state_dict())
    for norm, mean in zip(
        [m for m in twin.encoder.modules() if isinstance(m, type(norms[0]))], kept, strict=True
    ):
        assert norm.track_running_stats
        assert not torch.equal(norm.running_mean, mean)


def test_the_unit_of_the_error_is_the_variance_of_the_data(tiny_file, tiny_spec, params):
    """Fragments ten times as large: the same weights do the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 1, 4, 4)).astype(np.float32) + np.arange(4, dtype=np.float32)
    assert data_variance(x, tiny_file.path) == pytest.approx(1.0, rel=0.05)
    with pytest.raises(V3Error, match="all fragments of training are the same"):
        data_variance(np.ones((5, 1, 2, 2), np.float32), tiny_file.path)
    model = build(tiny_file.path, tiny_file.training, tiny_spec, params)
    large = model.info.model_copy(update={"variance": 100 * model.info.variance})
    off = {"augment": params.augment.model_copy(update=dict.fromkeys(AUGMENTED, 0.0))}
    plain = replace(params, **off)
    batch = torch.rand(4, 4, 3, 8, 8)
    small = objective(model.eval(), batch, plain, torch.Generator()).terms["reconstruction"]
    model.info = large
    again = objective(model, batch, plain, torch.Generator()).terms["reconstruction"]
    assert float(again) == pytest.approx(float(small) / 100)


def test_learning_rate_schedules(params):
    def rate(step, **change):
        return learning_rate(step, 10, replace(params, steps=1000, learning_rate=1.0, **change))

    assert rate(0, schedule="constant") == 1.0
    assert rate(0, schedule="cosine") == pytest.approx(1.0)
    assert rate(500, schedule="cosine", final_factor=0.0) == pytest.approx(0.5)
    assert rate(1000, schedule="cosine", final_factor=0.02) == pytest.approx(0.02)
    # published: times 0.98 every 20 epochs of 10 batches, never under 0.02
    assert rate(199, schedule="step") == 1.0
    assert rate(200, schedule="step") == pytest.approx(0.98)
    assert rate(10**6, schedule="step") == pytest.approx(0.02)
    assert rate(4, schedule="constant", warmup_steps=10) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("phonenums", (3, 48, 32)),
        ("insnotes", (1, 512, 32)),
        ("svhn", (3, 48, 32)),
        ("sprites", (3, 64, 64)),
        ("librispeech", (1, 80, 64)),
    ],
)
def test_one_step_of_each_paper_spec(name, shape, tmp_path):
    from v3.fragments.format import FragmentInfo
    from v3.fragments.writer import FragmentWriter
    from v3.training.batches import Batches

    info = FragmentInfo(name, "noise", ("x",), ("y",), 0.0, 1.0)
    rng = np.random.default_rng(0)
    with FragmentWriter(tmp_path / "f.h5", info, shape, np.float32) as writer:
        for sample in range(2):
            fragments = rng.random((3, *shape), np.float32)
            writer.append(fragments, np.zeros(3, int), 0, str(sample))
    dataset = PARAMS.sections[name]
    params = replace(dataset["train"], batch_samples=2, fragments_per_sample=3)
    batches = Batches(tmp_path / "f.h5", [0, 1], 2, 3, 0, 1.0)
    model = build(tmp_path / "f.h5", [0, 1], dataset["specs"]["paper"], params)
    before = weights(model)
    row = training_step(model, make_optimiser(model, params), batches[0], State(), 1, params)
    assert np.isfinite(list(row.values())).all()
    assert not same(before, weights(model))
