"""Work in processes: in order, no more ahead than needed, and an end whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from namespaces import in_a_namespace

from v3.base.errors import V3Error
from v3.base.parallel import AHEAD, in_order

ROOT = Path(__file__).parent.parent


def double(x: int) -> int:
    return 2 * x


def refuse(x: int) -> int:
    raise V3Error(f"{x} is refused.")


def die(x: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_every_item_with_its_result_in_order(workers: int) -> None:
    assert list(in_order(double, range(9), workers)) == [(i, 2 * i) for i in range(9)]
    assert list(in_order(double, iter([5]), workers)) == [(5, 10)]
    assert list(in_order(double, [], workers)) == []


def test_items_are_taken_as_they_are_needed() -> None:
    taken = []
    results = in_order(double, (taken.append(i) or i for i in range(100)), 2)
    assert next(results) == (0, 0)
    assert len(taken) == 2 * AHEAD + 1
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_comes_through(workers: int) -> None:
    with pytest.raises(V3Error, match=r"^3 is refused"):
        list(in_order(refuse, [3, 4], workers))


def test_a_process_that_dies_is_named() -> None:
    with pytest.raises(V3Error, match=r"died.* set machine\.workers to 1"):
        list(in_order(die, range(20), 2))


def test_no_room_for_semaphores_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a /dev/shm of 64 kB, which a test cannot make everywhere."""

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("v3.base.parallel.ProcessPoolExecutor", full)
    with pytest.raises(V3Error, match=r"No space left .* set machine\.workers to 1"):
        list(in_order(double, [1, 2], 2))


STAGE = """
import os, time
from v3.base.cli import run
from v3.base.parallel import in_order

def slow(x):
    os.write(1, f"worker {os.getpid()}\\n".encode())  # in one piece: two write at a time
    while not os.path.exists("go"):
        time.sleep(0.01)
    return x

def main():
    print("parent", os.getpid(), flush=True)
    for _ in in_order(slow, range(2), 2):
        pass

if __name__ == "__main__":
    run(main)
"""


def started(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """A stage that works in two processes until there is a file `go`, and the numbers of those."""
    (folder / "stages").mkdir()
    (folder / "stages" / "pool.py").write_text(STAGE)
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.pool"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    numbers = [int(process.stdout.readline().split()[1]) for _ in range(3)]
    return process, numbers[1:]


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    process, workers = started(tmp_path)
    process.kill()
    process.communicate()
    while any(Path(f"/proc/{worker}").exists() and not is_zombie(worker) for worker in workers):
        time.sleep(0.05)


def is_zombie(process: int) -> bool:
    try:
        return ") Z" in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return True


def test_an_interrupt_of_the_whole_group_is_one_sentence(tmp_path: Path) -> None:
    process, _ = started(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    (tmp_path / "go").touch()  # a process at work ends what it has in hand
    _, said = process.communicate()
    assert said == "interrupted: run the same command again to go on.\n"
    assert process.returncode == 130


LOADERS = """
import torch
from torch.utils.data import DataLoader
from v3.base.cli import run
from v3.base.parallel import end_with_parent

class Pages:
    def __len__(self): return 64
    def __getitem__(self, index): return torch.zeros(200, 200)

def main():
    for _ in DataLoader(
        Pages(), 8, num_workers=2, worker_init_fn=end_with_parent, multiprocessing_context="spawn"
    ): pass

if __name__ == "__main__":
    run(main)
"""


def test_loaders_end_where_shared_memory_is_small(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "load.py").write_text(LOADERS)
    mount = "mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 77"
    done = in_a_namespace(f"{mount}; {sys.executable} -m stages.load", tmp_path)
    # `run` waits for the end of the pipe, so for that of the loaders
    assert done.stderr.startswith("error: no room is left on the disk that holds /dev/shm")
    assert done.returncode == 1
