"""The Celery application of the workers under measurement: the portal's, with toys in place of provision's steps.

Only the actions are toys; the table's shape, the engine, the broker and the database are the real ones.
"""

import os
from dataclasses import replace

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up first
from redis import Redis  # noqa: E402

from portal.celery import app  # noqa: E402
from portal.core import clock  # noqa: E402
from provisioning.clients.google import api, execute  # noqa: E402
from provisioning.engine import graph, leases, worker  # noqa: E402
from provisioning.engine.action import Action, AsWanted, Context, Seen, UnderWay, seconds  # noqa: E402
from provisioning.models import Operation, OperationKind  # noqa: E402

LATENESS = "bench:lateness"
POLLED_EVERY = seconds(15)


class NoWait(Action):
    """Stands at once"""

    def look(self, context: Context) -> Seen:  # noqa: ARG002 - nothing is looked at
        return AsWanted()


class Waits(Action):
    """The cloud is at it for ever; each look is one real call"""

    def look(self, context: Context) -> Seen:  # noqa: ARG002 - all look at the same
        zone = {"project": settings.GOOGLE_DNS_PROJECT, "managedZone": settings.GOOGLE_DNS_ZONE}
        execute(api("dns", "v1").managedZones().get(**zone))
        return UnderWay("the cloud", POLLED_EVERY)


@app.task(name="bench.nothing")  # type: ignore[untyped-decorator] # Celery has no types
def nothing() -> None:
    """A bare Celery task."""


def _succeeded(_operation: Operation) -> None:
    """Nothing is true of a toy."""


_real = graph.workflow_of(OperationKind.PROVISION)
graph.register(replace(_real, nodes=tuple(replace(n, action=NoWait()) for n in _real.nodes), succeeded=_succeeded))
_upgrade = graph.Node("wait", (), Waits(), graph.Undo.NOTHING, seconds(60), seconds(86_400))
graph.register(graph.Workflow(OperationKind.UPGRADE, (_upgrade,), graph.OnFailure.KEEP, _succeeded))

_redis = Redis.from_url(settings.REDIS_URL)
_advance = worker.advance


def _timed(claim: leases.Claim) -> None:
    """The look is made, and how late it came is noted."""
    if claim.due_at is not None and claim.step.operation.kind == OperationKind.UPGRADE:
        _redis.rpush(LATENESS, (clock.now() - claim.due_at).total_seconds())
    _advance(claim)


worker.advance = _timed
