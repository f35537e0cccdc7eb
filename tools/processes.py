"""Child processes that end when their parent does, and take their own children with them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """A program to start. `user` is the system user it runs as, where it is not the caller."""

    arguments: Sequence[str]
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM


def spawn(command: Command, log: Path | None) -> subprocess.Popen[bytes]:
    """The program runs in a session of its own, so that Ctrl-C reaches only us; its output goes to the end of `log`, or
    where ours goes.
    """
    with _appending(log) as output:
        return subprocess.Popen(
            list(command.arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=command.environment,
            cwd=command.folder,
            user=command.user,
            group=command.user,
            extra_groups=None if command.user is None else [],
            start_new_session=True,
            preexec_fn=_die_with_parent(command.stop_signal),  # noqa: PLW1509 - one thread, and it only calls prctl
        )


def adopt_orphans(*, adopt: bool) -> None:
    """Whether grandchildren whose parent is gone become our children (Linux), so that nothing can slip away."""
    if _libc:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, *, seconds: float) -> None:
    """The process and everything below it is gone: asked first, killed after `seconds`."""
    family = _descendants(process.pid)
    if process.poll() is None:
        process.send_signal(stop_signal)
        _wait(process, seconds)
    kill([*family, *_descendants(process.pid)])
    if process.poll() is None:
        process.kill()
        process.wait()


def kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def strays(known: Iterable[int]) -> list[psutil.Process]:
    """Everything below us that hangs from none of the known children: orphans that we adopted."""
    children = [child for child in psutil.Process().children() if child.pid not in set(known)]
    return [process for child in children for process in (child, *_descendants(child.pid))]


def bury(known: Collection[int]) -> None:
    """Adopted orphans that have ended leave the process table; whoever started the known children sees to those."""
    if sys.platform != "linux":
        return
    while (ended := _some_ended_child()) and ended not in known:
        os.waitpid(ended, os.WNOHANG)


@contextmanager
def _appending(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        yield output


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if not _libc:
        return None
    parent, prctl = os.getpid(), _libc.prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the arrangement held
            os._exit(1)

    return arrange


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _some_ended_child() -> int | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found else None
