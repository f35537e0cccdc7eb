"""bin/demo: the whole portal on this machine, until Ctrl-C."""

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from tools.demo_environment import SPEED, Ports, choose_ports, keep_secret, own_secrets, portal_environment
from tools.helm import ensure_helm
from tools.paths import LOGS, PROJECT, VAR
from tools.ports import HOST
from tools.postgres import PostgresServer, state_folder
from tools.processes import Command
from tools.redis import RedisServer
from tools.supervisor import Interrupted, Service, Supervisor
from tools.terminal import Refused, bold, exit_with, faint, say

SECRETS = VAR / "demo.env"
POSTGRES = state_folder(VAR / "postgres")
WEBHOOK_SECRETS = "STRIPE_WEBHOOK_SECRETS="
# How much the demo's first instance is used once it is there; seed_demo has made up the month before.
USE: dict[str, Any] = {
    "host": "globex.sourcegraph.localhost",
    "figures": {
        "seats": 31,
        "active_1d": 12,
        "active_7d": 18,
        "active_30d": 24,
        "repositories": 260,
        "batch_changes": 4,
    },
}
DATA = (POSTGRES, VAR / "redis", VAR / "devcloud", VAR / "beat", SECRETS)
_HELP = """\
Starts PostgreSQL, Redis, a stand-in for the cloud (devcloud), the web server, a worker, the scheduler and the prober,
and stays until Ctrl-C. The data is kept in var/ for the next start. DATABASE_URL and REDIS_URL, where set, replace
its own servers."""


Result = TypeVar("Result")


@dataclass(frozen=True)
class Demo:
    """One start of the demo: where everything listens, and what its processes are told."""

    supervisor: Supervisor
    ports: Ports
    environment: Mapping[str, str]

    def manage(self, *arguments: str) -> str:
        command = Command([sys.executable, "manage.py", *arguments], self.environment, PROJECT)
        return self.supervisor.run(f"manage-{arguments[0]}", command)

    def start(self, name: str, *arguments: str, is_ready: Callable[[], bool]) -> None:
        command = Command([sys.executable, "-m", *arguments], self.environment, PROJECT)
        start(self.supervisor, Service(name, command, is_ready))


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    started = time.monotonic()
    with _only_one() as note:
        if options.reset:
            _reset(sure=options.yes)
        own, helm, ports = own_secrets(SECRETS), ensure_helm(), choose_ports(options.port)
        note.write(f"{os.getpid()} {ports.portal_url}")
        note.flush()
        with Supervisor(LOGS) as supervisor:
            try:
                if options.port is None and ports.portal != Ports().portal:
                    say(f"Port {Ports().portal} is taken; the portal will listen on {ports.portal}.")
                say(f"Starting. Logs are in {LOGS.relative_to(PROJECT)}/.\n")
                database_url, redis_url = start_stores(supervisor, ports)
                environment = portal_environment(
                    ports, database_url=database_url, redis_url=redis_url, helm=helm, own=own
                )
                logins = bring_up(Demo(supervisor, ports, environment))
                _welcome(ports, logins, seconds=time.monotonic() - started)
                supervisor.watch()
            except Interrupted:
                say("\nStopping.")
        say("Everything is stopped. bin/demo starts it again with the same data.")
    return 0


def start_stores(supervisor: Supervisor, ports: Ports) -> tuple[str, str]:
    """PostgreSQL and Redis answer, each our own unless the environment names another; returns their URLs."""
    database_url, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if not database_url:
        postgres = PostgresServer(POSTGRES, ports.postgres)
        start(supervisor, postgres.service(), f"{HOST}:{ports.postgres}")
        database_url = postgres.url
    if not redis_url:
        redis = RedisServer(VAR / "redis", ports.redis)
        start(supervisor, redis.service(), f"{HOST}:{ports.redis}")
        redis_url = redis.url
    return database_url, redis_url


def bring_up(demo: Demo) -> str:
    """Everything above the stores answers; returns what seed_demo says about the logins."""
    _start_devcloud(demo)
    # static/src is what the stylesheet is compiled from; nothing serves it.
    _timed("manage.py collectstatic", lambda: demo.manage("collectstatic", "--noinput", "--ignore", "src/*"))
    _timed("manage.py migrate", lambda: demo.manage("migrate", "--noinput"))
    logins = _timed("manage.py seed_demo", lambda: demo.manage("seed_demo"))
    demo = _timed("manage.py stripe_connect", lambda: _connected_to_stripe(demo))
    (VAR / "beat").mkdir(exist_ok=True)
    celery = ("celery", "--app", "portal")
    schedule = ("--schedule", str(VAR / "beat" / "schedule"), "--pidfile=")
    worker = ("worker", "--concurrency", "2", "--hostname", "worker@%h", "--loglevel", "INFO")
    demo.start("worker", *celery, *worker, is_ready=lambda: _says(LOGS / "worker.log", "ready."))
    demo.start(
        "beat", *celery, "beat", *schedule, "--loglevel", "INFO", is_ready=lambda: _says(LOGS / "beat.log", "beat")
    )
    demo.start("probe", "manage", "probe", is_ready=lambda: _says(LOGS / "probe.log", "the prober is"))
    gunicorn = ("gunicorn", "portal.wsgi:application", "--bind", f"{HOST}:{demo.ports.portal}", "--no-control-socket")
    threads = ("--worker-class", "gthread", "--workers", "2", "--threads", "4")
    demo.start("web", *gunicorn, *threads, is_ready=lambda: answers(demo.ports.portal_url))
    return logins


def start(supervisor: Supervisor, service: Service, where: str = "") -> None:
    seconds = supervisor.start(service)
    _report(" ".join(filter(None, [service.name, where])), seconds)


def answers(url: str) -> bool:
    """Whether a person who opens this URL sees a page."""
    try:
        return httpx.get(url, follow_redirects=True, trust_env=False, timeout=10).is_success
    except httpx.TransportError:
        return False


def _start_devcloud(demo: Demo) -> None:
    ports, state = demo.ports, VAR / "devcloud"
    listening = state / "ports.json"
    listening.unlink(missing_ok=True)
    where = ("--http-port", ports.cloud, "--https-port", ports.kubernetes, "--smtp-port", ports.mail, "--state", state)
    pace = ("--profile", "realistic", "--speed", SPEED, "--elsewhere-port", ports.portal)
    demo.start(
        "devcloud",
        "devcloud",
        *map(str, where + pace),
        is_ready=lambda: listening.exists() and answers(ports.cloud_url),
    )
    httpx.post(f"{ports.cloud_url}/_control/use", json=USE, trust_env=False, timeout=10).raise_for_status()


def _connected_to_stripe(demo: Demo) -> Demo:
    """Stripe has the catalogue and tells the portal of events. Its secret is told once, and kept with the others."""
    demo.manage("stripe_sync", "--apply")
    said = demo.manage("stripe_connect").splitlines()
    for line in said:
        if line.startswith(WEBHOOK_SECRETS):
            keep_secret(SECRETS, line)
            name, _, value = line.partition("=")
            return replace(demo, environment={**demo.environment, name: value})
    return demo


def _timed(what: str, work: Callable[[], Result]) -> Result:
    started = time.monotonic()
    result = work()
    _report(what, time.monotonic() - started)
    return result


def _report(what: str, seconds: float) -> None:
    say(f"  {what:<28}{faint(f'{seconds:5.1f} s')}")


def _says(log: Path, word: str) -> bool:
    return word in log.read_text(errors="replace")


def _welcome(ports: Ports, logins: str, *, seconds: float) -> None:
    say(f"\n  Open   {bold(ports.portal_url)}   {faint(f'ready after {seconds:.0f} s')}")
    say(f"  Mail   {ports.cloud_url}/mail/")
    say(f"  Cloud  {ports.cloud_url}/   {faint(f'devcloud, {SPEED} times faster than life')}")
    say("\n  Sign in as")
    for line in logins.strip().splitlines():
        say(f"    {line}")
    say("\n  Ctrl-C stops everything and keeps the data. bin/demo --reset begins anew.")


@contextmanager
def _only_one() -> Iterator[IO[str]]:
    """No second demo runs from this folder; the lock file says which one does."""
    VAR.mkdir(exist_ok=True)
    with (VAR / "demo.lock").open("a+") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process, _, url = lock.read().partition(" ")
            raise Refused(f"The demo runs already: {url or 'it is just starting'} (process {process}).") from None
        lock.truncate(0)
        yield lock


def _reset(*, sure: bool) -> None:
    if os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL"):
        raise Refused(
            "--reset knows only the demo's own servers; DATABASE_URL or REDIS_URL names others. Empty those yourself."
        )
    existing = [path for path in DATA if path.exists()]
    if existing and not sure:
        _ask("This deletes the demo's data:\n" + "\n".join(f"  {path}" for path in existing))
    for path in existing:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise Refused(f"{question}\nNobody is there to ask; say it with --reset --yes.")
    if input(f"{question}\nType yes to go on: ").strip().lower() != "yes":
        raise Refused("Nothing was deleted.")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bin/demo", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, help="where the portal listens (8000, or the next free port)")
    parser.add_argument("--reset", action="store_true", help="delete the demo's data first; asks")
    parser.add_argument("--yes", action="store_true", help="with --reset: don't ask")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_with(main)
