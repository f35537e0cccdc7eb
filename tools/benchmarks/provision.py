"""One instance is provisioned, then many at once. Run by bin/bench beside a running stack.

critical_path_ratio: the measured time of one provisioning over the longest path through its graph, with the steps'
own measured durations. fleet_ratio: the time for all of many, begun together, over that same longest path.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from portal.core.audit import Actor  # noqa: E402 - Django has to be set up first
from portal.core.models import Organization, User  # noqa: E402
from provisioning.engine.graph import longest_path  # noqa: E402
from provisioning.models import Kind, Operation  # noqa: E402
from provisioning.models.operations import LIVE  # noqa: E402
from provisioning.services import instance_create  # noqa: E402
from provisioning.services.instances import Wish  # noqa: E402

LONGEST_WAIT_SECONDS = 1500


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50)
    count = parser.parse_args().count
    user = User.objects.create_user("bench@portal.example", None, name="Bench")
    organization = Organization.objects.create(name="Bench", slug="bench", email_domain="portal.example")
    actor = Actor(user, user.email)
    alone = _provision(organization, actor, ["alone"])
    path, path_seconds = _longest(alone[0])
    alone_seconds = _wall(alone)
    print(f"one: {alone_seconds:.1f} s; longest path {path_seconds:.1f} s: {' > '.join(path)}")  # noqa: T201
    fleet = _provision(organization, actor, [f"fleet-{number}" for number in range(count)])
    fleet_seconds = _wall(fleet)
    print(f"{count} at once: {fleet_seconds:.1f} s")  # noqa: T201
    result = {
        "critical_path_ratio": round(alone_seconds / path_seconds, 3),
        "fleet_ratio": round(fleet_seconds / path_seconds, 3),
        "longest_path_seconds": round(path_seconds, 2),
        "one_seconds": round(alone_seconds, 2),
        "fleet_seconds": round(fleet_seconds, 2),
        "instances": count,
    }
    print(json.dumps(result))  # noqa: T201


def _provision(organization: Organization, actor: Actor, names: Sequence[str]) -> list[Operation]:
    instances = [
        instance_create(organization=organization, wish=Wish(slug=name, kind=Kind.INTERNAL), actor=actor)
        for name in names
    ]
    ids = list(Operation.objects.filter(instance__in=instances).values_list("pk", flat=True))
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while Operation.objects.filter(pk__in=ids, status__in=LIVE).exists():
        if time.monotonic() > until:
            raise SystemExit(f"Not at an end after {LONGEST_WAIT_SECONDS} s.")
        time.sleep(0.5)
    operations = list(Operation.objects.filter(pk__in=ids))
    if failed := [operation for operation in operations if operation.status != "succeeded"]:
        raise SystemExit(f"{len(failed)} did not succeed: {failed[0].error}")
    return operations


def _wall(operations: Sequence[Operation]) -> float:
    ends = [operation.finished_at for operation in operations if operation.finished_at]
    return (max(ends) - min(operation.created_at for operation in operations)).total_seconds()


def _longest(operation: Operation) -> tuple[list[str], float]:
    steps = list(operation.steps.all())
    took = {
        step.name: (step.finished_at - step.started_at).total_seconds()
        for step in steps
        if step.finished_at and step.started_at
    }
    return longest_path({step.name: step.needs for step in steps}, took)


if __name__ == "__main__":
    main()
