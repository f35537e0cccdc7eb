"""The supervisor runs in a process of its own here, as it does in bin/demo: it takes signals and adopts orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tools.paths import PROJECT

Supervise = Callable[..., subprocess.Popen[str]]

_PROGRAM = """
import sys
from pathlib import Path
from tools.processes import Command
from tools.supervisor import Interrupted, Service, Supervisor
from tools.terminal import exit_with, say

logs = Path(sys.argv[1])
def service(name, script, *, word="up", seconds=5):
    says = lambda: word in (logs / f"{name}.log").read_text()
    return Service(name, Command(["bash", "-c", script]), says, seconds, 1)

def main(_):
    with Supervisor(logs) as supervisor:
        try:
            for name, script in zip(sys.argv[2::2], sys.argv[3::2]):
                supervisor.start(service(name, script))
            say("watching")
            supervisor.watch()
        except Interrupted:
            say("interrupted")
    return 0
exit_with(main)
"""
_PEACEFUL = "trap 'echo $0 asked >> \"$ORDER\"; exit 0' TERM; echo up; while :; do sleep 0.05; done"
_STUBBORN = "trap '' TERM INT HUP; echo up; while :; do sleep 0.05; done"
_WITH_DETACHED_GRANDCHILD = "setsid bash -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo up; wait"


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    started: list[subprocess.Popen[str]] = []

    def start(*services: str) -> subprocess.Popen[str]:
        named = [part for index, script in enumerate(services) for part in (f"service{index}", script)]
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(tmp_path), *named],
            cwd=PROJECT,
            env={**os.environ, "ORDER": str(tmp_path / "order"), "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    assert process.stdout
    assert process.stdout.readline() == "watching\n"
    family = list(psutil.Process(process.pid).children(recursive=True))
    assert family
    return family


def _all_end(family: list[psutil.Process], seconds: float = 10) -> bool:
    return not psutil.wait_procs(family, timeout=seconds)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(supervise: Supervise, number: int) -> None:
    process = supervise(_PEACEFUL, _STUBBORN, _WITH_DETACHED_GRANDCHILD)
    family = _family(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert "interrupted" in output
    assert _all_end(family)


def test_services_are_asked_to_stop_in_reverse_order(supervise: Supervise, tmp_path: Path) -> None:
    process = supervise(_PEACEFUL.replace("$0", "first"), _PEACEFUL.replace("$0", "second"))
    _family(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert (tmp_path / "order").read_text().split() == ["second", "asked", "first", "asked"]


def test_a_second_signal_ends_the_patience(supervise: Supervise) -> None:
    process = supervise(_STUBBORN, _STUBBORN, _STUBBORN)
    family = _family(process)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout
    assert process.stdout.readline() == "interrupted\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert time.monotonic() - started < 2.5  # three seconds with patience
    assert _all_end(family)


def test_a_killed_supervisor_leaves_nothing(supervise: Supervise) -> None:
    process = supervise(_PEACEFUL, _PEACEFUL)
    family = _family(process)
    process.kill()
    assert _all_end(family)


def test_a_service_that_dies_at_its_start_is_quoted(supervise: Supervise) -> None:
    process = supervise(_PEACEFUL, "echo 'no room on this disk'; exit 3")
    _, complaint = process.communicate(timeout=15)
    assert process.returncode == 1
    assert "service1 stopped right after its start (exit status 3)" in complaint
    assert "  no room on this disk" in complaint
    assert "Traceback" not in complaint


def test_a_service_that_dies_later_ends_all_of_it(supervise: Supervise, tmp_path: Path) -> None:
    process = supervise(
        _PEACEFUL, f"echo up; while [ ! -e {tmp_path}/now ]; do sleep 0.02; done; echo 'lost my way'; exit 4"
    )
    family = _family(process)
    (tmp_path / "now").touch()
    _, complaint = process.communicate(timeout=15)
    assert "service1 stopped unexpectedly (exit status 4)" in complaint
    assert "  lost my way" in complaint
    assert _all_end(family)


def test_a_service_that_never_gets_ready_is_given_up(
    supervise: Supervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "_PROGRAM", _PROGRAM.replace("seconds=5", "seconds=0.3"))
    process = supervise("echo almost; sleep 60")
    _, complaint = process.communicate(timeout=15)
    assert "did not get ready within 0 s" in complaint
    assert "  almost" in complaint
