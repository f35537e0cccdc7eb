"""Rollouts for people: before the start who, when, how long and at what cost; afterwards who is where and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core import clock
from provisioning.fleet.costs import backup_cents, stand_in_cents
from provisioning.fleet.members import to_rehearse_with, why_left_out
from provisioning.fleet.timetable import Slot, Speed, starts
from provisioning.fleet.windows import Window, window_of
from provisioning.models import (
    Hold,
    Instance,
    InstanceStatus,
    Kind,
    Rehearsal,
    Rollout,
    RolloutMember,
    RolloutStage,
    Tenancy,
)
from provisioning.selectors.outlook import Outlook, kind_of, outlooks_of, seconds_each, slots_of, stages_of

Status = RolloutMember.Status
NAMED = 10


@dataclass(frozen=True)
class Group:
    """Instances of which the same is true: how many, and the names of the first of them."""

    why: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class StagePreview:
    """Who goes when. `earliest` and `latest`: when its first and its last member begin, if nobody stops it."""

    stage: RolloutStage
    counts: Mapping[str, int]  # by kind of instance; every kind is there
    earliest: datetime | None
    latest: datetime | None
    rested_at: datetime

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Preview:
    """What a rollout will be if it starts now. Money in US cents, time in seconds; waits for people are not in it."""

    rollout: Rollout
    stages: tuple[StagePreview, ...]
    expected_seconds_each: float
    duration_seconds: float
    ends_at: datetime
    backup_cents: int
    rehearsal_cents: int
    rehearsed_with: tuple[str, ...]
    held: tuple[Group, ...]  # members that will wait: for the end of their hold, by its reason
    left_out: tuple[Group, ...]

    @property
    def total(self) -> int:
        return sum(stage.total for stage in self.stages)

    @property
    def cents(self) -> int:
        return self.backup_cents + self.rehearsal_cents


@dataclass(frozen=True)
class Cell:
    """One member in the matrix. `error` is for our people alone; `waiting_for` completes “waiting for …”."""

    member_id: int
    instance_id: str
    slug: str
    kind: str
    status: str
    operation_id: str | None
    error: str
    waiting_for: str
    begins_at: datetime | None
    skipped_because: str


@dataclass(frozen=True)
class StageProgress:
    """One stage: how many members are in which state (every state is there), who they are, when it comes."""

    stage: RolloutStage
    counts: Mapping[str, int]
    members: tuple[Cell, ...]
    slot: Slot

    @property
    def total(self) -> int:
        return len(self.members)


@dataclass(frozen=True)
class RolloutProgress:
    """A rollout as of `at`."""

    rollout: Rollout
    stages: tuple[StageProgress, ...]
    counts: Mapping[str, int]
    rehearsals: tuple[Rehearsal, ...]
    at: datetime

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def preview(rollout: Rollout) -> Preview:
    """What the rollout will be, who is left out and why. A constant number of queries."""
    planned = rollout.members.filter(status=Status.PLANNED).select_related("stage", "instance__size")
    members = list(planned.order_by("stage__position", "pk"))
    stages = stages_of([rollout.pk])
    slots = slots_of([rollout], stages)[rollout.pk]
    seconds = seconds_each(kind_of(rollout))
    speed = Speed(seconds, rollout.most_at_once, asks_for_windows=not rollout.is_emergency)
    rehearsed = _rehearsed_with(rollout, stages[rollout.pk], members)
    ends_at, now = max((slot.rested_at for slot in slots.values()), default=clock.now()), clock.now()
    return Preview(
        rollout=rollout,
        stages=tuple(
            _stage_preview(stage, [m for m in members if m.stage_id == stage.pk], slots[stage.position], speed)
            for stage in stages[rollout.pk]
        ),
        expected_seconds_each=seconds,
        duration_seconds=(ends_at - now).total_seconds(),
        ends_at=ends_at,
        backup_cents=round(sum(_backup_cents(member.instance) for member in members)),
        rehearsal_cents=round(sum(stand_in_cents(one.size.infrastructure_cents) for one in rehearsed)),
        rehearsed_with=tuple(instance.slug for instance in rehearsed),
        held=_held(members),
        left_out=_left_out(rollout),
    )


def progress(rollout: Rollout) -> RolloutProgress:
    """Where everybody is. A constant number of queries."""
    rows = rollout.members.select_related("instance", "operation").defer(
        "operation__wanted", "operation__previous", "operation__inputs"
    )
    members = list(rows.order_by("stage__position", "pk"))
    for member in members:
        member.rollout = rollout
    outlooks = outlooks_of([member for member in members if member.status == Status.PLANNED])
    stages = stages_of([rollout.pk])
    slots = slots_of([rollout], stages)[rollout.pk]
    cells: defaultdict[int, list[Cell]] = defaultdict(list)
    for member in members:
        cells[member.stage_id].append(_cell(member, outlooks.get(member.pk)))
    return RolloutProgress(
        rollout=rollout,
        stages=tuple(
            StageProgress(stage, _by_status(cells[stage.pk]), tuple(cells[stage.pk]), slots[stage.position])
            for stage in stages[rollout.pk]
        ),
        counts=_by_status(cell for own in cells.values() for cell in own),
        rehearsals=tuple(rollout.rehearsals.select_related("instance", "stand_in")),
        at=clock.now(),
    )


def _stage_preview(stage: RolloutStage, members: Sequence[RolloutMember], slot: Slot, speed: Speed) -> StagePreview:
    counts = Counter(member.instance.kind for member in members)
    windows: Counter[Window] = Counter(window_of(member.instance) for member in members)
    begins = [at for at, _ in starts(windows, slot.opens_at, speed)] if members else []
    return StagePreview(
        stage=stage,
        counts={str(kind): counts[kind] for kind in Kind},
        earliest=min(begins, default=None),
        latest=max(begins, default=None),
        rested_at=slot.rested_at,
    )


def _backup_cents(instance: Instance) -> float:
    """Somebody's own cluster is backed up at their cost."""
    if instance.tenancy == Tenancy.BYOK:
        return 0.0
    size = instance.size
    return backup_cents(database_gb=size.sql_disk_gb, volume_gb=size.gitserver_disk_gb + size.search_disk_gb)


def _rehearsed_with(
    rollout: Rollout, stages: Iterable[RolloutStage], members: Iterable[RolloutMember]
) -> list[Instance]:
    stage = next((stage for stage in stages if stage.needs_rehearsal), None)
    return [member.instance for member in to_rehearse_with(rollout, stage, members)] if stage else []


def _held(members: Sequence[RolloutMember]) -> tuple[Group, ...]:
    names = {member.instance_id: member.instance.slug for member in members}
    holds = Hold.objects.filter(instance__in=names, ended_at__isnull=True).order_by("pk")
    return _grouped((hold.reason, names[hold.instance_id]) for hold in holds)


def _left_out(rollout: Rollout) -> tuple[Group, ...]:
    lasting = Instance.objects.filter(organization__is_synthetic=False).exclude(kind=Kind.REHEARSAL)
    others = lasting.exclude(status=InstanceStatus.DELETED)
    outside = others.exclude(rollout_memberships__rollout=rollout).select_related("release").order_by("slug")
    return _grouped((_why_outside(instance, rollout), instance.slug) for instance in outside)


def _why_outside(instance: Instance, rollout: Rollout) -> str:
    if instance.status != InstanceStatus.RUNNING:
        return f"is {instance.status}"
    return why_left_out(instance, rollout) or "no stage of the policy reaches so far, or it came after the draft"


def _grouped(pairs: Iterable[tuple[str, str]]) -> tuple[Group, ...]:
    """The largest group first."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for why, name in pairs:
        names[why].append(name)
    groups = (Group(why, len(own), tuple(own[:NAMED])) for why, own in names.items())
    return tuple(sorted(groups, key=lambda group: (-group.count, group.why)))


def _cell(member: RolloutMember, outlook: Outlook | None) -> Cell:
    has_failed = member.status == Status.FAILED and member.operation is not None
    return Cell(
        member_id=member.pk,
        instance_id=member.instance_id,
        slug=member.instance.slug,
        kind=member.instance.kind,
        status=member.status,
        operation_id=member.operation_id,
        error=member.operation.error if has_failed and member.operation else "",
        waiting_for=outlook.why if outlook else member.waiting_for,
        begins_at=outlook.begins_at if outlook else None,
        skipped_because=member.skipped_because,
    )


def _by_status(cells: Iterable[Cell]) -> dict[str, int]:
    counts = Counter(cell.status for cell in cells)
    return {str(status): counts[status] for status in Status}
