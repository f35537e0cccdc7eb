"""Starts services in order, watches them, and stops all of them in reverse, whatever happens."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from tools import processes
from tools.processes import Command
from tools.terminal import Refused

STOP_SECONDS = 14.0
_TAIL_LINES = 15
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


@dataclass(frozen=True)
class Service:
    """A program that stays; `is_ready` is asked again and again until it says yes."""

    name: str
    command: Command
    is_ready: Callable[[], bool]
    start_seconds: float = 60.0
    stop_seconds: float = 3.0


@dataclass(frozen=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes]


class Supervisor:
    """Use it as a context manager: when the block ends, by whatever way, no child of this process is left, and no child
    of a child. So the process must be its own.

    Signals are noticed between two looks at the children; a second one ends the patience with whoever still stops.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[_Child] = []
        self._signals = 0
        self._former: Mapping[int, object] = {}

    def __enter__(self) -> Self:
        self._former = {number: signal.signal(number, self._notice) for number in _SIGNALS}
        processes.adopt_orphans(adopt=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        processes.adopt_orphans(adopt=False)
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def start(self, service: Service) -> float:
        """The service answers; returns how many seconds that took. Raises Refused with its last words if it doesn't."""
        started = time.monotonic()
        _keep_former(self._log(service.name))
        child = _Child(service, processes.spawn(service.command, self._log(service.name)))
        self._children.append(child)
        while not service.is_ready():
            self._check(child, "right after its start")
            if time.monotonic() - started > service.start_seconds:
                raise Refused(self._obituary(service.name, f"did not get ready within {service.start_seconds:.0f} s"))
            self._pause()
        self._check(child, "right after its start")  # somebody else may have answered in its place
        return time.monotonic() - started

    def run(self, name: str, command: Command) -> str:
        """The program ran to its end; returns what it printed. Raises Refused with its last words if it failed."""
        log = self._log(name)
        log.unlink(missing_ok=True)
        status = self._run(command, log)
        if status:
            raise Refused(self._obituary(name, f"failed ({_ending(status)})"))
        return log.read_text(errors="replace")

    def show(self, command: Command) -> int:
        """The program ran to its end, its output beside ours; returns its exit status."""
        return self._run(command, None)

    def watch(self) -> None:
        """Stays until somebody interrupts (Interrupted) or a service ends (Refused)."""
        while True:
            for child in self._children:
                self._check(child, "unexpectedly")
            self._pause(0.5)

    def stop(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self._children:
            child = self._children[-1]
            patience = 0.0 if self._signals > 1 else min(child.service.stop_seconds, deadline - time.monotonic())
            processes.stop(child.process, child.service.command.stop_signal, seconds=max(patience, 0.0))
            self._children.pop()
        processes.kill(processes.strays(()))
        processes.bury(())

    def _run(self, command: Command, log: Path | None) -> int:
        process = processes.spawn(command, log)
        try:
            while process.poll() is None:
                self._pause(besides=process.pid)
        finally:
            processes.stop(process, command.stop_signal, seconds=2)
        return process.returncode

    def _notice(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _pause(self, seconds: float = 0.05, besides: int = 0) -> None:
        processes.bury({besides, *(child.process.pid for child in self._children)})
        deadline = time.monotonic() + seconds
        while not self._signals and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._signals:
            raise Interrupted

    def _check(self, child: _Child, when: str) -> None:
        status = child.process.poll()
        if status is not None:
            raise Refused(self._obituary(child.service.name, f"stopped {when} ({_ending(status)})"))

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _obituary(self, name: str, what: str) -> str:
        log = self._log(name)
        words = log.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:] if log.exists() else []
        return "\n  ".join([f"{name} {what}. The end of {log}:", *(words or ["(it said nothing)"])])


@contextmanager
def running(service: Service, log: Path) -> Iterator[None]:
    """One service for the length of a block, in a process that has other children too, such as a test run."""
    process = processes.spawn(service.command, log)
    deadline = time.monotonic() + service.start_seconds
    try:
        while not service.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Refused(f"{service.name} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield
    finally:
        processes.stop(process, service.command.stop_signal, seconds=service.stop_seconds)


def _ending(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _keep_former(log: Path) -> None:
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
