"""What the rules of alerts measure. Each answers in a constant number of queries, by subject, what is beyond the rule.

Other apps add theirs by `measure`; a rule without a measure finds nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Min

from portal.core.models import AuditEvent
from provisioning.fleet.customers import of_customers
from provisioning.health.ledger import seconds_silent
from provisioning.health.rollups import lost_in
from provisioning.health.slo import Span, Uptime, burn, total
from provisioning.models import (
    BUILT,
    CustomDomain,
    Hold,
    Instance,
    InstanceStatus,
    Leak,
    Operation,
    OperationStatus,
    Outage,
    Rollout,
    Step,
    Survey,
)

HOUR: Final = timedelta(hours=1)
THE_FLEET: Final = ""


@dataclass(frozen=True)
class Found:
    """Something beyond a rule's threshold: what to say of it, and which instance it is about."""

    sentence: str
    instance_id: str | None = None


Findings = Mapping[str, Found]
Measure = Callable[[float, datetime], Findings]
_measures: dict[str, Measure] = {}


def measure(key: str) -> Callable[[Measure], Measure]:
    """The function is what the rule of that key measures, given its threshold and the time."""

    def register(function: Measure) -> Measure:
        _measures[key] = function
        return function

    return register


def measured(key: str, threshold: float, now: datetime) -> Findings:
    """What is beyond the threshold now, by subject."""
    known = _measures.get(key)
    return known(threshold, now) if known else {}


def measures() -> frozenset[str]:
    """The keys that something measures."""
    return frozenset(_measures)


@measure("instance-down")
def _down(threshold: float, now: datetime) -> Findings:
    """Of suspended and deleted ones nobody expects an answer: their outages are ended by the prober."""
    since = now - timedelta(seconds=threshold)
    rows = Outage.objects.filter(ended_at=None, began_at__lte=since).select_related("instance")
    return {
        outage.instance_id: Found(
            f"{outage.instance} has not answered since {outage.began_at:%H:%M} UTC. {outage.what}", outage.instance_id
        )
        for outage in rows
    }


@measure("fast-burn")
def _fast(threshold: float, now: datetime) -> Findings:
    return dict(_burning(HOUR, threshold, now))


@measure("slow-burn")
def _slow(threshold: float, now: datetime) -> Findings:
    return dict(_burning(6 * HOUR, threshold, now))


@measure("fleet-burn")
def _fleet(threshold: float, now: datetime) -> Findings:
    customers = Instance.objects.filter(of_customers(), status=InstanceStatus.RUNNING)
    ids = list(customers.values_list("pk", flat=True))
    rate = burn(total(_lost(HOUR, now, ids).values()).unplanned, settings.SLO, HOUR, max(1, len(ids)))
    return (
        {THE_FLEET: Found(f"The budget of all instances goes {rate:.1f} times too fast.")} if rate >= threshold else {}
    )


@measure("prober-stalled")
def _prober(threshold: float, _now: datetime) -> Findings:
    silent = seconds_silent()
    if silent is None:
        return {THE_FLEET: Found("No prober is at work: nobody looks at instances.")}
    return {THE_FLEET: Found(f"The prober has been silent for {silent:.0f} s.")} if silent >= threshold else {}


@measure("operation-failed")
def _failed(threshold: float, _now: datetime) -> Findings:
    return dict(_halted(OperationStatus.FAILED, threshold))


@measure("operation-stuck")
def _stuck(threshold: float, _now: datetime) -> Findings:
    return dict(_halted(OperationStatus.STUCK, threshold))


@measure("waiting-to-begin")
def _waiting(threshold: float, now: datetime) -> Findings:
    since = now - timedelta(seconds=threshold)
    queued = Operation.objects.filter(status=OperationStatus.QUEUED, created_at__lte=since).select_related("instance")
    return {
        operation.pk: Found(
            f"{operation.kind} of {operation.instance} has waited since {operation.created_at:%H:%M} UTC"
            f"{f' for {operation.waiting_for}' * bool(operation.waiting_for)}.",
            operation.instance_id,
        )
        for operation in queued
    }


@measure("rollout-paused")
def _paused(threshold: float, _now: datetime) -> Findings:
    paused = list(Rollout.objects.filter(status=Rollout.Status.PAUSED).select_related("release"))
    if len(paused) < threshold:
        return {}
    return {f"rollout-{each.pk}": Found(f"The rollout of {each} is paused: {each.paused_because}") for each in paused}


@measure("drifted")
def _drifted(threshold: float, _now: datetime) -> Findings:
    surveys = Survey.objects.filter(purpose=Survey.Purpose.DRIFT, differing__gte=max(1.0, threshold))
    return {
        survey.instance_id: Found(
            f"{survey.differing} things of {survey.instance} are not as they should be.", survey.instance_id
        )
        for survey in surveys.filter(instance__status__in=BUILT).select_related("instance")
    }


@measure("custom-domain-lost")
def _astray(threshold: float, now: datetime) -> Findings:
    since = now - timedelta(seconds=threshold)
    lost = CustomDomain.objects.filter(lost_at__lte=since, instance__status=InstanceStatus.RUNNING)
    return {
        domain.pk: Found(
            f"{domain} {domain.get_state_display()}{f': {domain.found}' * bool(domain.found)}; it is to lead to "
            f"{domain.instance}.",
            domain.instance_id,
        )
        for domain in lost.select_related("instance")
    }


@measure("leaked")
def _leaked(threshold: float, _now: datetime) -> Findings:
    return _counted(Leak.objects.filter(resolved_at=None).count(), threshold, "leaks are open.")


@measure("hold-overdue")
def _overdue(threshold: float, now: datetime) -> Findings:
    return _counted(Hold.objects.filter(ended_at=None, until__lt=now).count(), threshold, "holds are past their day.")


@measure("steps-late")
def _late(threshold: float, now: datetime) -> Findings:
    since = now - timedelta(seconds=threshold)
    late = Step.objects.filter(due_at__lte=since).exclude(lease_until__gt=now).order_by()
    queues = late.values_list("queue").annotate(count=Count("pk"), since=Min("due_at"))
    return {
        f"queue-{queue}": Found(f"{count} steps of the queue {queue} are due, one since {first:%H:%M} UTC.")
        for queue, count, first in queues
    }


@measure("audit-unsealed")
def _unsealed(threshold: float, now: datetime) -> Findings:
    waiting = AuditEvent.objects.filter(seal=None, at__gt=now - timedelta(days=1))
    late = waiting.filter(at__lt=now - timedelta(seconds=threshold)).count()
    return _counted(late, 1, "audit events have no seal: is the task that seals them running?")


def _burning(window: timedelta, threshold: float, now: datetime) -> Iterator[tuple[str, Found]]:
    lost = _lost(window, now)
    rates = {key: burn(uptime.unplanned, settings.SLO, window) for key, uptime in lost.items()}
    beyond = [key for key, rate in rates.items() if rate >= threshold]
    for instance in Instance.objects.filter(pk__in=beyond, status=InstanceStatus.RUNNING):
        minutes = lost[instance.pk].unplanned / 60
        hours = window // HOUR
        yield (
            instance.pk,
            Found(
                f"{instance} did not answer for {minutes:.1f} min of the last {hours} h: its budget goes "
                f"{rates[instance.pk]:.1f} times too fast.",
                instance.pk,
            ),
        )


def _lost(window: timedelta, now: datetime, ids: list[str] | None = None) -> dict[str, Uptime]:
    return lost_in(Span(now - window, now), ids)


def _halted(status: OperationStatus, threshold: float) -> Iterator[tuple[str, Found]]:
    """The newest of each instance that is there: what came later was begun by a person. None where they are fewer."""
    newest = Operation.objects.order_by("instance", "-created_at").distinct("instance")
    halted = Operation.objects.filter(pk__in=newest.values("pk"), status=status)
    found = list(halted.exclude(instance__status=InstanceStatus.DELETED).select_related("instance"))
    for operation in found if len(found) >= threshold else ():
        sentence = f"{operation.kind} of {operation.instance} is {operation.status}: {operation.error}"
        yield operation.instance_id, Found(sentence, operation.instance_id)


def _counted(count: int, threshold: float, what: str) -> Findings:
    return {THE_FLEET: Found(f"{count} {what}")} if count >= max(1.0, threshold) else {}
