"""Training without labels: it learns, resumes to the same bits, stops at NaN, and adapts."""

import itertools
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from training_runs import few_steps, machine, replace, run, same, weights

import v3.adaptation
import v3.training.checkpoint
from v3.adaptation import adapt
from v3.base.closure import closure
from v3.base.errors import V3Error
from v3.evaluation.embedding import embed
from v3.evaluation.params import FewShotParams
from v3.fragments.labels import LabelledFragments
from v3.training.checkpoint import Checkpoints
from v3.training.loop import read_pending, train, validate, validation_set
from v3.training.objective import objective
from v3.training.state import State


@pytest.fixture
def params():
    return few_steps()


@pytest.fixture(autouse=True)
def _scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(v3.training.checkpoint, "ROOT", tmp_path / "scratch")


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
            # or a loss that is no number would be what the next run goes on from
            assert not state["state"]["pending"], "losses that nobody has looked at"

    few = replace(params, steps=25, validate_every=7)
    _, state = run(tiny_file, tiny_spec, few, Noted("x", {}, []), checkpoint_every=3)
    looks = [row["step"] for row in state.history if "validation/error" in row]
    assert looks == [7, 14, 21, 25]
    assert [row["step"] for row in state.history] == [7, 14, 20, 21, 25]
    assert saved == [3, 6, 9, 12, 15, 18, 21, 24]


def test_the_first_loss_that_is_no_number_is_named_by_its_step():
    losses = [1.0, 2.0, float("nan"), float("nan")]
    pending = [{"loss/total": torch.tensor(loss)} for loss in losses]
    state = State(step=9, pending=pending)  # of the steps 5 to 8
    with pytest.raises(V3Error, match=r"the loss is nan at step 7: lower mine\.learning_rate"):
        read_pending(state, few_steps(), "mine")
    assert [row["loss/total"] for row in state.rows] == losses[:2]


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


def test_adaptation_to_many_samples_ends_early(tiny_file, tiny_spec, params, monkeypatch):
    model, _ = run(tiny_file, tiny_spec, replace(params, steps=2))
    steps = []

    def counted(*args):
        steps.append(1)
        return objective(*args)

    monkeypatch.setattr(v3.adaptation, "objective", counted)
    for passes, least, most in ((3, 3, 3 * len(tiny_file.validation)), (1000, 50, 50)):
        few_shot = FewShotParams(seed=0, passes=passes, learning_rate=1e-3)
        adapt(model, tiny_file.path, tiny_file.validation, few_shot, params, machine())
        assert least <= len(steps) <= most
        steps.clear()
