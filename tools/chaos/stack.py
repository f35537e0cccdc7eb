"""The processes of a whole stack on private ports, kept up as a process manager would."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil
import psycopg

from tools import processes
from tools.demo import answers
from tools.demo_environment import Ports, own_secrets, portal_environment
from tools.helm import ensure_helm
from tools.paths import PROJECT
from tools.ports import any_free
from tools.postgres import PostgresServer
from tools.processes import Command
from tools.redis import RedisServer
from tools.supervisor import Service
from tools.terminal import Refused

LEASE_SECONDS = 8.0
# What one outside call may take; below the lease, or the portal does not start.
TIMEOUTS = {"HELM_TIMEOUT_SECONDS": "6", "HELM_GRACE_SECONDS": "1.5", "GOOGLE_TIMEOUT_SECONDS": "4"}
RESTART_SECONDS = 0.5
LEASE_OWNERS = "SELECT lease_owner FROM provisioning_step WHERE lease_until > now() AND lease_owner <> ''"
POSTGRES, REDIS, DEVCLOUD, BEAT, PROBE = "postgres", "redis", "devcloud", "beat", "probe"

SERVERS = {POSTGRES, REDIS, DEVCLOUD}  # these are given the time to clear away what outlives a process


@dataclass
class Member:
    """One process that should run, unless it is held down."""

    service: Service
    process: subprocess.Popen[bytes]
    starts: int = 1
    is_held_down: bool = False
    died_at: float | None = None

    @property
    def is_up(self) -> bool:
        """Whether it runs and is to go on: one that has just been told to stop takes a moment."""
        return self.process.poll() is None and not self.is_held_down

    def below(self) -> list[psutil.Process]:
        """Its children and theirs: the pool process of a worker, and a helm that it runs."""
        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []


class Stack:
    """Use it as a context manager in a process of its own: at the end nothing that it started is left."""

    def __init__(self, folder: Path, database: Path, *, workers: int, speed: float) -> None:
        self.folder, self.logs = folder, folder / "log"
        self.ports = Ports(**{service: any_free() for service in vars(Ports())})
        self._postgres = PostgresServer(database, self.ports.postgres)
        self.redis = RedisServer(folder / "redis", self.ports.redis)
        self.members: dict[str, Member] = {}
        self.workers = [f"worker-{number}" for number in range(1, workers + 1)]
        self._speed = speed
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        processes.adopt_orphans(adopt=True)
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for name, member in reversed(self.members.items()):
            patience = member.service.stop_seconds if name in SERVERS else 0
            processes.stop(member.process, member.service.command.stop_signal, seconds=patience)
        processes.kill(processes.strays(()))
        processes.bury(())
        processes.adopt_orphans(adopt=False)

    def tend(self) -> None:
        """What died is started again a moment later."""
        for name, member in self.members.items():
            if member.is_up or member.is_held_down:
                continue
            member.died_at = member.died_at or time.monotonic()
            if time.monotonic() - member.died_at >= RESTART_SECONDS:
                self._start_again(name)

    def busy_workers(self) -> list[str]:
        """The names of workers that hold the lease of a step right now; none while the database is away."""
        try:
            with psycopg.connect(self._postgres.url, connect_timeout=2) as connection:
                owners = connection.execute(LEASE_OWNERS).fetchall()
        except psycopg.OperationalError:
            return []
        pids = {int(owner.rpartition(":")[2]) for (owner,) in owners}
        return [name for name in self.workers if pids & {child.pid for child in self.members[name].below()}]

    def hold_down(self, name: str, how: signal.Signals) -> None:
        """It is told to stop and is not started again until `let_up`."""
        self.members[name].is_held_down = True
        self.members[name].process.send_signal(how)

    def let_up(self, name: str) -> None:
        self.members[name].process.wait(30)
        self.members[name].is_held_down = False
        self._start_again(name)

    def spawn(self, name: str, command: Command) -> subprocess.Popen[bytes]:
        return processes.spawn(command, self.logs / f"{name}.log")

    def beat(self, name: str) -> Command:
        return self._python("celery", "--app", "portal", "beat", "--schedule", str(self.folder / name), "--pidfile=")

    def driver(self, *arguments: str) -> Command:
        return self._python("tools.chaos.driver", *arguments)

    def _start_all(self) -> None:
        self._add(self._postgres.service())
        self._add(self.redis.service())
        self.environment = self._settings()
        self._add(Service(DEVCLOUD, self._devcloud(), lambda: answers(self.ports.cloud_url)))
        for words in (("migrate", "--noinput"), ("load_catalogue",)):
            self._manage(*words)
        for name in self.workers:
            arguments = ("--concurrency", "1", "--loglevel", "WARNING", "--hostname", f"{name}@chaos")
            worker = self._python("celery", "--app", "portal", "worker", *arguments)
            self._add(Service(name, worker, lambda: True))
        self._add(Service(BEAT, self.beat("beat"), lambda: True))
        self._add(Service(PROBE, self._python("manage", "probe"), lambda: True))

    def _settings(self) -> dict[str, str]:
        urls = {"database_url": self._postgres.url, "redis_url": self.redis.url}
        own = own_secrets(self.folder / "secrets.env")
        return {
            **portal_environment(self.ports, **urls, helm=ensure_helm(), own=own),
            **TIMEOUTS,
            "ENGINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "ENGINE_PACE": str(1 / self._speed),
            "LOG_LEVEL": "WARNING",
        }

    def _devcloud(self) -> Command:
        ports = {"--http-port": self.ports.cloud, "--https-port": self.ports.kubernetes, "--smtp-port": self.ports.mail}
        options = {**ports, "--state": self.folder / "devcloud", "--profile": "realistic", "--speed": self._speed}
        return self._python("devcloud", *(str(word) for option in options.items() for word in option))

    def _python(self, *words: str) -> Command:
        return Command([sys.executable, "-m", *words], self.environment, PROJECT)

    def _manage(self, *words: str) -> None:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"manage.py {words[0]} failed:\n{done.stdout}{done.stderr}")

    def _add(self, service: Service) -> None:
        self.members[service.name] = Member(service, self.spawn(f"{service.name}.1", service.command))
        self._await(service.name)

    def _start_again(self, name: str) -> None:
        member = self.members[name]
        member.starts, member.died_at = member.starts + 1, None
        member.process = self.spawn(f"{name}.{member.starts}", member.service.command)
        self._await(name)

    def _await(self, name: str) -> None:
        member, until = self.members[name], time.monotonic() + self.members[name].service.start_seconds
        while not member.service.is_ready():
            if not member.is_up or time.monotonic() > until:
                raise Refused(f"{name} does not start; see {self.logs}.")
            time.sleep(0.05)


def kill_all_of(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to it and whatever else is in its session, as when a container is killed."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
