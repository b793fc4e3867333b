"""How stages end before their time: signals at any moment, DVC's death, errors in one sentence."""

from __future__ import annotations

from v3.base.cli import run

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from v3.base.errors import V3Error

ROOT = Path(__file__).parent.parent
INTERRUPTED = "interrupted: run the same command again to go on.\n"
STAGE = """
from v3.base.cli import run

import os, sys, time

def forever():
    while True:  # one long sleep would not heed a signal that comes just before it
        time.sleep(0.1)

print("importing", flush=True)
{importing}
from v3.base.files import atomic_file

def main():
    with atomic_file("out") as beside:
        print("working", os.getpid(), flush=True)
        {working}

if __name__ == "__main__":
    run(main)
"""
WAIT = "forever()"


def write_stage(folder: Path, importing: str = "", working: str = WAIT) -> None:
    (folder / "stages").mkdir()
    text = STAGE.format(importing=importing, working=working)
    (folder / "stages" / "wait.py").write_text(text)


def as_at_a_terminal() -> None:
    """No signal ignored, as what runs in the background may have inherited it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, *command: str, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.Popen(
        command or (sys.executable, "-m", "stages.wait"),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=as_at_a_terminal,
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line
    pytest.fail(f"never said {word!r}: {process.communicate()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["importing", "working"])
def test_a_signal_is_one_sentence_at_any_moment(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    write_stage(tmp_path, importing=WAIT if moment == "importing" else "")
    process = start(tmp_path)
    read_until(process, moment)
    process.send_signal(number)
    assert process.communicate()[1] == INTERRUPTED
    assert process.returncode == 128 + number
    assert [file.name for file in tmp_path.iterdir()] == ["stages"]  # cleared up


def test_an_interrupt_in_the_first_seconds(tmp_path: Path) -> None:
    """At random: only the start of Python itself is not ours."""
    write_stage(tmp_path, importing="import h5py, scipy.stats, matplotlib.pyplot")
    dice = random.Random(0)
    for _ in range(8):
        process = start(tmp_path)
        read_until(process, "importing")
        time.sleep(dice.uniform(0, 1))
        process.send_signal(signal.SIGINT)
        assert process.communicate()[1] == INTERRUPTED
        assert process.returncode == 130


def test_an_interrupt_that_a_library_turns_into_something_else(tmp_path: Path) -> None:
    wrapped = "exec('try: forever()\\nexcept BaseException: raise ValueError(7)')"
    write_stage(tmp_path, working=wrapped)
    process = start(tmp_path)
    read_until(process, "working")
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == INTERRUPTED


def test_clearing_up_that_takes_too_long_is_cut_short(tmp_path: Path) -> None:
    write_stage(
        tmp_path,
        importing="import v3.base.stopping; v3.base.stopping.GRACE = 0.2",
        working="exec('try: forever()\\nfinally: forever()')",
    )
    process = start(tmp_path)
    read_until(process, "working")
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[1] == INTERRUPTED
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("working", "code", "said"),
    [
        ("pass", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("from v3.base.errors import V3Error; raise V3Error('so.')", 1, "error: so.\n"),
    ],
)
def test_a_stage_ends_with_its_code_and_what_was_to_be_done_at_the_end(
    tmp_path: Path, working: str, code: int, said: str
) -> None:
    at_end = "import atexit; atexit.register(print, 'at the end')"
    write_stage(tmp_path, importing=at_end, working=working)
    process = start(tmp_path)
    out, error = process.communicate()
    assert out.endswith("at the end\n")
    assert error == said
    assert process.returncode == code


def test_nohup_is_left_alone(tmp_path: Path) -> None:
    until_told = "while not os.path.exists('go'): time.sleep(0.01)"
    write_stage(tmp_path, working=f'exec("{until_told}\\nprint(7, flush=True)\\nforever()")')
    process = start(tmp_path, "nohup", sys.executable, "-m", "stages.wait")
    read_until(process, "working")
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    read_until(process, "7")
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("command", ["{0} -m stages.wait", "{0} -m stages.wait && true"])
def test_a_stage_ends_with_dvc(tmp_path: Path, number: signal.Signals, command: str) -> None:
    """Whether DVC is its parent or a shell stands between them, which goes on."""
    write_stage(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True
    )
    (tmp_path / "dvc.yaml").write_text(
        f"stages:\n  wait:\n    cmd: {command.format(sys.executable)}\n"
    )
    dvc = start(tmp_path, sys.executable, "-m", "dvc", "repro", SHELL="/bin/sh")
    stage = int(read_until(dvc, "working").split()[1])
    dvc.send_signal(number)
    dvc.wait()
    while is_running(stage):
        time.sleep(0.05)
    dvc.communicate()
    assert not list(tmp_path.glob(".out*"))


def test_a_stage_whose_dvc_ended_before_it_could_look(tmp_path: Path) -> None:
    """Between the start of Python and the first import of ours."""
    write_stage(tmp_path)
    script = tmp_path / "orphan.py"
    script.write_text(
        "import os, sys, time\n"
        "first = os.getpid()\n"
        "if os.fork() == 0:\n"
        "    while os.getppid() == first: time.sleep(0.001)\n"
        "    os.execv(sys.executable, [sys.executable, '-m', 'stages.wait'])\n"
    )
    orphan = start(tmp_path, "setsid", sys.executable, str(script), DVC_STAGE="wait")
    out, error = orphan.communicate()  # ends when the orphan, which holds the pipes, has ended
    assert "working" not in out
    assert error == INTERRUPTED


def test_only_what_dvc_started_ends_with_it(tmp_path: Path) -> None:
    """A stage that somebody started by hand goes on without the shell."""
    until_alone = "while os.getppid() == first: time.sleep(0.001)"
    write_stage(  # it looks for its parent a hundred times before it says so
        tmp_path,
        importing="import v3.base.stopping; v3.base.stopping.LOOK = 0.001; first = os.getppid()",
        working=f'exec("{until_alone}\\ntime.sleep(0.1)\\nprint(7, flush=True)")',
    )
    shell = start(tmp_path, "sh", "-c", f"{sys.executable} -m stages.wait; true")
    read_until(shell, "working")
    shell.kill()
    shell.wait()
    read_until(shell, "7")
    assert shell.communicate()[1] == ""


def is_running(process: int) -> bool:
    """Zombies, which nobody here collects, do not count."""
    said = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(said) and not said.startswith("Z")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (V3Error("that is so."), "that is so."),
        (PermissionError(errno.EACCES, "Permission denied", "a.h5"), "a.h5 may not be read"),
        (OSError(errno.EROFS, "Read-only file system", "a.h5"), "a.h5 may not be read or written"),
        (FileExistsError(errno.EEXIST, "File exists", "a.h5"), "a.h5 is in the way"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a", None, "b"), "b is in the way"),
        (
            NotADirectoryError(errno.ENOTDIR, "Not a directory", f"{__file__}/a"),
            f"{__file__} is in",
        ),
        (OSError(errno.EIO, "Input/output error", "a.h5"), "a.h5 cannot be used now"),
        (OSError(errno.ENOSPC, "No space left on device"), "no room is left on the disk"),
        (MemoryError(), "machine.workers to 1"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(error: Exception, said: str) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        run(main)
    assert str(caught.value.code).startswith("error: ")
    assert said in str(caught.value.code)
    assert "delete" not in str(caught.value.code)


def test_a_mistake_of_ours_keeps_its_traceback_and_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def main() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "a")

    with pytest.raises(FileNotFoundError):
        run(main)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
