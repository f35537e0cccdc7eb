"""Operations that all wait on the cloud, each looked at every 15 seconds by one real call.

late_share: the share of looks that came more than two seconds after they were due. The operations are ten minutes old,
their looks spread evenly: the state in which a fleet waits, not the moment at which all of it was begun.
"""

import argparse
import json
import time
from datetime import timedelta

from tools.benchmarks.app import LATENESS, POLLED_EVERY

from django.conf import settings  # isort: skip - set up by the line above
from redis import Redis  # isort: skip

from portal.core import clock  # isort: skip
from provisioning.models import Operation, OperationKind, OperationStatus, Step, StepStatus  # isort: skip
from provisioning.spec import spec_of  # isort: skip
from tools.benchmarks.fleet import actor, idle_instances  # isort: skip

LATE_SECONDS = 2.0
AGE = timedelta(minutes=10)
DEADLINE = timedelta(days=1)
SETTLING_SECONDS, MEASURED_SECONDS = 15, 60


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000, help="operations")
    count = parser.parse_args().count
    _lay_out(count)
    redis = Redis.from_url(settings.REDIS_URL)
    time.sleep(SETTLING_SECONDS)
    redis.delete(LATENESS)
    time.sleep(MEASURED_SECONDS)
    lateness = sorted(float(seconds) for seconds in redis.lrange(LATENESS, 0, -1))
    expected = count * MEASURED_SECONDS / POLLED_EVERY.total_seconds()
    overdue = Step.objects.filter(due_at__lt=clock.now() - timedelta(seconds=LATE_SECONDS), lease_until=None).count()
    late = sum(seconds > LATE_SECONDS for seconds in lateness) + overdue
    print(f"{len(lateness)} looks, {expected:.0f} expected; {overdue} are overdue at the end")  # noqa: T201
    result = {
        "late_share": round(late / (len(lateness) + overdue), 4),
        "looks": len(lateness),
        "expected_looks": round(expected),
        "p50_seconds": round(lateness[len(lateness) // 2], 3),
        "p99_seconds": round(lateness[int(len(lateness) * 0.99)], 3),
        "operations": count,
    }
    print(json.dumps(result))  # noqa: T201


def _lay_out(count: int) -> None:
    organization, by = actor()
    now = clock.now()
    instances = idle_instances(count, organization, by)
    operations = Operation.objects.bulk_create(
        Operation(
            instance=instance,
            kind=OperationKind.UPGRADE,
            status=OperationStatus.RUNNING,
            wanted=spec_of(instance).as_json(),
            previous=spec_of(instance).as_json(),
            started_at=now - AGE,
        )
        for instance in instances
    )
    Step.objects.bulk_create(
        Step(
            operation=operation,
            name="wait",
            position=0,
            status=StepStatus.WAITING,
            waiting_for="the cloud",
            started_at=now - AGE,
            deadline_at=now - AGE + DEADLINE,
            due_at=now + POLLED_EVERY * (number / count),
        )
        for number, operation in enumerate(operations)
    )


if __name__ == "__main__":
    main()
