"""What every stage's command line shares: arguments, folders, and errors as one sentence.

A stage's script imports this module first, before what takes seconds: from then on Ctrl-C ends it
with a sentence. So nothing that takes long may be imported here.
"""

from __future__ import annotations

from v3.base import stopping  # heeds Ctrl-C from here on

# isort: split
import argparse
import atexit
import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from v3.base.disk import DiskFull, disk_full
from v3.base.errors import OF_THE_MACHINE, REFUSED, V3Error
from v3.base.lock_files import check_lock

OUT_OF_MEMORY = (
    "the memory of this machine does not suffice: set machine.workers to 1, "
    "machine.memory_gb or train.batch_samples lower, or take a smaller spec, and run the same "
    "command again."
)
IN_THE_WAY = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST)  # a file for a folder or the reverse


@dataclass(frozen=True)
class StagePaths:
    """Where a stage reads and writes: data is shared, results lie below `run`."""

    dataset: str
    run: Path = Path()

    @property
    def data(self) -> Path:
        return Path("data") / self.dataset

    @property
    def fragments(self) -> Path:
        return self.data / "fragments.h5"

    @property
    def split(self) -> Path:
        return self.data / "split.json"

    @property
    def spec(self) -> Path:
        return self.data / "spec.json"

    @property
    def model(self) -> Path:
        return self.run / "models" / self.dataset

    def metrics(self, stage: str) -> Path:
        return self.run / "metrics" / self.dataset / f"{stage}.json"

    def plots(self, stage: str) -> Path:
        return self.run / "plots" / self.dataset / stage


def stage_parser(description: str) -> argparse.ArgumentParser:
    """Arguments that every stage takes: the dataset, and the folder that results go below."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("dataset", help="a section of params.yaml")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path(),
        help="folder that models/, metrics/ and plots/ are written below (default: here)",
    )
    return parser


def corpus_parser(description: str) -> argparse.ArgumentParser:
    """Arguments of a stage that only one corpus has: none but --help."""
    return argparse.ArgumentParser(description=description)


def run(main: Callable[[], None]) -> None:
    """Run a stage; what a user can mend ends as one sentence on stderr and exit code 1."""
    try:
        _run(main)
    except SystemExit as end:
        if not stopping.STAGE:
            raise
        _end(end.code)
    if stopping.STAGE:
        _end(0)


def _run(main: Callable[[], None]) -> None:
    try:
        with stopping.stoppable():
            if "DVC_STAGE" in os.environ:
                check_lock()
            main()
    except V3Error as error:
        _fail(error)
    except stopping.Stopped as stopped:
        sys.exit(stopping.leave(stopped.number))
    except MemoryError:
        _fail(OUT_OF_MEMORY)
    except Exception as error:
        full = disk_full(error)
        if full is not None:
            _fail(full)
        if isinstance(error, RuntimeError) and "allocate memory" in str(error):  # PyTorch's
            _fail(OUT_OF_MEMORY)
        if isinstance(error, OSError) and (sentence := _of_a_file(error)):
            _fail(sentence)
        raise


def _of_a_file(error: OSError) -> str | None:
    """A sentence about a file that the machine does not let us use; None for other errors."""
    name = error.filename2 or error.filename
    if not isinstance(name, str | bytes):
        return None
    file = os.fsdecode(name)
    if error.errno in IN_THE_WAY:
        if error.errno == errno.ENOTDIR:
            file = str(next((place for place in Path(file).parents if place.is_file()), file))
        return f"{file} is in the way ({error.strerror}): move it away, run the same command again."
    if error.errno in REFUSED:
        return (
            f"{file} may not be read or written ({error.strerror}): give yourself the right to, "
            "and run the same command again."
        )
    if error.errno in OF_THE_MACHINE:
        return (
            f"{file} cannot be used now, whatever it holds ({error.strerror}): see to that and "
            "run the same command again."
        )
    return None


def _fail(said: V3Error | str) -> NoReturn:
    """End with exit code 1 and a sentence."""
    code = f"error: {said}" if stopping.speaks() else 1
    if stopping.STAGE and isinstance(said, DiskFull):
        # At once: what libraries still want to do at the end, they want to do on that disk.
        _end_at_once(code)
    sys.exit(code)


def _end(code: int | str | None) -> NoReturn:
    """End a stage's process without taking the interpreter apart.

    That can take a second, in which no handler of signals is left.
    """
    atexit._run_exitfuncs()
    _end_at_once(code)


def _end_at_once(code: int | str | None) -> NoReturn:
    with suppress(OSError, ValueError):  # whoever read it may be gone
        sys.stdout.flush()
    if isinstance(code, str):
        with suppress(OSError, ValueError):
            print(code, file=sys.stderr, flush=True)
        code = 1
    os._exit(code or 0)
