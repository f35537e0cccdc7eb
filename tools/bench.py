"""bin/bench: the whole stack on private ports, and one measurement on it."""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
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
  bin/bench provision    one instance, then many at once, against devcloud's realistic durations sped up
  bin/bench engine       steps that need not wait, per second, against bare Celery tasks over the same Redis
  bin/bench waiting      operations that all wait on the cloud: how many looks come more than 2 s late
  bin/bench idle         what an idle fleet costs the database
  bin/bench probes       what it costs the prober to look at a fleet, idle and with a fifth of it under change
  bin/bench fleet-upgrade   a release for a whole fleet at once, against what the machine and one instance allow
  bin/bench webhooks     Stripe's events, taken in over HTTP, against bare inserts of the same rows
  bin/bench web          the ten busiest pages and calls at a thousand instances, against the plainest page
  bin/bench bad-release  a release that goes bad at the second stage: who is touched, who comes back, who notices

The last line of the output is one JSON object; ratios compare figures of one run."""


@dataclass(frozen=True)
class Benchmark:
    """A module of tools.benchmarks that is run beside a stack. `app` is the Celery application of its workers.

    `speed` is how much faster than life devcloud runs, `settings` go into the portal's environment. With `times_helm`
    each run of helm leaves its CPU times in the file BENCH_HELM_TIMES. `is_probed` where instances are more than rows.
    `worker_processes` is how many steps are worked on at once. `is_durable` where the database keeps what it has
    answered for, as in production.
    """

    module: str
    count: int
    app: str = "tools.benchmarks.app"
    speed: float = 1.0
    settings: Mapping[str, str] = field(default_factory=dict)
    times_helm: bool = False
    is_probed: bool = False
    worker_processes: int = 2
    is_durable: bool = False


BENCHMARKS = {
    "provision": Benchmark("tools.benchmarks.provision", count=50, app="portal", speed=6.0, is_probed=True),
    "engine": Benchmark("tools.benchmarks.engine", count=100),
    "waiting": Benchmark("tools.benchmarks.waiting", count=1_000),
    "idle": Benchmark("tools.benchmarks.idle", count=1_000, app="portal"),
    "probes": Benchmark(
        "tools.benchmarks.probes",
        count=1_000,
        app="portal",
        speed=50.0,  # so that the first instance soon stands; looks are as frequent as in life
        settings={
            "PROBE_SECONDS": "1500",
            "PROBE_SECONDS_UNDER_CHANGE": "100",
            "PROBE_SECONDS_WHILE_DOWN": "50",
            "HEALTH_SECONDS": "45000",
        },
        is_probed=True,
    ),
    "fleet-upgrade": Benchmark(
        "tools.benchmarks.fleet_upgrade",
        count=250,
        app="portal",
        settings={"ENGINE_MOST_AT_ONCE": "upgrade=2000", "ENGINE_MOST_PER_FOLDER": "2000"},
        times_helm=True,
        is_probed=True,
        worker_processes=4,  # a process waits while its helm runs
    ),
    "web": Benchmark("tools.benchmarks.web", count=1_000, app="portal"),
    "webhooks": Benchmark("tools.benchmarks.webhooks", count=5_000, app="portal", is_durable=True),
    "bad-release": Benchmark(
        "tools.benchmarks.bad_release",
        count=1_000,
        app="portal",
        speed=10.0,  # but looks are as frequent as in life
        settings={
            "PROBE_SECONDS": "300",
            "PROBE_SECONDS_UNDER_CHANGE": "20",
            "PROBE_SECONDS_WHILE_DOWN": "10",
            "HEALTH_SECONDS": "9000",
        },
        is_probed=True,
        worker_processes=4,
    ),
}

# What is done before anything starts, by the name of its log.
MANAGED = {
    "static": ("collectstatic", "--noinput", "--ignore", "src/*"),
    "migrate": ("migrate", "--noinput"),
    "catalogue": ("load_catalogue",),
}


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    benchmark = BENCHMARKS[options.name]
    speed = options.speed or benchmark.speed
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, temporary_folder() as database:
        folder = Path(name)
        ports = Ports(**{service: any_free() for service in vars(Ports())})
        postgres = PostgresServer(database, ports.postgres, durable=benchmark.is_durable)
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
                "ENGINE_PACE": str(1 / speed),
                "LOG_LEVEL": "WARNING",
                "BENCH_LOGS": str(folder / "log"),
                **benchmark.settings,
                **(_timed_helm(folder) if benchmark.times_helm else {}),
            }
            _start_stack(supervisor, environment, ports, folder, benchmark, speed)
            say(f"The stack is up; devcloud runs {speed:g} times as fast as life.")
            count = benchmark.count if options.count is None else options.count
            command = [sys.executable, "-m", benchmark.module, "--count", str(count)]
            output = supervisor.run("benchmark", Command(command, environment, PROJECT))
    *lines, last = output.strip().splitlines()
    for line in lines:
        say(line)
    say(json.dumps({**json.loads(last), "speed_up": speed, "worker_processes": benchmark.worker_processes}))
    return 0


def _timed_helm(folder: Path) -> dict[str, str]:
    """A helm that notes what each run of it took, by the shell's own count (not in a pipe: that is another shell)."""
    program, notes = folder / "helm-timed", folder / "helm-times"
    notes.touch()
    program.write_text(f'#!/bin/sh\n"{ensure_helm()}" "$@"\ncode=$?\ntimes >> "{notes}"\nexit $code\n')
    program.chmod(0o755)
    return {"HELM_BINARY": str(program), "BENCH_HELM_TIMES": str(notes)}


def _start_stack(
    supervisor: Supervisor, environment: dict[str, str], ports: Ports, folder: Path, benchmark: Benchmark, speed: float
) -> None:
    state = folder / "devcloud"
    where = ["--http-port", ports.cloud, "--https-port", ports.kubernetes, "--smtp-port", ports.mail, "--state", state]
    pace = ["--profile", "realistic", "--speed", speed]
    python = [sys.executable, "-m"]
    devcloud = Command([*python, "devcloud", *map(str, where + pace)], environment, PROJECT)
    supervisor.start(Service("devcloud", devcloud, lambda: answers(ports.cloud_url)))
    for name, arguments in MANAGED.items():
        supervisor.run(name, Command([sys.executable, "manage.py", *arguments], environment, PROJECT))
    celery = [*python, "celery", "--app", benchmark.app]
    worker = [*celery, "worker", "--concurrency", str(benchmark.worker_processes), "--loglevel", "INFO"]
    log = folder / "log" / "worker.log"
    is_ready = lambda: "ready." in log.read_text(errors="replace")  # noqa: E731 - one line, used once
    supervisor.start(Service("worker", Command(worker, {**environment, "LOG_LEVEL": "INFO"}, PROJECT), is_ready))
    beat = [*celery, "beat", "--schedule", str(folder / "beat"), "--pidfile="]
    supervisor.start(Service("beat", Command(beat, environment, PROJECT), lambda: True))
    if benchmark.is_probed:
        probe = Command([*python, "manage", "probe"], environment, PROJECT)
        supervisor.start(Service("probe", probe, lambda: True))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bin/bench", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=list(BENCHMARKS))
    parser.add_argument("--count", type=int, help="how many instances (each benchmark has its own usual number)")
    parser.add_argument("--speed", type=float, help="how much faster than life devcloud runs (provision: 6)")
    parser.add_argument("--json", action="store_true", help="accepted for scripts; the last line is JSON anyway")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_with(main)
