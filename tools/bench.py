"""bin/bench: the whole stack on private ports, and one measurement on it."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tools.demo import answers
from tools.demo_environment import Ports, own_secrets, portal_environment
from tools.helm import ensure_helm
from tools.paths import PROJECT
from tools.ports import any_free
from tools.postgres import PostgresServer, temporary_folder
from tools.processes import Command
from tools.redis import RedisServer
from tools.supervisor import Service, Supervisor
from tools.terminal import exit_with, say

_HELP = """\
  bin/bench provision    one instance, then 50 at once, against devcloud's realistic durations sped up

The last line of the output is one JSON object; ratios compare figures of one run."""


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, temporary_folder() as database:
        folder = Path(name)
        ports = Ports(**{service: any_free() for service in vars(Ports())})
        postgres = PostgresServer(database, ports.postgres, durable=False)
        redis = RedisServer(folder / "redis", ports.redis, durable=False)
        with Supervisor(folder / "log") as supervisor:
            supervisor.start(postgres.service())
            supervisor.start(redis.service())
            environment = {
                **portal_environment(
                    ports,
                    database_url=postgres.url,
                    redis_url=redis.url,
                    helm=ensure_helm(),
                    own=own_secrets(folder / "secrets.env"),
                ),
                "ENGINE_PACE": str(1 / options.speed),
                "LOG_LEVEL": "WARNING",
            }
            _start_stack(supervisor, environment, ports, folder, options.speed)
            say(f"The stack is up; devcloud runs {options.speed:g} times faster than life.")
            command = [sys.executable, "-m", "tools.benchmarks.provision", "--count", str(options.count)]
            output = supervisor.run("benchmark", Command(command, environment, PROJECT))
    *lines, last = output.strip().splitlines()
    for line in lines:
        say(line)
    say(json.dumps({**json.loads(last), "speed_up": options.speed, "worker_processes": 2}))
    return 0


def _start_stack(supervisor: Supervisor, environment: dict[str, str], ports: Ports, folder: Path, speed: float) -> None:
    state = folder / "devcloud"
    where = ["--http-port", ports.cloud, "--https-port", ports.kubernetes, "--smtp-port", ports.mail, "--state", state]
    pace = ["--profile", "realistic", "--speed", speed]
    python = [sys.executable, "-m"]
    devcloud = Command([*python, "devcloud", *map(str, where + pace)], environment, PROJECT)
    supervisor.start(Service("devcloud", devcloud, lambda: answers(ports.cloud_url)))
    supervisor.run("migrate", Command([sys.executable, "manage.py", "migrate", "--noinput"], environment, PROJECT))
    supervisor.run("catalogue", Command([sys.executable, "manage.py", "load_catalogue"], environment, PROJECT))
    celery = [*python, "celery", "--app", "portal"]
    worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"]
    log = folder / "log" / "worker.log"
    is_ready = lambda: "ready." in log.read_text(errors="replace")  # noqa: E731 - one line, used once
    supervisor.start(Service("worker", Command(worker, {**environment, "LOG_LEVEL": "INFO"}, PROJECT), is_ready))
    beat = [*celery, "beat", "--schedule", str(folder / "beat"), "--pidfile="]
    supervisor.start(Service("beat", Command(beat, environment, PROJECT), lambda: True))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bin/bench", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=["provision"])
    parser.add_argument("--count", type=int, default=50, help="how many instances at once (50)")
    parser.add_argument("--speed", type=float, default=6.0, help="how much faster than life devcloud runs (6)")
    parser.add_argument("--json", action="store_true", help="accepted for scripts; the last line is JSON anyway")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_with(main)
