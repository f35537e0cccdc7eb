"""The prober whole: over a real network, with its own connection to a real database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.conf import settings as configured
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from provisioning.health.ledger import LOCK
from provisioning.models import Operation, Outage, ProbeTally
from tests.waiting import eventually
from tools.paths import PROJECT

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "acme.sourcegraph.localhost"
PATIENCE_SECONDS = 20
PACE = ("PROBE_SECONDS", "PROBE_SECONDS_UNDER_CHANGE", "PROBE_SECONDS_WHILE_DOWN", "PROBE_TIMEOUT_SECONDS")
Prober = subprocess.Popen[bytes]
until = partial(eventually, within=PATIENCE_SECONDS)


def probes() -> int:
    return ProbeTally.objects.aggregate(probes=Sum("probes"))["probes"] or 0


def at_work() -> int | None:
    """The database's own process for the prober that works."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", [LOCK])
        return next((pid for (pid,) in cursor.fetchall()), None)


@pytest.fixture
def start(outside_world, tmp_path, database_url) -> Iterator[Callable[[], Prober]]:
    """One more prober, in a process of its own."""
    started: list[Prober] = []
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "INSTANCE_GATEWAY": outside_world.url,
        **{name: str(getattr(configured, name)) for name in PACE},
    }

    def start() -> Prober:
        with (tmp_path / f"probe-{len(started)}.log").open("wb") as log:
            command = [sys.executable, "manage.py", "probe"]
            started.append(subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def prober(start, stand) -> Prober:
    """One that is at work, before an instance that answers."""
    stand()
    process: Prober = start()
    until(probes)
    return process


@contextmanager
def database_away() -> Iterator[None]:
    """Whoever is connected is thrown out, but for us, and nobody gets in."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as ours:
        ours.execute("SELECT pg_backend_pid()")
        [own] = ours.fetchone()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", [name, own]
            )
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_an_instance_goes_down_under_an_operation_and_comes_up_again(prober, outside_world, operate, stand):
    acme = stand("another")
    operation = operate(acme, started_at=timezone.now())
    host = "another.sourcegraph.localhost"
    until(lambda: outside_world.asked[f"{host}/healthz"])
    down_at = timezone.now()
    outside_world.ways[host] = 503
    until(lambda: Operation.objects.get().downtime_seconds > 0)  # it is counted as it grows
    Operation.objects.update(status="failed", finished_at=timezone.now())
    counted = Operation.objects.get()
    until(lambda: Operation.objects.get().downtime_seconds > counted.downtime_seconds)
    up_at = timezone.now()
    outside_world.ways[host] = 200
    until(lambda: Outage.objects.filter(ended_at__isnull=False).exists())
    outage, operation = Outage.objects.get(), Operation.objects.get()
    assert outage.ended_at
    assert outage.operation == operation
    assert down_at - timedelta(seconds=0.1) <= outage.began_at <= down_at + timedelta(seconds=1)
    assert up_at <= outage.ended_at <= up_at + timedelta(seconds=1)
    lasted = (outage.ended_at - outage.began_at).total_seconds()
    until(lambda: Operation.objects.get().downtime_seconds == lasted)
    assert 0 < operation.failed_probes < outage.failed
    assert operation.probes >= operation.failed_probes


def test_told_to_stop_it_is_gone_within_a_second_and_has_written_all(prober, outside_world):
    until(lambda: outside_world.asked.total() > 8)
    began = time.monotonic()
    prober.send_signal(signal.SIGTERM)
    assert prober.wait(PATIENCE_SECONDS) == 0
    assert time.monotonic() - began < 1.5  # a busy machine has its share
    assert outside_world.asked.total() - probes() in {0, 1}  # a look that was broken off counts for nothing


def test_of_two_one_works_and_the_other_takes_over(prober, start, outside_world, tmp_path):
    first = at_work()
    second = start()
    until(lambda: b"standing by" in (tmp_path / "probe-1.log").read_bytes())
    assert at_work() == first
    assert outside_world.connections <= 2  # all of them the first one's
    prober.kill()
    outside_world.ways[HOST] = 503
    until(Outage.objects.exists)
    assert at_work() not in {first, None}
    outside_world.ways[HOST] = 200
    until(lambda: Outage.objects.filter(ended_at__isnull=False).exists())
    assert second.poll() is None


def test_while_the_database_is_away_it_looks_on_and_writes_afterwards(prober, outside_world):
    with database_away():
        outside_world.ways[HOST] = 503
        down_at = timezone.now()
        outside_world.asked.clear()
        until(lambda: outside_world.asked.total() > 4)
        outside_world.ways[HOST] = 200
        up_at = timezone.now()
        until(lambda: outside_world.asked.total() > 8)
    until(lambda: Outage.objects.filter(ended_at__isnull=False).exists())
    outage = Outage.objects.get()
    assert outage.ended_at
    assert down_at - timedelta(seconds=0.1) <= outage.began_at <= up_at <= outage.ended_at + timedelta(seconds=0.1)
    assert prober.poll() is None


def test_told_to_stop_without_a_database_it_is_gone_all_the_same(prober, outside_world):
    with database_away():
        outside_world.asked.clear()
        until(lambda: outside_world.asked.total() > 4)
        began = time.monotonic()
        prober.send_signal(signal.SIGTERM)
        assert prober.wait(PATIENCE_SECONDS) == 1
        assert time.monotonic() - began < 1.5
