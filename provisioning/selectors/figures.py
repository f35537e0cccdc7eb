"""The fleet in figures, as of now: what is worth an alert. A constant number of queries, however large the fleet."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum

from portal.core import clock
from provisioning.health.ledger import seconds_silent
from provisioning.models import (
    Channel,
    Hold,
    Instance,
    InstanceStatus,
    Kind,
    Leak,
    Operation,
    Outage,
    ProbeTally,
    Rollout,
    RolloutMember,
    Step,
    Survey,
)
from provisioning.models.operations import LIVE
from provisioning.selectors.surveys import drifted, open_leaks

Figures = Mapping[tuple[str, ...], float]
UNDER_WAY = (Rollout.Status.RUNNING, Rollout.Status.PAUSED, Rollout.Status.ROLLING_BACK)


@dataclass(frozen=True)
class FleetFigures:
    """Each figure by its labels, in the order that its name tells; times in seconds."""

    operations: Figures  # kind, status
    oldest_operation_seconds: Figures  # kind, status
    instances: Figures  # status
    instances_by_version: Figures  # version
    instances_by_channel: Figures  # channel
    drifted_instances: int
    drifting_things: int
    unclear_surveys: Figures  # purpose
    open_leaks: Figures  # kind
    step_lag_seconds: Figures  # queue
    survey_lag_seconds: float


@dataclass(frozen=True)
class OutsideFigures:
    """What the prober sees. A lag is known only while one works."""

    open_outages: Figures  # kind of instance
    probes_this_hour: int
    failed_probes_this_hour: int
    probers_at_work: int
    prober_lag_seconds: Figures  # no label


@dataclass(frozen=True)
class RolloutFigures:
    rollouts: Figures  # status
    members: Figures  # what is brought, status
    overdue_holds: int


def fleet_figures() -> FleetFigures:
    """The figures of this moment. Seven queries."""
    now = clock.now()
    live = Operation.objects.filter(status__in=LIVE).order_by()
    operations = list(live.values_list("kind", "status").annotate(count=Count("pk"), since=Min("created_at")))
    statuses, versions, channels = _instances()
    drift = drifted().order_by().aggregate(instances=Count("pk"), things=Sum("differing"))
    unclear = Survey.objects.filter(unclear__gt=0)
    due = Step.objects.filter(due_at__lte=now).order_by().values_list("queue").annotate(since=Min("due_at"))
    survey = Survey.objects.filter(due_at__lte=now).aggregate(since=Min("due_at"))["since"]
    return FleetFigures(
        operations={(kind, status): count for kind, status, count, _ in operations},
        oldest_operation_seconds={(kind, status): (now - at).total_seconds() for kind, status, _, at in operations},
        instances=statuses,
        instances_by_version=versions,
        instances_by_channel=channels,
        drifted_instances=drift["instances"],
        drifting_things=drift["things"] or 0,
        unclear_surveys=_counted(unclear, "purpose"),
        open_leaks=none_of(Leak.Kind) | _counted(open_leaks(), "kind"),
        step_lag_seconds={(queue,): (now - since).total_seconds() for queue, since in due},
        survey_lag_seconds=(now - survey).total_seconds() if survey else 0.0,
    )


def outside_figures() -> OutsideFigures:
    """The figures of this moment. Three queries."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    watched = ProbeTally.objects.filter(instance__status=InstanceStatus.RUNNING, hour=hour)
    tallies = watched.aggregate(probes=Sum("probes"), failed=Sum("failed"))
    silent = seconds_silent()
    open_outages = Outage.objects.filter(ended_at__isnull=True)
    return OutsideFigures(
        open_outages=none_of(Kind) | _counted(open_outages, "instance__kind"),
        probes_this_hour=tallies["probes"] or 0,
        failed_probes_this_hour=tallies["failed"] or 0,
        probers_at_work=int(silent is not None),
        prober_lag_seconds={} if silent is None else {(): silent},
    )


def rollout_figures() -> RolloutFigures:
    """The figures of this moment. Three queries."""
    brought = ("rollout__release__app_version", "rollout__architecture", "status")
    members = RolloutMember.objects.filter(rollout__status__in=UNDER_WAY).order_by().values_list(*brought)
    return RolloutFigures(
        rollouts=none_of(Rollout.Status) | _counted(Rollout.objects.all(), "status"),
        members={
            (version or f"architecture {architecture}", status): count
            for version, architecture, status, count in members.annotate(count=Count("pk"))
        },
        overdue_holds=Hold.objects.filter(ended_at__isnull=True, until__lt=clock.now()).count(),
    )


def _instances() -> tuple[Figures, Figures, Figures]:
    """Those that are not deleted: by status; and of those that run, by version and by channel."""
    living = Instance.objects.exclude(status=InstanceStatus.DELETED).order_by()
    rows = living.values_list("status", "release__app_version", "channel").annotate(count=Count("pk"))
    statuses: Counter[tuple[str, ...]] = Counter()
    versions: Counter[tuple[str, ...]] = Counter()
    channels: Counter[tuple[str, ...]] = Counter(none_of(Channel))
    for status, version, channel, count in rows:
        statuses[status,] += count
        if status == InstanceStatus.RUNNING:
            versions[version,] += count
            channels[channel,] += count
    return statuses, versions, channels


def none_of(choices: Iterable[str]) -> dict[tuple[str, ...], int]:
    """What nothing has is told too: as 0."""
    return {(str(choice),): 0 for choice in choices}


def _counted(rows: QuerySet[Any], field: str) -> dict[tuple[str, ...], int]:
    return {(value,): count for value, count in rows.order_by().values_list(field).annotate(count=Count("pk"))}
