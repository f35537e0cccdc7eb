"""What benchmarks of upgrades have in common: one instance that really stands, a newer release, waiting for an end."""

import time

from django.conf import settings

from portal.core.audit import Actor
from portal.core.models import Organization
from provisioning.models import Instance, Kind, Operation, OperationStatus, Release, Rollout
from provisioning.services import instance_create
from provisioning.services.instances import Wish
from provisioning.services.releases import release_import, release_publish
from tools.benchmarks.copies import control

QUICKLY = 200.0
NEW = "5.12.0"
PATIENCE_SECONDS = 5_400
GLANCE_SECONDS = 0.5


def provisioned(organization: Organization, by: Actor) -> Instance:
    """It runs; devcloud has hurried."""
    control("PUT", "profile", {"speed": QUICKLY})
    instance = instance_create(organization=organization, wish=Wish("origin", Kind.PRODUCTION), actor=by)
    ended(instance.operations.get())
    instance.refresh_from_db()
    return instance


def newer_release(by: Actor) -> Release:
    release = release_import(app_version=NEW, chart=settings.CHART, actor=by)
    return release_publish(release=release, actor=by, reason="To be measured.")


def ended(operation: Operation) -> Operation:
    """It has succeeded. Ends the benchmark when it has not."""
    until = time.monotonic() + PATIENCE_SECONDS
    while operation.is_live:
        if time.monotonic() > until:
            raise SystemExit(f"Not at an end after {PATIENCE_SECONDS} s.")
        time.sleep(GLANCE_SECONDS)
        operation.refresh_from_db()
    if operation.status != OperationStatus.SUCCEEDED:
        raise SystemExit(f"{operation} is {operation.status}: {operation.error}")
    return operation


def await_status(rollout: Rollout, *wanted: Rollout.Status) -> None:
    """It is one of these. Ends the benchmark when it is paused, or takes too long, instead."""
    until = time.monotonic() + PATIENCE_SECONDS
    while rollout.status not in wanted:
        if time.monotonic() > until or rollout.status == Rollout.Status.PAUSED:
            raise SystemExit(f"The rollout is {rollout.status}: {rollout.paused_because}")
        time.sleep(GLANCE_SECONDS)
        rollout.refresh_from_db()


def say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - for who runs the benchmark
