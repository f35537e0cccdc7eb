"""When the turn of a rollout's members comes, and what it waits for. A constant number of queries, however many."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max, Q

from portal.core import clock
from provisioning.engine import graph
from provisioning.fleet.members import OPEN, circumstances_of, obstacle_of, turns_of
from provisioning.fleet.obstacles import Cause, Turn
from provisioning.fleet.timetable import Leg, Slot, Speed, timetable
from provisioning.fleet.windows import Window, window_from
from provisioning.models import OperationKind, Rollout, RolloutMember, RolloutStage, Tenancy
from provisioning.selectors.durations import expected_seconds

ABOUT_TO_BEGIN = "its turn, which comes any minute"


@dataclass
class Outstanding:
    """Who of a stage is not through: how many are still to go, by their window, and when the latest under way began."""

    waiting: dict[Window, int] = field(default_factory=dict)
    last_begun_at: datetime | None = None


@dataclass(frozen=True)
class Outlook:
    """`why` completes “waiting for …”; `begins_at` is None when nobody can tell. `turn` is that of its stage.

    Without a cause it may begin now; `is_refused` if it was tried, and a person has to look at it.
    """

    why: str
    cause: Cause | None
    begins_at: datetime | None
    turn: Turn
    is_refused: bool = False


def outlooks_of(members: Sequence[RolloutMember]) -> dict[int, Outlook]:
    """By key, of planned members with instance and rollout (and its release) at hand. At most seven queries."""
    rollouts = {member.rollout_id: member.rollout for member in members}
    if not rollouts:
        return {}
    stages = stages_of(rollouts)
    slots = slots_of(rollouts.values(), stages)
    turns = {pk: turns_of(rollout, stages[pk], slots[pk]) for pk, rollout in rollouts.items()}
    positions = {stage.pk: stage.position for own in stages.values() for stage in own}
    known, now = circumstances_of(member.instance_id for member in members), clock.now()
    outlooks: dict[int, Outlook] = {}
    for member in members:
        turn = turns[member.rollout_id][positions[member.stage_id]]
        obstacle = obstacle_of(member, member.rollout, turn, known, now)
        if obstacle:
            outlooks[member.pk] = Outlook(obstacle.why, obstacle.cause, obstacle.until, turn)
        else:
            is_refused = bool(member.waiting_for)
            begins_at = None if is_refused else now
            outlooks[member.pk] = Outlook(member.waiting_for or ABOUT_TO_BEGIN, None, begins_at, turn, is_refused)
    return outlooks


def stages_of(rollout_ids: Iterable[str]) -> dict[str, list[RolloutStage]]:
    """By rollout, in order. One query."""
    stages: defaultdict[str, list[RolloutStage]] = defaultdict(list)
    for stage in RolloutStage.objects.filter(rollout__in=list(rollout_ids)).order_by("position"):
        stages[stage.rollout_id].append(stage)
    return stages


def slots_of(rollouts: Iterable[Rollout], stages: Mapping[str, Sequence[RolloutStage]]) -> dict[str, dict[int, Slot]]:
    """By rollout and position, when the stages are expected. Two queries, and one for each kind of operation."""
    listed = list(rollouts)
    outstanding_of = _outstanding([rollout.pk for rollout in listed])
    seconds = {kind: seconds_each(kind) for kind in {kind_of(rollout) for rollout in listed}}
    now = clock.now()
    return {
        rollout.pk: timetable(
            [_leg(stage, outstanding_of.get(stage.pk)) for stage in stages[rollout.pk]],
            now,
            Speed(seconds[kind_of(rollout)], rollout.most_at_once, asks_for_windows=not rollout.is_emergency),
        )
        for rollout in listed
    }


def kind_of(rollout: Rollout) -> OperationKind:
    """The operation by which its members change."""
    return OperationKind.UPGRADE if rollout.release_id else OperationKind.MIGRATE_ARCHITECTURE


def seconds_each(kind: str) -> float:
    """How long an operation of the kind takes on a dedicated instance. One query."""
    nodes = graph.workflow_of(kind).for_tenancy(Tenancy.DEDICATED)
    expected = expected_seconds(kind, [node.name for node in nodes])
    return graph.longest_path({node.name: node.needs for node in nodes}, expected)[1]


def _outstanding(rollout_ids: Sequence[str]) -> Mapping[int, Outstanding]:
    """By a stage's key, of those that have members at all."""
    columns = ("maintenance_weekday", "maintenance_hour", "time_zone", "region")
    rows = (
        RolloutMember.objects.filter(rollout__in=rollout_ids)
        .order_by()
        .values_list("stage_id", *(f"instance__{column}" for column in columns))
        .annotate(
            waiting=Count("pk", filter=Q(status=RolloutMember.Status.PLANNED)),
            begun=Max("operation__created_at", filter=Q(status=RolloutMember.Status.RUNNING)),
        )
    )
    outstanding_of: defaultdict[int, Outstanding] = defaultdict(Outstanding)
    for stage, weekday, hour, time_zone, region, waiting, begun in rows:
        outstanding = outstanding_of[stage]
        outstanding.last_begun_at = max(filter(None, (outstanding.last_begun_at, begun)), default=None)
        if waiting:
            window = window_from(weekday, hour, time_zone, region=region)
            outstanding.waiting[window] = outstanding.waiting.get(window, 0) + waiting
    return outstanding_of


def _leg(stage: RolloutStage, outstanding: Outstanding | None) -> Leg:
    is_open = stage.status in OPEN
    return Leg(
        position=stage.position,
        soak_hours=stage.soak_hours,
        soak_skips_weekends=stage.soak_skips_weekends,
        waiting=outstanding.waiting if outstanding else {},
        has_members=outstanding is not None,
        opened_at=stage.started_at if is_open else None,
        soaking_since=stage.soaking_since,
        last_begun_at=outstanding.last_begun_at if outstanding else None,
        is_passed=stage.status == RolloutStage.Status.PASSED,
    )
