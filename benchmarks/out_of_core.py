"""What training from a file larger than memory costs beside training in memory.

    python benchmarks/out_of_core.py --gb 20 --folder DISK [--dataset NAME] [--layout gzip]

Writes a fragment file of so many GB (which is removed at the end) and trains the dataset's network
on it: in turns on all of it, read from the disk, none of it being in the system's cache, and on a
part of it that is held in memory, each in a process of its own. JSON on stdout: fragments/s and
the peak of resident memory of both, their ratio, the time of reading a batch alone, and how well an
epoch is shuffled.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

import v3.training.checkpoint
from v3.fragments.format import FragmentInfo
from v3.fragments.reader import Fragments
from v3.fragments.writer import FragmentWriter
from v3.model.spec import chosen_spec
from v3.params import load_params
from v3.training.batches import Batches
from v3.training.checkpoint import Checkpoints
from v3.training.loop import LOG_EVERY, train

GB = 10**9
SAMPLES = 200  # that are written at once
VALIDATION = 100  # samples
READS = 100  # batches that are read without training
RARE = 10**9  # updates between checkpoints: none
LAYOUTS = ("chunks", "contiguous", "gzip")  # as it is written here, and as users may bring it
SKIPPED = 1  # rows of the history: what the first step starts takes long


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", help="whose network and training (default: the first)")
    parser.add_argument("--gb", type=float, default=20.0, help="10^9 bytes of fragments")
    parser.add_argument("--memory-gb", type=float, default=0.5, help="of them held in memory")
    parser.add_argument("--shape", type=int, nargs=3, default=(3, 48, 32), help="C H W")
    parser.add_argument("--length", type=int, default=10, help="fragments of a sample")
    parser.add_argument("--steps", type=int, default=100, help="of a training (20 are not counted)")
    parser.add_argument("--rounds", type=int, default=3, help="of training, 0: reading alone")
    parser.add_argument("--layout", choices=LAYOUTS, default="chunks", help="of the fragments")
    parser.add_argument("--folder", type=Path, help="where the file is written for the while")
    parser.add_argument("--child", choices=("memory", "file", "read"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        measure = reading if args.child == "read" else training
        print(json.dumps(measure(args, args.folder)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "fragments.h5"
        written = write(args, path)
        alone = child("read", path)
        rounds = [
            {kind: child(kind, path) for kind in ("memory", "file")} for _ in range(args.rounds)
        ]
    report = {"file": written, "reading": alone, **(summary(rounds) if rounds else {})}
    print(json.dumps(report, indent=2))


def summary(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Speeds of each round, the median of their ratios, and the highest peaks of memory."""
    found: dict[str, Any] = {}
    for name in ("fragments_per_second", "fragments_per_processor_second"):
        memory, file = ([one[kind][name] for one in rounds] for kind in ("memory", "file"))
        ratios = [one / other for one, other in zip(file, memory, strict=True)]
        found[name] = {"memory": memory, "file": file, "median_ratio": median(ratios)}
    found["peak_memory_mb"] = {
        kind: max(one[kind]["peak_memory_mb"] for one in rounds) for kind in ("memory", "file")
    }
    return found


def write(args: argparse.Namespace, path: Path) -> dict[str, Any]:
    """A file of blurred noise in every style, written as every corpus is."""
    shape = tuple(args.shape)
    count = max(1, round(args.gb * GB / (int(np.prod(shape)) * args.length)))
    info = FragmentInfo("benchmark", "noise", ("some",), ("some",), 0.0, 1 / 255)
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 256, (256, shape[0], -(-shape[1] // 8), -(-shape[2] // 8)))
    smooth = coarse.repeat(8, 2).repeat(8, 3)[..., : shape[1], : shape[2]].astype(np.uint8)
    start = time.perf_counter()
    with FragmentWriter(path, info, shape, np.uint8) as writer:
        for first in range(0, count, SAMPLES):
            some = min(SAMPLES, count - first)
            fragments = smooth[draw.integers(0, 256, (some, args.length))] // 2
            fragments += draw.integers(0, 120, (some, 1, *shape), np.uint8)
            none = np.zeros(some, np.int32)
            names = [str(first + row) for row in range(some)]
            writer.append_many(fragments, none[:, None].repeat(args.length, 1), none, names)
    if args.layout != "chunks":
        lay_out(path, args.layout)
    return {
        "bytes": path.stat().st_size,
        "samples": count,
        "fragments": count * args.length,
        "shape": list(shape),
        "layout": args.layout,
        "seconds": time.perf_counter() - start,
    }


def lay_out(path: Path, layout: str) -> None:
    """Write the fragments anew: in one piece, or in the same chunks packed by gzip."""
    with h5py.File(path, "r+") as file:
        plain = file["fragments"]
        how = {"chunks": plain.chunks, "compression": "gzip"} if layout == "gzip" else {}
        other = file.create_dataset("other", plain.shape, plain.dtype, **how)
        rows = plain.chunks[0] * 64
        for start in range(0, len(plain), rows):
            other[start : start + rows] = plain[start : start + rows]
        del file["fragments"]
        file.move("other", "fragments")


def child(kind: str, path: Path) -> dict[str, Any]:
    """What a process of its own measures, none of the file being in the system's cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = [sys.executable, __file__, *sys.argv[1:], "--child", kind, "--folder", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    # the training may have said something before
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def training(args: argparse.Namespace, path: Path) -> dict[str, Any]:
    """The speed of one training, and the peak of its memory."""
    params, spec, machine = settings(args)
    v3.training.checkpoint.ROOT = path.parent / "scratch"
    with Fragments(path) as file:
        samples = file.samples
        size = int(file.starts[1]) * int(np.prod(file.shape)) * file.dtype.itemsize
    if args.child == "memory":
        samples = min(samples, int(args.memory_gb * GB) // size)
    held = args.memory_gb if args.child == "memory" else 0.0
    train_params = params.model_copy(
        update={"steps": args.steps, "patience": 0, "validate_every": RARE, "warmup_steps": 0}
    )
    clock: list[float] = []  # seconds of the processor at each row of the history
    _, state = train(
        path,
        range(VALIDATION, samples),
        range(VALIDATION),
        spec,
        train_params,
        machine.model_copy(update={"memory_gb": held, "checkpoint_every": RARE}),
        Checkpoints("benchmark", {}, []),
        lambda _: clock.append(time.process_time()),
    )
    # the last row has the validation in it
    rows = [row["throughput/fragments_per_second"] for row in state.history][SKIPPED:-1]
    steps = LOG_EVERY * len(rows)
    fragments = steps * params.batch_samples * params.fragments_per_sample
    return {
        "fragments_per_second": median(rows),
        "fragments_per_processor_second": fragments / (clock[-2] - clock[SKIPPED - 1]),
        "peak_memory_mb": peak_mb(),
    }


def reading(args: argparse.Namespace, path: Path) -> dict[str, Any]:
    """Milliseconds to read one batch, on the clock and of the processor, and the shuffling."""
    params, _, _ = settings(args)
    with Fragments(path) as file:
        samples = file.samples
    b, n = params.batch_samples, params.fragments_per_sample
    batches = Batches(path, range(samples), b, n, params.seed, 0)
    batches[0]
    wall, cpu = time.perf_counter(), time.process_time()
    for step in range(1, READS + 1):
        batches[step]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # The first row of each sample in the order of an epoch, in shares of the file.
    steps = range(batches.per_epoch)
    order = np.concatenate([batches.rows(step)[0][:, 0] for step in steps]) / len(batches.start)
    order /= args.length
    return {
        "batch_fragments": b * n,
        "milliseconds_of_a_batch": 1000 * wall / READS,
        "processor_milliseconds_of_a_batch": 1000 * cpu / READS,
        "shuffling": {
            "correlation_of_place_in_file_and_in_epoch": float(
                np.corrcoef(order, np.arange(len(order)))[0, 1]
            ),
            "standard_deviation_of_that_by_chance": float(len(order) ** -0.5),
            "mean_distance_of_neighbours": float(np.abs(np.diff(order)).mean()),
            "mean_distance_by_chance": 1 / 3,
        },
        "peak_memory_mb": peak_mb(),
    }


def settings(args: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Training, network and machine as params.yaml says."""
    params = load_params()
    name = args.dataset or params.datasets[0]
    section = params.sections[name]
    return section["train"], chosen_spec(section["spec"], section["specs"], name), params.machine


def peak_mb() -> float:
    """Peak of this process's resident memory, in 10^6 bytes; the system's cache is not in it."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
