"""How a stage ends before its time: Ctrl-C, a termination, or the death of the DVC that started it.

`v3.base.cli` imports this before anything that takes long, so that a signal is heeded from the
first moment: while a stage still imports it ends at once; later, as an exception that clears up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 0.5  # seconds between two looks at the parent
GRACE = 30.0  # seconds for clearing up before a stage that was told to end does so in any case
SHELLS = ("sh", "dash", "bash", "zsh", "fish")


class Stopped(BaseException):
    """The stage was told to end; `number` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _State:
    working = False  # whether `stoppable` surrounds what runs, so that an exception is heeded
    came: int | None = None  # the signal that came
    speaks: Callable[[], bool] | None = None  # of several processes whether this one


def leave(number: int) -> int:
    """Say what happened; the exit code by which shells and DVC know it."""
    if speaks():
        with suppress(OSError, ValueError):  # the terminal may be gone
            print("interrupted: run the same command again to go on.", file=sys.stderr, flush=True)
    return 128 + number


def speak_if(speaks: Callable[[], bool]) -> None:
    """Of several processes with one task only that one says why it ends which `speaks` allows."""
    _State.speaks = speaks


def speaks() -> bool:
    """Whether this process may say why it ends. It has to, then, and no signal stops it."""
    if _State.speaks is None:
        return True
    with suppress(ValueError):  # of a thread
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    try:
        return _State.speaks()
    except RuntimeError:  # whoever was to know has ended, too
        return True


def _on_signal(number: int, _: FrameType | None) -> None:
    _State.came = number
    if not _State.working:
        os._exit(leave(number))
    if STAGE:
        threading.Thread(target=_end_in_any_case, args=(number,), daemon=True).start()
    raise KeyboardInterrupt


def _end_in_any_case(number: int) -> None:
    time.sleep(GRACE)
    os._exit(leave(number))


def _is_stage() -> bool:
    """Whether this process is `python -m stages.<name>`: no test, no notebook, no worker."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name.startswith("stages.")


def _listen() -> dict[int, object]:
    """Set the handlers where a signal has its usual effect; returns what was there."""
    usual = (signal.SIG_DFL, signal.default_int_handler)
    return {
        number: signal.signal(number, _on_signal)
        for number in SIGNALS
        if signal.getsignal(number) in usual  # not what nohup has set
    }


@contextmanager
def stoppable() -> Iterator[None]:
    """Signals end the block as `Stopped`, after its own clearing up; so does the end of DVC.

    Whatever a library makes of an interrupted call, the signal is what counts.
    """
    before: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        before = _listen()
    _State.came, _State.working = None, True
    try:
        yield
    except BaseException as error:
        if _State.came is None and not isinstance(error, KeyboardInterrupt):
            raise
        raise Stopped(_State.came or signal.SIGINT) from None
    finally:
        _State.working = False
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def _ancestors() -> list[tuple[int, int]]:
    """(process, its parent) from this process up to DVC: between them may stand shells."""
    process, chain = os.getpid(), list[tuple[int, int]]()
    while True:
        name, parent = _looked_up(process)
        if chain and name not in SHELLS:
            return chain
        chain.append((process, parent))
        if parent <= 1:
            return chain
        process = parent


def _looked_up(process: int) -> tuple[str, int]:
    """Name and parent of a process; without /proc only this one's parent is known."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
        return before.partition("(")[2], int(after.split()[1])
    except OSError:
        return "", os.getppid() if process == os.getpid() else 0


def _watch(chain: list[tuple[int, int]]) -> None:
    """End this process soon after one of its ancestors got another parent, for its own has ended.

    By looking, since what Linux can do (PR_SET_PDEATHSIG) heeds only the direct parent, which may
    be a shell, takes the end of a thread for that of a process, and is unknown to macOS.
    """
    while all(_looked_up(process)[1] == parent for process, parent in chain):
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
    _end_in_any_case(signal.SIGTERM)  # also if the main thread never comes back from a library


def _is_gone(parent: int) -> bool:
    """Whether DVC, which would be that parent, ended before this process could look for it.

    It has the same process group, what takes over orphans another.
    """
    try:
        return os.getpgid(parent) != os.getpgid(0)
    except OSError:
        return True


STAGE = _is_stage()
if STAGE:
    _listen()
    if "DVC_STAGE" in os.environ:
        _chain = _ancestors()
        if _is_gone(_chain[-1][1]):
            os._exit(leave(signal.SIGTERM))
        threading.Thread(target=_watch, args=(_chain,), daemon=True).start()
