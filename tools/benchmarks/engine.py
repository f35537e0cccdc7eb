"""Steps that need not wait, per second, against bare Celery tasks: the same workers, Redis and machine, in one run.

engine_ratio: steps per second over tasks per second, the better of two rounds of them. Both begin with all of their
work at hand: the workers consume nothing while it is being laid out. Each step is claimed, looked at, recorded with its
attempt, and opens what follows it, in a graph of provision's shape.
"""

import argparse
import json
import time
from collections.abc import Callable

from tools.benchmarks.app import nothing

from django.conf import settings  # isort: skip - set up by the line above
from redis import Redis  # isort: skip

from portal.celery import app  # isort: skip
from provisioning.models import Operation, OperationKind, Step, StepStatus  # isort: skip
from provisioning.models.operations import LIVE  # isort: skip
from provisioning.services import operation_request  # isort: skip
from tools.benchmarks.fleet import actor, idle_instances  # isort: skip

TASKS = 4_000
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 600
QUEUES = ("steps", "helm")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100, help="operations")
    count = parser.parse_args().count
    before = tasks_per_second()
    steps = steps_per_second(count)
    after = tasks_per_second()
    tasks = max(before, after)
    print(f"bare Celery: {before:.0f} tasks/s before, {after:.0f} after; engine: {steps:.0f} steps/s")  # noqa: T201
    result = {
        "engine_ratio": round(steps / tasks, 3),
        "steps_per_second": round(steps, 1),
        "tasks_per_second": round(tasks, 1),
        "operations": count,
    }
    print(json.dumps(result))  # noqa: T201


def tasks_per_second() -> float:
    redis = Redis.from_url(settings.REDIS_URL)
    _hold()
    for _ in range(TASKS):
        nothing.apply_async(queue="steps")
    return TASKS / _seconds_until(lambda: redis.llen("steps") == 0)


def steps_per_second(count: int) -> float:
    _hold()
    organization, by = actor()
    for instance in idle_instances(count, organization, by):
        operation_request(instance=instance, kind=OperationKind.PROVISION, actor=by)
    took = _seconds_until(lambda: not Operation.objects.filter(status__in=LIVE).exists())
    steps = Step.objects.filter(operation__status="succeeded", status=StepStatus.DONE).count()
    if steps != Step.objects.count():
        raise SystemExit(f"Only {steps} of {Step.objects.count()} steps are done.")
    return steps / took


def _hold() -> None:
    for queue in QUEUES:
        app.control.cancel_consumer(queue, reply=True)


def _seconds_until(is_over: Callable[[], bool]) -> float:
    for queue in QUEUES:
        app.control.add_consumer(queue, reply=False)
    started = time.monotonic()
    while not is_over():
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise SystemExit(f"Not at an end after {PATIENCE_SECONDS} s.")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
