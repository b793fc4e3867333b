"""The supervised bound: what it learns, by its seed alone, without what has no label."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from bars import write_project
from stage_runs import metrics, stage

from v3.evaluation.params import BoundParams
from v3.evaluation.supervised import FIGURES, bound_figures, fit_classifier, step_loss
from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.params import load_params

MACHINE = load_params().machine.model_copy(update={"threads": 1, "device": "cpu"})
TRAIN = load_params().sections["phonenums"]["train"].model_copy(update={"fragments_per_sample": 4})
PARAMS = BoundParams(seed=0, steps=300, batch_fragments=32)


def fitted(path, samples, spec, params=PARAMS, machine=MACHINE, validation=None):
    with LabelledFragments(path) as file:
        found = fit_classifier(
            file, samples.training, validation or samples.validation, spec, TRAIN, params, machine
        )
        return found and (found, found.classes(file, samples.validation))


def truth(tiny_file):
    with LabelledFragments(tiny_file.path) as file:
        return file.content[file.rows_of(tiny_file.validation)]


@pytest.fixture(scope="module")
def learnt(tiny_file, tiny_spec):
    return fitted(tiny_file.path, tiny_file, tiny_spec)


def test_bars_are_learnt(learnt, tiny_file):
    found, classes = learnt
    assert found.validation_accuracy == 1.0
    assert (classes == truth(tiny_file)).all()
    assert 1 <= found.best_step <= 300


def test_the_same_seed_gives_the_same_bits(tiny_file, tiny_spec):
    """And memory or file, which the batches come from, is no difference."""
    few = PARAMS.model_copy(update={"steps": 6})
    from_file = MACHINE.model_copy(update={"memory_gb": 0.0})
    one, again, third, other = (
        fitted(tiny_file.path, tiny_file, tiny_spec, params, machine)[0].head.weight
        for params, machine in (
            (few, MACHINE),
            (few, MACHINE),
            (few, from_file),
            (few.model_copy(update={"seed": 1}), MACHINE),
        )
    )
    assert torch.equal(one, again)
    assert torch.equal(one, third)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("norm", ["sample_norm", "contrast_norm"])
def test_every_kind_of_spec(tiny_file, tiny_spec, norm):
    spec = Spec.from_dict(tiny_spec.to_dict() | {norm: True})
    found, classes = fitted(tiny_file.path, tiny_file, spec, PARAMS.model_copy(update={"steps": 3}))
    assert found.best_step in (1, 2, 3)
    assert set(classes.tolist()) <= {0, 1, 2}


def relabelled(tiny_file, path, change):
    shutil.copy(tiny_file.path, path)
    with h5py.File(path, "r+") as file:
        file["content"][...] = change(file["content"][()], file["sample"][()])
    return path


def test_fragments_without_a_label_teach_nothing(tiny_file, tiny_spec, tmp_path):
    """Half of them, and whole samples: the others are enough."""

    def forget(content, sample):
        content[::2] = -1
        content[sample == 3] = -1
        return content

    path = relabelled(tiny_file, tmp_path / "half.h5", forget)
    found, classes = fitted(path, tiny_file, tiny_spec)
    assert found.validation_accuracy == 1.0
    assert (classes == truth(tiny_file)).mean() > 0.95


def test_no_label_at_all_is_no_bound(tiny_file, tiny_spec, tmp_path):
    path = relabelled(
        tiny_file, tmp_path / "none.h5", lambda content, s: np.where(s < 16, -1, content)
    )
    assert fitted(path, tiny_file, tiny_spec) is None


def test_labels_that_say_nothing_teach_nothing(tiny_file, tiny_spec, tmp_path):
    """Shuffled in the train part: what is read of the others is chance."""

    def shuffle(content, sample):
        seen = sample < 16
        content[seen] = np.random.default_rng(0).permutation(content[seen])
        return content

    path = relabelled(tiny_file, tmp_path / "shuffled.h5", shuffle)
    _, classes = fitted(path, tiny_file, tiny_spec, PARAMS.model_copy(update={"steps": 20}))
    assert (classes == truth(tiny_file)).mean() < 0.75


def test_a_batch_without_labels_has_no_loss(learnt):
    model, head = learnt[0].model, learnt[0].head
    x = torch.rand(2, 4, 3, 8, 8)
    none = step_loss(model, head, x, torch.full((8,), -1), TRAIN, 0)
    assert float(none.detach()) == 0.0
    model.eval()


def test_exact_figures():
    """Classes that are swapped are pure and wrong."""
    labels = np.array([0, 0, 1, 1, -1])
    got = bound_figures((np.array([1, 1, 0, 0, 0]), labels), (labels.clip(0), labels), 2)
    assert {name: got[name] for name in FIGURES} == {
        "accuracy": 0.0,
        "one_to_one": 1.0,
        "purity": 1.0,
        "zero_shot": 1.0,
        "zero_shot_purity": 1.0,
    }
    assert got["chance_accuracy"] == got["chance_zero_shot"] == 0.5


@pytest.fixture
def bars(tmp_path, monkeypatch, tiny_spec):
    monkeypatch.chdir(tmp_path)
    write_project(tiny_spec)
    stage("split", "bars")
    return Path("data/bars")


@pytest.mark.usefixtures("bars")
def test_the_stage_needs_no_model():
    shutil.rmtree("models")
    stage("bound", "bars")
    found = metrics(Path(), "bound")
    assert set(FIGURES) < set(found)
    assert all(f"chance_{name}" in found for name in FIGURES)
    stage("bound", "bars", "--run", "elsewhere")
    assert metrics(Path("elsewhere"), "bound") == found


def test_a_train_part_without_labels_gives_nulls(bars, capsys):
    split = json.loads((bars / "split.json").read_text(encoding="utf-8"))["splits"]
    with h5py.File(bars / "fragments.h5", "r+") as file:
        content = file["content"][()]
        content[np.isin(file["sample"][()], split["train"])] = -1
        file["content"][...] = content
    stage("bound", "bars")
    assert "has no label" in capsys.readouterr().out
    assert all(metrics(Path(), "bound")[name] is None for name in FIGURES)


def test_a_damaged_spec_is_told(bars):
    (bars / "spec.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"spec\.json.* is missing: run `dvc repro`"):
        stage("bound", "bars")
    assert not Path("metrics").exists()
