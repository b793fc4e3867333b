"""Training by several processes: what one process does, and an end that all of them share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from one_step import CASES, updates
from project import ROOT
from ruamel.yaml import YAML
from stage_runs import run_in, write_params

TOLERANCE = 1e-5
SENTENCES = ("error:", "interrupted:")
PATIENCE = 120  # seconds, for a machine with other work


def torchrun(processes: int, *command: str) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*launcher, f"--nproc-per-node={processes}", "-m", *command]


def environment() -> dict[str, str]:
    paths = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


@pytest.mark.parametrize("case", CASES)
def test_two_processes_do_what_one_does(case: str, tiny_file, tmp_path: Path) -> None:
    """The loss, every statistic and gradient, the codebook, and what batch norms keep."""
    torch.set_num_threads(1)
    one = updates(case, tiny_file.path)
    file = tmp_path / "two.pt"
    command = torchrun(2, "one_step", case, str(tiny_file.path), str(file))
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    two = torch.load(file)
    assert one.keys() == two.keys()
    replaced = [int(value) for name, value in one.items() if name.endswith("codes/replaced")]
    assert max(replaced) > 0  # or no atom was drawn
    assert one["moved"] > 0  # or none was relocated
    for name, value in one.items():
        assert torch.allclose(value, two[name], rtol=TOLERANCE, atol=TOLERANCE), (
            f"{name}: {(value - two[name]).abs().max():g} of {value.abs().max():g}"
        )


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_as_many_as_there_are_go_on(before: int, after: int, tiny_file, tmp_path: Path) -> None:
    """A training that was killed goes on with another number of processes, to the same end."""

    def some(processes: int, folder: str, death: int = 0) -> int:
        told = "train_some", str(tiny_file.path), str(tmp_path / folder), str(death)
        command = [sys.executable, "-m", *told] if processes == 1 else torchrun(processes, *told)
        command.append(str(tmp_path / f"{folder}.pt"))
        return subprocess.run(command, env=environment(), capture_output=True).returncode

    assert some(1, "whole") == 0
    assert some(before, "broken", death=4) != 0
    assert not (tmp_path / "broken.pt").exists()
    assert (tmp_path / "broken").exists()
    assert some(after, "broken") == 0
    whole, broken = torch.load(tmp_path / "whole.pt"), torch.load(tmp_path / "broken.pt")
    assert [row["step"] for row in broken["history"]] == [row["step"] for row in whole["history"]]
    # the first rows are those of the checkpoint; rounding grows in the steps after it
    assert broken["history"][0]["loss/total"] == pytest.approx(
        whole["history"][0]["loss/total"], rel=0.01
    )
    assert broken["best_error"] == pytest.approx(whole["best_error"], rel=0.03)


@pytest.fixture
def folder(tiny_file, tiny_spec, tmp_path: Path) -> Path:
    """A project that is about to train for long."""
    (tmp_path / "data" / "bars").mkdir(parents=True)
    shutil.copy(tiny_file.path, tmp_path / "data" / "bars" / "fragments.h5")
    write_params(tmp_path, tiny_spec.to_dict())
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
    params["bars"]["train"] |= {"steps": 100_000, "validate_every": 1000}
    with open(tmp_path / "params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(params, file)
    run_in(tmp_path, [("check_params",), ("split", "bars"), ("spec", "bars")])
    return tmp_path


def said(errors: str) -> list[str]:
    """What the processes themselves say; the rest is torchrun's report."""
    return [line for line in errors.splitlines() if line.startswith(SENTENCES)]


def written(folder: Path) -> set[Path]:
    """All files below models/, metrics/ and scratch/."""
    made = (
        path for name in ("models", "metrics", "scratch") for path in (folder / name).rglob("*")
    )
    return {path.relative_to(folder) for path in made if path.is_file()}


def rank_of(process: int) -> str | None:
    variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next((text[5:].decode() for text in variables if text.startswith(b"RANK=")), None)


def wait_for(what, training: subprocess.Popen[str]):
    """What a function returns, once it is true."""
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert training.poll() is None, training.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the processes in /proc")
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_killed_process_ends_the_others(folder: Path, rank: str) -> None:
    command = torchrun(2, "stages.train", "bars")
    training = subprocess.Popen(
        command, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: list(folder.glob("scratch/*/checkpoint.pt")), training)
    listed = subprocess.run(["pgrep", "-P", str(training.pid)], capture_output=True, text=True)
    workers = {rank_of(int(number)): int(number) for number in listed.stdout.split()}
    os.kill(workers[rank], signal.SIGKILL)
    _, errors = training.communicate(timeout=PATIENCE)
    assert training.returncode != 0
    assert len(said(errors)) == 1, errors
    assert "run the same command again" in said(errors)[0]
    assert [file.name for file in written(folder)] == ["checkpoint.pt"]
    for number in workers.values():
        assert not Path(f"/proc/{number}").exists()


def test_batches_that_cannot_be_shared_are_refused_once(folder: Path) -> None:
    command = torchrun(3, "stages.train", "bars")
    ended = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode != 0
    (sentence,) = said(ended.stderr)
    assert sentence.startswith("error: train.batch_samples is 4, which 3 processes cannot share")
    assert written(folder) == set()
