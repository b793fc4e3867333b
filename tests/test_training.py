"""Training without labels: it learns, resumes to the same bits, and stops at NaN."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import v3.training.checkpoint
from v3.adaptation import adapt
from v3.base.closure import closure
from v3.base.errors import V3Error
from v3.base.params_file import Machine
from v3.evaluation.embedding import embed
from v3.evaluation.params import FewShotParams
from v3.fragments.labels import LabelledFragments
from v3.params import load_params
from v3.training.checkpoint import Checkpoints
from v3.training.loop import (
    State,
    build,
    data_variance,
    learning_rate,
    make_optimiser,
    train,
    training_step,
    validate,
    validation_set,
)
from v3.training.objective import objective
from v3.training.params import TrainParams, ViewParams, Weights

PARAMS = load_params()


def replace(params: TrainParams, **changes: Any) -> TrainParams:
    """Other parameters, checked as those of the file are."""
    return TrainParams.model_validate(dict(params) | changes)


def machine(**changes: Any) -> Machine:
    return PARAMS.machine.model_copy(update={"threads": 1, "checkpoint_every": 20, **changes})


@pytest.fixture
def params():
    return replace(
        PARAMS.sections["phonenums"]["train"],
        steps=120,
        batch_samples=4,
        fragments_per_sample=4,
        validate_every=40,
        patience=0,
    )


@pytest.fixture(autouse=True)
def _scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(v3.training.checkpoint, "ROOT", tmp_path / "scratch")


def run(tiny, spec, params, checkpoints=None, log=None, **of_machine):
    checkpoints = checkpoints or Checkpoints("none", {}, [])
    return train(
        tiny.path,
        tiny.training,
        tiny.validation,
        spec,
        params,
        machine(**of_machine),
        checkpoints,
        log,
    )


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def curves(state):
    return [
        {name: value for name, value in row.items() if not name.startswith("throughput")}
        for row in state.history
    ]


def test_training_reconstructs_and_is_deterministic(tiny_file, tiny_spec, params):
    first, state = run(tiny_file, tiny_spec, params, Checkpoints("a", {}, []))
    second, again = run(tiny_file, tiny_spec, params, Checkpoints("b", {}, []))
    assert same(weights(first), weights(second))
    assert curves(state) == curves(again)
    errors = [row["validation/error"] for row in state.history if "validation/error" in row]
    assert state.best_error == min(errors) < 0.5 * errors[0] + 0.5 * errors[-1]
    held_out = validation_set(tiny_file.path, tiny_file.validation, params)
    assert validate(first, held_out, params)["validation/error"] == pytest.approx(state.best_error)
    other, _ = run(tiny_file, tiny_spec, replace(params, seed=1), Checkpoints("c", {}, []))
    assert not same(weights(first), weights(other))


class Killed(Exception):
    pass


@pytest.mark.parametrize("row_of_death", [2, 3, 5])
def test_interrupted_training_ends_with_the_same_bits(tiny_file, tiny_spec, params, row_of_death):
    whole, state = run(tiny_file, tiny_spec, params)
    rows = itertools.count(1)

    def die(_row):
        if next(rows) == row_of_death:
            raise Killed

    with pytest.raises(Killed):
        run(tiny_file, tiny_spec, params, Checkpoints("x", {}, []), die)
    assert Checkpoints("x", {}, []).load()["state"]["step"] == 20 * (row_of_death - 1)
    seen = []
    resumed, after = run(tiny_file, tiny_spec, params, Checkpoints("x", {}, []), seen.append)
    assert same(weights(whole), weights(resumed))
    assert curves(state) == curves(after)
    assert [row["step"] for row in seen] == [20.0 * k for k in range(1, 7)]  # history replayed


def test_a_changed_setting_or_file_never_finds_an_old_checkpoint(tmp_path):
    data = tmp_path / "data"
    data.write_text("one")
    saved = {"model": {}, "optimiser": {}, "state": {"step": 7}}
    Checkpoints("x", {"lr": 1}, [data]).save(saved)
    assert Checkpoints("x", {"lr": 1}, [data]).load() == saved
    assert Checkpoints("x", {"lr": 2}, [data]).load() is None
    data.write_text("two")
    assert Checkpoints("x", {"lr": 1}, [data]).load() is None


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "text", "other"])
def test_a_damaged_checkpoint_is_told_and_training_begins_anew(
    tiny_file, tiny_spec, params, damage, capsys
):
    few = replace(params, steps=40)
    whole, _ = run(tiny_file, tiny_spec, few)
    checkpoints = Checkpoints("x", {}, [])
    run(tiny_file, tiny_spec, few, checkpoints)  # leaves that of step 20
    file = checkpoints.folder / "checkpoint.pt"
    content = file.read_bytes()
    if damage == "other":
        torch.save([1, 2], file)
    else:
        half = len(content) // 2
        broken = {"empty": b"", "half": content[:half], "text": b"hello"}
        file.write_bytes(broken.get(damage, bytes(len(content))))
    again, _ = run(tiny_file, tiny_spec, few, checkpoints)
    assert same(weights(whole), weights(again))
    said = capsys.readouterr().err
    assert "checkpoint.pt is damaged: training begins anew" in said


def test_the_machine_changes_nothing(tiny_file, tiny_spec, params):
    few = replace(params, steps=20)
    alone, _ = run(tiny_file, tiny_spec, few, Checkpoints("a", {}, []))
    helped, _ = run(
        tiny_file,
        tiny_spec,
        few,
        Checkpoints("b", {}, []),
        loaders=1,
        memory_gb=0.0,
        checkpoint_every=7,
    )
    assert same(weights(alone), weights(helped))


def test_intervals_are_what_they_say(tiny_file, tiny_spec, params):
    """A look every 7 updates, a checkpoint every 3, whatever the rows of the history are."""
    saved = []

    class Noted(Checkpoints):
        def save(self, state):
            saved.append(state["state"]["step"])

    few = replace(params, steps=25, validate_every=7)
    _, state = run(tiny_file, tiny_spec, few, Noted("x", {}, []), checkpoint_every=3)
    looks = [row["step"] for row in state.history if "validation/error" in row]
    assert looks == [7, 14, 21, 25]
    assert [row["step"] for row in state.history] == [7, 14, 20, 21, 25]
    assert saved == [3, 6, 9, 12, 15, 18, 21, 24]


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


def test_nan_names_the_parameter(tiny_file, tiny_spec, params):
    with pytest.raises(V3Error, match=r"train.learning_rate \(is 1000\)"):
        run(tiny_file, tiny_spec, replace(params, learning_rate=1000.0))


def test_converged_training_ends_early(tiny_file, tiny_spec, params):
    eager = replace(params, patience=1, min_improvement=0.9, validate_every=20)
    _, state = run(tiny_file, tiny_spec, eager)
    assert state.step < eager.steps


def test_training_opens_no_labels(tiny_file, tiny_spec, params, tmp_path):
    """A file without any label trains to the same bits, and no module of training reads labels."""
    blind = tmp_path / "blind.h5"
    shutil.copy(tiny_file.path, blind)
    with h5py.File(blind, "r+") as file:
        for name in ("content", "style", "sample_id"):
            del file[name]
        for name in ("content_names", "style_names"):
            del file.attrs[name]
    few = replace(params, steps=20)
    seeing, _ = run(tiny_file, tiny_spec, few, Checkpoints("a", {}, []))
    model, _ = train(
        blind,
        tiny_file.training,
        tiny_file.validation,
        tiny_spec,
        few,
        machine(),
        Checkpoints("b", {}, []),
    )
    assert same(weights(seeing), weights(model))
    for script in ("stages/train.py", "v3/adaptation.py"):
        assert Path("v3/fragments/labels.py") not in closure(script)


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


def test_adaptation_moves_the_network_and_not_the_codebook(tiny_file, tiny_spec, params):
    model, _ = run(tiny_file, tiny_spec, replace(params, steps=40))
    before = weights(model)
    few_shot = FewShotParams(seed=0, passes=3, learning_rate=1e-3)
    adapted = adapt(model, tiny_file.path, tiny_file.validation, few_shot, params, machine())
    assert same(before, weights(model))  # the original stays as it was
    after = weights(adapted)
    assert torch.equal(after["quantizer.atoms"], before["quantizer.atoms"])
    assert not torch.equal(after["encoder.content.weight"], before["encoder.content.weight"])
    again = adapt(model, tiny_file.path, tiny_file.validation, few_shot, params, machine())
    assert same(after, weights(again))
    with pytest.raises(V3Error, match="needs a sample, has none"):
        adapt(model, tiny_file.path, [], few_shot, params, machine())
    one = tiny_file.validation[:1]
    alone = weights(adapt(model, tiny_file.path, one, few_shot, params, machine()))
    assert all(torch.isfinite(value).all() for value in alone.values())
    assert not torch.equal(alone["encoder.content.weight"], before["encoder.content.weight"])


def test_embeddings_follow_the_samples(tiny_file, tiny_spec, params):
    model, _ = run(tiny_file, tiny_spec, replace(params, steps=20))
    with LabelledFragments(tiny_file.path) as file:
        some = embed(model, file, [5, 2])
        one = embed(model, file, [2])
        labels = np.asarray(file.content)[some.rows]
    assert some.sample.tolist() == [5] * 4 + [2] * 5
    assert np.array_equal(some.content_label, labels)
    assert np.allclose(some.z_c[4:], one.z_c, atol=1e-6)
    assert set(some.style_label) == {1, 2}
    assert not np.allclose(some.style_read, some.style_noisy)
