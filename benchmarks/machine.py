"""What measured, and the most that it can do: a matrix product, a convolution, a memory copy."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.clock import Length, timed

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "h5py", "librosa", "dvc")
MATRIX, MATRIX_CUDA = 1024, 8192  # rows and columns
CHANNELS, SIDE = 64, 32  # of the convolution, 3x3
IMAGES, IMAGES_CUDA = 32, 1024
COPY, COPY_CUDA = 2**27, 2**30  # bytes: far above every cache
MATRIX_PRODUCT, DOUBLE, CONVOLUTION = "matrix product", "matrix product, double", "convolution"
MEMORY_COPY = "memory copy"


def describe(device: torch.device, threads: int) -> dict[str, Any]:
    """The machine in words and numbers; nothing in it tells whose it is."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": platform.system(),
        "threads": threads,
        "device": device.type,
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def versions() -> dict[str, str]:
    """Of Python and of the packages that do the work; those that are not there are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit(root: Path = ROOT) -> str:
    """The commit that is measured; `-dirty` after it if the code differs from it."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--exclude=*"]
    command += ["--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def peaks(device: torch.device, precision: str, length: Length) -> dict[str, float]:
    """Operations a second (a multiplication and an addition are two), bytes a second of the copy.

    `precision` float32 or bfloat16 is that of the training; the product in double is the
    retrieval's. A copy reads and writes: both count. The best round is taken, for a peak is what
    can be reached; a very short measurement still warms up.
    """
    length = replace(length, seconds=max(length.seconds, 0.4), rounds=max(length.rounds, 3), warm=2)
    cuda = device.type == "cuda"
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    found = {MATRIX_PRODUCT: _product(device, kind, MATRIX_CUDA if cuda else MATRIX, length)}
    if not cuda:
        found[DOUBLE] = _double_product(length)
    images = IMAGES_CUDA if cuda else IMAGES
    layer = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).to(device, kind)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(images, CHANNELS, SIDE, SIDE, device=device, dtype=kind)
    x = x.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        seconds = timed(lambda: layer(x), length, device, 0.5).least
    found[CONVOLUTION] = 2 * images * SIDE**2 * CHANNELS**2 * 9 / seconds
    size = COPY_CUDA if cuda else COPY
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = timed(lambda: target.copy_(source), length, device, 0.5).least
    found[MEMORY_COPY] = 2 * size / seconds
    return found


def _product(device: torch.device, kind: torch.dtype, size: int, length: Length) -> float:
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    out = torch.empty_like(a)
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as its convolutions have it anyway
    seconds = timed(lambda: torch.mm(a, b, out=out), length, device, 0.5).least
    torch.set_float32_matmul_precision(before)
    return 2 * size**3 / seconds


def _double_product(length: Length) -> float:
    a, b = (np.random.default_rng(seed).normal(size=(MATRIX, MATRIX)) for seed in range(2))
    out = np.empty_like(a)
    return 2 * MATRIX**3 / timed(lambda: np.matmul(a, b, out=out), length, part=0.5).least


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
