"""Batches: every sample once an epoch, consecutive fragments, the same for any way of reading."""

import shutil
import threading

import h5py
import numpy as np
import pytest
import torch

from v3.base.errors import V3Error
from v3.fragments.labels import LabelledFragments
from v3.training.batches import Batches


def make(tiny, n=4, memory_gb=1.0, batch=4, seed=0):
    return Batches(tiny.path, tiny.training, batch, n, seed, memory_gb)


def test_an_epoch_is_every_sample_once(tiny_file):
    batches = make(tiny_file, memory_gb=0)
    with LabelledFragments(tiny_file.path) as file:
        sample = np.asarray(file.sample)
        seen = [sample[batches.rows(t)[0]] for t in range(batches.per_epoch)]
    assert all((rows == rows[:, :1]).all() for rows in seen)  # a row of a batch is one sample
    assert sorted(np.concatenate(seen)[:, 0]) == tiny_file.training
    assert not np.array_equal(batches.rows(0)[0], batches.rows(batches.per_epoch)[0])


def test_starts_vary(tiny_file):
    batches = make(tiny_file, n=2, memory_gb=0)
    with LabelledFragments(tiny_file.path) as file:
        starts = np.asarray(file.starts)
        sample = np.asarray(file.sample)
    offsets = {}
    for t in range(40 * batches.per_epoch):
        rows, _ = batches.rows(t)
        for row in rows:
            offsets.setdefault(int(sample[row[0]]), set()).add(int(row[0] - starts[sample[row[0]]]))
            length = starts[sample[row[0]] + 1] - starts[sample[row[0]]]
            assert (row[1] - row[0]) % length == 1  # consecutive, going on at the beginning
    assert all(found == set(range(starts[s + 1] - starts[s])) for s, found in offsets.items())


def test_short_samples_repeat(tiny_file):
    rows = make(tiny_file, n=6, memory_gb=0)
    with LabelledFragments(tiny_file.path) as file:
        starts = np.asarray(file.starts)
        sample = np.asarray(file.sample)
    for t in range(rows.per_epoch):
        for row, distinct in zip(*rows.rows(t), strict=True):
            s = sample[row[0]]
            assert set(row) == set(range(starts[s], starts[s + 1]))  # all of 3 to 6 are in 6
            assert sorted(row[distinct]) == list(range(starts[s], starts[s + 1]))  # each once


def test_fragments_that_lie_on_another_device_give_the_same(tiny_file):
    """As on a GPU, where the whole memory goes; this machine's own memory stands for one here."""
    reference, resident = make(tiny_file), make(tiny_file)
    resident.resident, resident.memory = torch.from_numpy(resident.memory), None
    for t, (fragments, distinct) in enumerate(resident.from_step(0, 6, 0)):
        assert torch.equal(fragments, reference[t][0])
        assert torch.equal(distinct, reference[t][1])
    assert t == 5


def test_memory_file_and_workers_give_the_same(tiny_file):
    reference = [make(tiny_file)[t] for t in range(6)]
    for memory_gb, workers in ((0, 0), (0, 2), (1, 1)):
        got = list(make(tiny_file, memory_gb=memory_gb).from_step(0, 6, workers))
        assert all(
            torch.equal(a, b)
            for one in zip(reference, got, strict=True)
            for a, b in zip(*one, strict=True)
        )
    later = list(make(tiny_file).from_step(4, 6, 0))
    assert torch.equal(later[0][0], reference[4][0])


def test_reading_ahead_ends_with_the_training(tiny_file):
    """The thread of a training that stops early, or of one that is over, is gone."""
    for last in (1, 3, 12):
        source = make(tiny_file, memory_gb=0).from_step(0, 12, 0)
        assert len(list(zip(range(last), source, strict=False))) == last
        assert any(thread.name.startswith("reads ahead") for thread in threading.enumerate())
        source.close()
        assert not any(thread.name.startswith("reads ahead") for thread in threading.enumerate())


def test_a_fault_is_told_where_it_is_met(tiny_file, tmp_path):
    """Batches before the one with the fault come as ever, however far ahead it was read."""
    path = tmp_path / "fragments.h5"
    shutil.copyfile(tiny_file.path, path)
    batches = Batches(path, tiny_file.training, 4, 4, 0, memory_gb=0)
    with h5py.File(path, "r+") as file:
        values = file["fragments"][()].astype(np.float32)
        values[batches.rows(2)[0][1, 0]] = np.nan
        del file["fragments"]
        file["fragments"] = values
    first = next(
        t
        for t in range(9)
        if np.isin(batches.rows(t)[0], np.flatnonzero(np.isnan(values[:, 0, 0, 0]))).any()
    )
    source = batches.from_step(0, 9, 0)
    for _ in range(first):
        next(source)
    with pytest.raises(V3Error, match="not finite"):
        next(source)


def test_rows_of_any_step_at_any_time(tiny_file):
    """Which batch was asked for before is of no account, also beyond an epoch's end."""
    steps = [0, 9, 1, 3, 4, 0, 11, 3]
    asked = make(tiny_file, memory_gb=0)
    for step in steps:
        np.testing.assert_array_equal(
            asked.rows(step)[0], make(tiny_file, memory_gb=0).rows(step)[0]
        )


def test_too_few_samples_are_named(tiny_file):
    with pytest.raises(V3Error, match=r"train\.batch_samples is 17"):
        make(tiny_file, batch=17)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_shares_make_up_the_batch(tiny_file, parts: int) -> None:
    """What is distinct is told of the whole batch to all."""

    def batches(*share: tuple[int, int]) -> Batches:
        return Batches(tiny_file.path, tiny_file.training, 4, 5, 0, 1.0, *share)

    for step in range(5):
        whole, distinct = batches()[step]
        shares = [batches((part, parts))[step] for part in range(parts)]
        assert torch.equal(torch.cat([fragments for fragments, _ in shares]), whole)
        assert all(torch.equal(told, distinct) for _, told in shares)
