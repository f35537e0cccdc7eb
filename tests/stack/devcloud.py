"""A devcloud for tests, on free ports, in a process of its own that ends with the test run.

with running_devcloud(folder) as devcloud: ...       or start_devcloud(folder), and devcloud.stop() in the end.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from tools import processes
from tools.paths import PROJECT

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class RunningDevcloud:
    """Where one devcloud listens, and how to control it."""

    http_url: str
    https_port: int
    smtp_port: int
    process: subprocess.Popen[bytes]
    state: Path

    @property
    def google_endpoint(self) -> str:
        """What GOOGLE_API_ENDPOINT is to be: each service answers below it, at its discovery name."""
        return f"{self.http_url}/google"

    @property
    def certificate_authority(self) -> Path:
        return self.state / "ca.crt"

    def stop(self) -> None:
        """It has saved its state and is gone."""
        self._client.close()
        processes.stop(self.process, signal.SIGTERM, seconds=_STOP_SECONDS)

    def control(self, verb: str, path: str, form: Any = None) -> Any:
        """What the control API answers, as JSON. Raises httpx.HTTPStatusError where it refuses."""
        answer = self._client.request(verb, f"{self.http_url}/_control/{path}", json=form)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(trust_env=False, timeout=10)

    def add_fault(self, method: str, effect: str, **fields: Any) -> str:
        """The rule holds; returns its id. `method` is a discovery id or such as "kubernetes PATCH deployments"."""
        return str(self.control("POST", "faults", {"method": method, "effect": effect, **fields})["id"])

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        return list(self.control("GET", f"calls?since={since}")["calls"])

    def mail(self, to: str = "") -> list[dict[str, Any]]:
        """The newest first."""
        return list(self.control("GET", f"mail?to={to}")["mail"])

    def skip(self, seconds: float | str) -> None:
        """It is that much later there; "next" is when the next operation ends."""
        self.control("POST", "clock", {"skip": seconds})

    def reset(self) -> None:
        """As at its first start."""
        self.control("POST", "reset")


def start_devcloud(folder: Path, profile: str = "fast", **options: object) -> RunningDevcloud:
    """It listens. `options` are its flags, such as speed=20; what is in the folder from before is there again."""
    state = folder / "devcloud"
    state.mkdir(parents=True, exist_ok=True)
    ports_file, log = state / "ports.json", state / "log"
    ports_file.unlink(missing_ok=True)
    flags = {"http_port": 0, "https_port": 0, "smtp_port": 0, "state": state, "profile": profile, **options}
    arguments = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = processes.Command([sys.executable, "-m", "devcloud", *arguments], folder=PROJECT)
    process = processes.spawn(command, log)
    deadline = time.monotonic() + _START_SECONDS
    while not ports_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            processes.stop(process, signal.SIGTERM, seconds=0)
            raise RuntimeError(f"devcloud did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
    ports = json.loads(ports_file.read_text())
    return RunningDevcloud(f"http://{ports['host']}:{ports['http']}", ports["https"], ports["smtp"], process, state)


@contextmanager
def running_devcloud(folder: Path, profile: str = "fast", **options: object) -> Iterator[RunningDevcloud]:
    """One devcloud for the length of a block."""
    devcloud = start_devcloud(folder, profile, **options)
    try:
        yield devcloud
    finally:
        devcloud.stop()
