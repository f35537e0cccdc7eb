"""A worker of ours as a process: it stops within seconds, at the worst moment too."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from django.conf import settings

from portal.celery import app

QUEUE = "only-of-this-test"
PATIENCE_SECONDS = 30
MOST_SECONDS = 10


def until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture
def worker(tmp_path) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], bool]]]:
    """The process, and whether its log has some words."""
    log = tmp_path / "worker.log"
    options = ["--queues", QUEUE, "--concurrency", "1", "--loglevel", "DEBUG"]
    words = ["-m", "celery", "--app", "portal", "worker", *options]
    environment = {**os.environ, "REDIS_URL": settings.REDIS_URL, "LOG_LEVEL": "DEBUG"}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *words], env=environment, stdout=output, stderr=output)
    yield process, lambda text: text in log.read_text()
    for each in [process, *psutil.Process(process.pid).children()] if process.poll() is None else []:
        each.kill()
    process.wait()


def test_it_does_not_wait_for_the_result_of_a_task_that_it_has_forgotten(worker):
    process, has_logged = worker
    until(lambda: has_logged("ready."))
    pool_process = psutil.Process(process.pid).children()[0]
    pool_process.suspend()
    app.send_task("celery.backend_cleanup", queue=QUEUE)
    until(lambda: has_logged("received"))
    time.sleep(1)  # then it lies in the pipe of the pool process, of which no log tells
    process.terminate()
    until(lambda: has_logged("Stopping Pool"))  # by now it has forgotten the task
    pool_process.resume()
    began = time.monotonic()
    process.wait(PATIENCE_SECONDS * 2)
    assert time.monotonic() - began < MOST_SECONDS
