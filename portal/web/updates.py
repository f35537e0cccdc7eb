"""What the people of an instance are told of its updates: those to come, and those that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from portal.core import clock
from portal.web.seen import Seen, seen_of
from portal.web.standing import Standing, standing_of_operation
from portal.web.wording import moment_in, place_of, roughly, span
from provisioning.fleet.members import latest_postponement
from provisioning.fleet.windows import Window, in_words, window_of
from provisioning.models import Instance, Operation, OperationKind, OperationStatus
from provisioning.selectors import operations_of
from provisioning.selectors.planned import Planned, ReleaseStanding, planned_for, standings_of_releases

UPDATES = (
    OperationKind.UPGRADE,
    OperationKind.ROLLBACK,
    OperationKind.RESTORE,
    OperationKind.MIGRATE_ARCHITECTURE,
)
BEGUN = (
    OperationStatus.RUNNING,
    OperationStatus.UNDOING,
    OperationStatus.SUCCEEDED,
    OperationStatus.UNDONE,
    OperationStatus.FAILED,
    OperationStatus.STUCK,
)
SHOWN = 20
SOON = timedelta(days=7)


@dataclass(frozen=True)
class PlannedUpdate:
    """One update to come, in the words of its instance's own time zone."""

    planned: Planned
    now: datetime

    @property
    def window(self) -> Window:
        return window_of(self.planned.instance)

    @property
    def place(self) -> str:
        """Whose time it is told in."""
        return place_of(self.window.zone)

    @property
    def when(self) -> str:
        if self.planned.starts_at <= self.now:
            return f"Any minute, until {in_words(self.planned.ends_at, self.window.zone)}"
        return span(self.planned.starts_at, self.planned.ends_at, self.window.zone)

    @property
    def downtime(self) -> str:
        seconds = self.planned.expected_downtime_seconds
        return f"about {roughly(seconds)}" if seconds >= 1 else "none"

    @property
    def put_off_until(self) -> str:
        """Empty unless it is put off."""
        until = self.planned.member.not_before
        return in_words(until, self.window.zone) if until and until > self.now else ""

    @property
    def is_urgent(self) -> bool:
        return self.planned.member.rollout.is_emergency

    @cached_property
    def latest(self) -> datetime:
        member = self.planned.member
        return latest_postponement(member, member.rollout, self.now)

    @property
    def latest_in_words(self) -> str:
        return in_words(self.latest, self.window.zone)

    @cached_property
    def choices(self) -> list[tuple[str, str]]:
        """The beginnings of later windows that it can be put off to, as moments and in words; the next ones first."""
        moments: list[datetime] = []
        after = max(self.now, self.planned.starts_at)
        start, end = self.window.next(after)
        while start <= self.latest and not self.is_urgent:
            if start > after:
                moments.append(start)
            start, end = self.window.next(end)
        return [(moment.astimezone(UTC).isoformat(), moment_in(moment, self.window.zone)) for moment in moments]


@dataclass(frozen=True)
class DoneUpdate:
    """One update that was begun."""

    operation: Operation

    @property
    def title(self) -> str:
        return title_of(self.operation)

    @property
    def standing(self) -> Standing:
        return standing_of_operation(self.operation)

    @property
    def seen(self) -> Seen | None:
        return seen_of(self.operation)


def title_of(operation: Operation) -> str:
    """What the update brings, or brought: “Upgrade to 5.12.0”."""
    version = operation.wanted.get("app_version", "")
    return {
        OperationKind.UPGRADE: f"Upgrade to {version}",
        OperationKind.ROLLBACK: f"Return to {version}",
        OperationKind.RESTORE: f"Restore from backup, with {version}",
    }.get(OperationKind(operation.kind), "Renewal of the infrastructure")


def planned_of(instance: Instance) -> list[PlannedUpdate]:
    """What is planned for this instance, the soonest first. A constant number of queries."""
    now = clock.now()
    planned = planned_for(instance.organization)
    return [PlannedUpdate(each, now) for each in planned if each.instance.pk == instance.pk]


def done_of(instance: Instance) -> list[DoneUpdate]:
    """The latest updates that were begun, the newest first."""
    operations = operations_of(instance).prefetch_related(None).filter(kind__in=UPDATES, status__in=BEGUN)
    return [DoneUpdate(operation) for operation in operations[:SHOWN]]


def coming_soon(instances: Sequence[Instance]) -> dict[str, datetime]:
    """By instance, when an update is expected to begin, where that is within a week. A constant number of queries."""
    now = clock.now()
    return {pk: at for pk, standing in standings_of_releases(instances).items() if (at := _soon(standing, now))}


def _soon(standing: ReleaseStanding, now: datetime) -> datetime | None:
    at = standing.expected_at
    return at if at and standing.member and now <= at <= now + SOON else None
