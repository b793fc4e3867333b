"""Which fragments make each training batch. No labels pass through here.

Batch t is a function of the seed and of t alone, so an interrupted training goes on with exactly
the batches it would have had, for any number of workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from v3.base.errors import V3Error
from v3.base.parallel import end_with_parent
from v3.fragments.reader import Fragments

Batch = tuple[Tensor, Tensor]
AHEAD = 4  # batches that are read before they are asked for: a slow read or two holds nothing up


class Batches(Dataset[Batch]):
    """Item t: raw fragments (b, n, C, H, W) of training batch t, and which are `distinct` (b, n).

    Every epoch passes all samples once in a new order (what is left over of a batch waits for
    the next epoch). Of a sample of more than n fragments, n consecutive ones from a random start
    are taken, going on at its beginning after its end; a shorter sample is repeated, and what
    stands there again is not distinct.

    With a `share` (r, k) other than (0, 1) the fragments are those of the r-th of k equal parts of
    the batch's samples, (b / k, n, C, H, W); what is distinct is told of the whole batch.
    """

    def __init__(
        self,
        path: str | Path,
        samples: Sequence[int],
        batch_samples: int,
        fragments_per_sample: int,
        seed: int,
        memory_gb: float,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.path, self.seed = path, seed
        self.b, self.n = batch_samples, fragments_per_sample
        if len(samples) < batch_samples:
            raise V3Error(
                f"train.batch_samples is {batch_samples}, but only {len(samples)} samples train: "
                "lower it or make more data."
            )
        part, parts = share
        if batch_samples % parts:
            raise V3Error(
                f"train.batch_samples is {batch_samples}, which {parts} processes cannot share "
                f"evenly: start a number of processes that divides {batch_samples}."
            )
        each = batch_samples // parts
        self.own = slice(part * each, (part + 1) * each)
        self.memory: np.ndarray | None = None
        self.resident: torch.Tensor | None = None
        self.file: Fragments | None = None
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))  # of that epoch
        with Fragments(path) as file:
            starts = np.asarray(file.starts)
            chosen = np.asarray(samples)
            self.start, self.length = starts[chosen], starts[chosen + 1] - starts[chosen]
            bytes_needed = int(self.length.sum()) * int(np.prod(file.shape)) * file.dtype.itemsize
            if bytes_needed <= memory_gb * 2**30:
                self.memory, _ = file.read_samples(chosen)
                self.start = np.cumsum(self.length) - self.length

    def move_to(self, device: torch.device) -> None:
        """Keep the fragments that are in memory on a GPU: a batch then is one look-up there."""
        if self.memory is not None and device.type != "cpu":
            self.resident = torch.from_numpy(self.memory).to(device)
            self.memory = None

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return len(self.start) // self.b

    def rows(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Fragment rows (b, n) of batch `step`: of the memory if it is used, else of the file; and
        which of them are distinct (b, n)."""
        epoch, place = divmod(step, self.per_epoch)
        known, order = self._order  # at once: a thread that reads ahead may be in the next epoch
        if known != epoch:  # kept, for to shuffle millions of samples takes longer than to read b
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.start))
            self._order = epoch, order
        chosen = order[place * self.b : (place + 1) * self.b]
        length = self.length[chosen][:, None]
        offset = np.random.default_rng((self.seed, epoch, place)).integers(length)
        offset = np.where(length == self.n, 0, offset)
        place_in_batch = np.arange(self.n)
        rows = self.start[chosen][:, None] + (offset + place_in_batch) % length
        return rows, place_in_batch < length

    def __getitem__(self, step: int) -> Batch:
        rows, first_time = self.rows(step)
        rows, distinct = rows[self.own], torch.from_numpy(first_time)
        if self.resident is not None:
            chosen = torch.from_numpy(rows).to(self.resident.device)
            return self.resident[chosen], distinct
        if self.memory is not None:
            return torch.from_numpy(self.memory[rows]), distinct
        if self.file is None:  # opened once in each worker: an HDF5 handle must not be shared
            self.file = Fragments(self.path)
        read = self.file.read(rows.ravel())
        return torch.from_numpy(read.reshape(*rows.shape, *read.shape[1:])), distinct

    def from_step(self, first: int, last: int, loaders: int) -> Iterator[Batch]:
        """Batches `first` to `last` - 1 in order, made ahead by `loaders` processes if any.

        Without them a thread reads ahead what is not in memory: reading waits for the disk most of
        the time, and processes take some 300 MB each.
        """
        if self.resident is not None:
            yield from (self[step] for step in range(first, last))
            return
        if self.memory is None and not loaders:
            yield from self._read_ahead(first, last)
            return
        loader = DataLoader(
            _Arrays(self),
            batch_size=None,
            sampler=range(first, last),
            num_workers=loaders,
            collate_fn=_as_it_is,
            multiprocessing_context="spawn" if loaders else None,
            worker_init_fn=end_with_parent if loaders else None,
        )
        for fragments, distinct in loader:
            yield torch.from_numpy(fragments), torch.from_numpy(distinct)

    def _read_ahead(self, first: int, last: int) -> Iterator[Batch]:
        """The same, AHEAD of them read by a thread."""
        pool, coming = ThreadPoolExecutor(1, "reads ahead"), deque[Future[Batch]]()
        try:
            for step in range(first, last):
                coming.append(pool.submit(self.__getitem__, step))
                if len(coming) > AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:  # also where the training stops early
            pool.shutdown(cancel_futures=True)


class _Arrays(Dataset[tuple[np.ndarray, np.ndarray]]):
    """The same as arrays, which go from process to process through a pipe.

    PyTorch hands over tensors in /dev/shm, in a thread whose error nobody hears: where that is
    full, the training would wait for ever.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        fragments, distinct = self.batches[step]
        return fragments.numpy(), distinct.numpy()


def _as_it_is(batch: Any) -> Any:
    return batch
