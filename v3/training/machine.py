"""What training takes of the machine: threads, memory and device."""

from __future__ import annotations

import ctypes
from os import cpu_count

import torch

from v3.base import processes
from v3.base.errors import V3Error
from v3.base.params_file import Machine

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h


def use_threads(machine: Machine) -> None:
    """Take as many CPU threads as is said: sums depend on it in their last bits."""
    keep_memory()
    torch.set_num_threads(machine.threads or max(1, (cpu_count() or 1) // processes.here()))


def keep_memory() -> None:
    """Let the C library keep the memory that a step frees for the next one.

    It gives large blocks back to the system at once, which then hands out every page anew: some
    36,000 page faults a step. Only glibc has the switch.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
        mallopt(M_TOP_PAD, 2**28)


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA or Apple's MPS where there is one, else the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
        if torch.backends.mps.is_available() and processes.count() == 1:
            name = "mps"
    if (name == "cuda" and not torch.cuda.is_available()) or (
        name == "mps" and not torch.backends.mps.is_available()
    ):
        raise V3Error(
            f"machine.device is {name}, but this machine has none: set it to auto or cpu."
        )
    if name == "cuda":  # fragments have one size: the fastest way is found once
        torch.backends.cudnn.benchmark = True
    return processes.own_device(name)
