"""A worker of ours: what it takes first, what it keeps, and that it stops within seconds, at the worst moment too."""

import os
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD

import psutil
import pytest
from django.conf import settings
from django.db import connection
from kombu.entity import Queue

from portal.celery import app
from tests.waiting import eventually

QUEUE = "only-of-this-test"
PATIENCE_SECONDS = 30
MOST_SECONDS = 10


def has_mail(process: psutil.Process) -> bool:
    """Whether something lies in a pipe that it could read from: it is stopped, or has not got to it."""
    pipes = (end for end in Path(f"/proc/{process.pid}/fd").iterdir() if str(end.readlink()).startswith("pipe:"))
    return any(waiting_in(end) for end in pipes)


def waiting_in(end: Path) -> int:
    """How many bytes; none for the end that is written to."""
    try:
        own = os.open(end, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        count = array("i", [0])
        ioctl(own, FIONREAD, count)
    finally:
        os.close(own)
    return count[0]


@pytest.fixture
def worker(tmp_path, database_url) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], bool]]]:
    """The process, and whether its log has some words."""
    log = tmp_path / "worker.log"
    options = ["--queues", QUEUE, "--concurrency", "1", "--loglevel", "DEBUG"]
    words = ["-m", "celery", "--app", "portal", "worker", *options]
    servers = {"DATABASE_URL": database_url, "REDIS_URL": settings.REDIS_URL}
    environment = {**os.environ, **servers, "LOG_LEVEL": "DEBUG", "PGAPPNAME": QUEUE}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *words], env=environment, stdout=output, stderr=output)
    yield process, lambda text: text in log.read_text()
    for each in [process, *psutil.Process(process.pid).children()] if process.poll() is None else []:
        each.kill()
    process.wait()


def test_it_takes_what_changes_workloads_before_what_looks():
    names = [f"{name}-of-this-test" for name in app.amqp.queues.consume_from]
    assert names == [f"{name}-of-this-test" for name in ("beat", "mail", "helm", "steps")]
    taken: list[str] = []
    with app.connection_for_read() as broker:
        for name in reversed(names):
            with broker.SimpleQueue(name) as queue:
                queue.put(1)
                queue.put(2)
        consumer = broker.Consumer([Queue(name, routing_key=name) for name in names], no_ack=True)
        consumer.register_callback(lambda _body, message: taken.append(message.delivery_info["routing_key"]))
        with consumer:
            while len(taken) < 2 * len(names):
                broker.drain_events(timeout=5)
    assert taken == [name for name in names for _ in range(2)]


def test_it_does_not_wait_for_the_result_of_a_task_that_it_has_forgotten(worker):
    process, has_logged = worker
    eventually(lambda: has_logged("ready."), within=PATIENCE_SECONDS)
    pool_process = psutil.Process(process.pid).children()[0]
    eventually(lambda: not has_mail(pool_process))
    pool_process.suspend()
    app.send_task("celery.backend_cleanup", queue=QUEUE)
    eventually(lambda: has_mail(pool_process))  # the task has come, and the process does not say so
    process.terminate()
    eventually(lambda: has_logged("Stopping Pool"))  # by now the worker has forgotten the task
    pool_process.resume()
    began = time.monotonic()
    process.wait(PATIENCE_SECONDS * 2)
    assert time.monotonic() - began < MOST_SECONDS


def test_it_keeps_its_connection_to_the_database_and_lets_go_of_a_broken_one(worker):
    _, has_logged = worker
    eventually(lambda: has_logged("ready."), within=PATIENCE_SECONDS)
    first, again = connection_after_a_task(has_logged), connection_after_a_task(has_logged)
    assert first == again
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])
    eventually(lambda: connections_of_workers() == [])
    assert connection_after_a_task(has_logged) not in {first, None}


def connection_after_a_task(has_logged: Callable[[str], bool]) -> int | None:
    """The server's process that the worker's only connection is to, if it has one once it has looked for work."""
    task = app.send_task("provisioning.tasks.work", args=[QUEUE], queue=QUEUE)
    eventually(lambda: has_logged(f"provisioning.tasks.work[{task.id}] succeeded"), within=PATIENCE_SECONDS)
    return next(iter(connections_of_workers()), None)


def connections_of_workers() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [QUEUE])
        return [pid for (pid,) in cursor.fetchall()]
