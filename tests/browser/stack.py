"""The whole portal for a browser: web, a worker, beat, PostgreSQL, Redis and devcloud, on free ports, in processes."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.stack.devcloud import RunningDevcloud, running_devcloud
from tests.stack.postgres import running_postgres
from tests.stack.redis import running_redis
from tests.stack.tools import helm_path
from tools.demo_environment import Ports, portal_environment
from tools.paths import PROJECT
from tools.ports import HOST, any_free
from tools.processes import Command
from tools.supervisor import Service, running

SPEED = 60  # times faster than life: a setup takes about as long as Helm and the pods need
LOAD_CATALOGUE = "from provisioning.fleet.catalogue import load_catalogue; load_catalogue()"
SECRETS = {"SECRET_KEY": "browser-tests", "KUBECONFIG_ENCRYPTION_KEY": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="}


@dataclass(frozen=True)
class Stack:
    """Where the portal is, the cloud that it stands on, and what manage.py has to be told."""

    url: str
    devcloud: RunningDevcloud
    environment: Mapping[str, str]


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """All of it answers; at the end no process is left."""
    with ExitStack() as stack:
        database_url, redis_url = stack.enter_context(running_postgres()), stack.enter_context(running_redis())
        devcloud = stack.enter_context(running_devcloud(folder, "realistic", speed=SPEED))
        ports = _ports(devcloud)
        environment = {
            **portal_environment(
                ports, database_url=database_url, redis_url=redis_url, helm=Path(helm_path()), own=SECRETS
            ),
            "ENGINE_PACE": str(1 / SPEED),
        }
        _manage(environment, "migrate", "--noinput")
        _manage(environment, "collectstatic", "--noinput", "--ignore", "src/*")
        _manage(environment, "shell", "--no-imports", "-c", LOAD_CATALOGUE)
        for service in _services(ports, environment, folder):
            stack.enter_context(running(service, folder / f"{service.name}.log"))
        yield Stack(ports.portal_url, devcloud, environment)


def _ports(devcloud: RunningDevcloud) -> Ports:
    return Ports(
        portal=any_free(),
        cloud=urlsplit(devcloud.http_url).port or 0,
        kubernetes=devcloud.https_port,
        mail=devcloud.smtp_port,
    )


def _manage(environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments], env=environment, cwd=PROJECT, check=True, capture_output=True
    )


def _services(ports: Ports, environment: Mapping[str, str], folder: Path) -> Iterator[Service]:
    def service(name: str, *arguments: str, is_ready: Callable[[], bool]) -> Service:
        return Service(name, Command([sys.executable, "-m", *arguments], environment, PROJECT), is_ready)

    celery = ("celery", "--app", "portal")
    schedule = ("--schedule", str(folder / "schedule"), "--pidfile=", "--loglevel", "INFO")
    worker = ("worker", "--concurrency", "2", "--loglevel", "INFO")
    yield service("worker", *celery, *worker, is_ready=lambda: _says(folder / "worker.log", "ready."))
    yield service("beat", *celery, "beat", *schedule, is_ready=lambda: _says(folder / "beat.log", "beat"))
    gunicorn = ("gunicorn", "portal.wsgi:application", "--bind", f"{HOST}:{ports.portal}", "--no-control-socket")
    threads = ("--worker-class", "gthread", "--workers", "1", "--threads", "8")
    yield service("web", *gunicorn, *threads, is_ready=lambda: _answers(ports.portal_url))


def _says(log: Path, word: str) -> bool:
    return log.exists() and word in log.read_text(errors="replace")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=10).is_success
    except httpx.TransportError:
        return False
