"""What the commands have in common: who is meant, plans looked at here and now, tables, errors as sentences."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from portal.core.audit import Actor
from portal.core.errors import Invalid, NotFound, ServiceError
from portal.core.models import User
from provisioning.engine.action import Change
from provisioning.models import Instance, InstanceStatus, OperationKind, Release, Size, Survey, SuspensionNotice
from provisioning.selectors import Effect, Plan, plan_of
from provisioning.services import resized, resumed, suspended, upgraded
from provisioning.services.architectures import migrated
from provisioning.services.restoring import rolled_back
from provisioning.services.surveys import look_through, plan_unsaved
from provisioning.services.takeovers import taken_over
from provisioning.spec import InstanceSpec

FOUND, REFUSED = 1, 2  # exit codes: there is something to see to; it could not be done
WHERE_IT_SHOWS = 60


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """What a service refuses ends the command with its sentence and the exit code 2."""
    try:
        yield
    except ServiceError as error:
        raise CommandError(str(error), returncode=REFUSED) from error


def instance_named(word: str) -> Instance:
    """By its id, or by its name while it lives. Raises NotFound."""
    lives = Q(slug=word) & ~Q(status=InstanceStatus.DELETED)
    related = ("organization", "size", "release", "cluster")
    instance = Instance.objects.select_related(*related).filter(Q(pk=word) | lives).first()
    if instance is None:
        raise NotFound(f"There is no instance “{word}”. Give its name or its id (src-…).")
    return instance


def actor_named(email: str | None) -> Actor:
    """The person with that address, or else the command line itself. Raises NotFound."""
    if not email:
        return Actor(None, "command line")
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise NotFound(f"There is nobody with the address {email}.")
    return Actor(user, user.email)


def release_named(version: str | None) -> Release:
    """Raises Invalid for none, NotFound for one that is not on offer."""
    if not version:
        raise Invalid("Say which release with --release.")
    release = Release.objects.filter(app_version=version).first()
    if release is None:
        raise NotFound(f"There is no release {version}.")
    return release


def size_named(name: str | None) -> Size:
    """Raises Invalid for none, NotFound for one that is not on offer."""
    if not name:
        raise Invalid("Say which size with --size.")
    size = Size.objects.filter(pk=name).first()
    if size is None:
        raise NotFound(f"There is no size {name}. There are {', '.join(Size.objects.values_list('pk', flat=True))}.")
    return size


def add_wishes(parser: CommandParser, kinds: Sequence[OperationKind]) -> None:
    """The arguments that say which instance, which kind of operation, and what it is to bring about."""
    parser.add_argument("instance", help="its name or its id")
    parser.add_argument("kind", choices=[str(kind) for kind in kinds])
    parser.add_argument("--release", help="for an upgrade or a rollback: the version")
    parser.add_argument("--size", help="for a resize: the size")
    parser.add_argument("--architecture", default="", help="for a migrate-architecture: its number")
    parser.add_argument(
        "--notice",
        choices=SuspensionNotice.values,
        default=SuspensionNotice.BY_US.value,
        help="for a suspend: what the instance's people are told",
    )


def wanted_spec(instance: Instance, kind: str, options: Mapping[str, Any]) -> InstanceSpec | None:
    """The spec that such an operation would bring about; None where the instance keeps what it has."""
    match kind:
        case OperationKind.UPGRADE:
            return upgraded(instance, release_named(options["release"]))
        case OperationKind.ROLLBACK:
            return rolled_back(instance, release_named(options["release"]))
        case OperationKind.RESIZE:
            return resized(instance, size_named(options["size"]))
        case OperationKind.MIGRATE_ARCHITECTURE:
            return migrated(instance, options["architecture"])
    simple = {OperationKind.SUSPEND: suspended, OperationKind.RESUME: resumed, OperationKind.TAKEOVER: taken_over}
    found = simple.get(OperationKind(kind))
    return found(instance) if found else None


def plan_now(instance: Instance, kind: str, wanted: InstanceSpec | None) -> Plan:
    """The plan, looked at here and now, which takes some seconds and is stored nowhere."""
    return plan_of(looked_through(plan_unsaved(instance=instance, kind=kind, wanted=wanted)))


def looked_through(survey: Survey) -> Survey:
    """The survey with all its findings."""
    for pause in look_through(survey):
        time.sleep(pause)
    return survey


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under one another; the last may be as wide as it likes."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


def plan_as_text(plan: Plan) -> str:
    """The plan for people: each object, and then the sums."""
    rows = [
        [line.effect.value, line.title, _ending(line.resource), _said(line.sentence, line.changes)]
        for line in plan.lines
    ]
    parts = [f"{len(plan.made)} to make, {len(plan.changed)} to change, {len(plan.removed)} to remove"]
    if unclear := sum(line.effect is Effect.UNCLEAR for line in plan.lines):
        parts.append(f"{unclear} could not be looked at")
    money = f"{dollars(plan.cents_before)} to {dollars(plan.cents_after)} a month"
    if not plan.is_priced:
        money = f"{dollars(plan.cents_after)} a month while it runs, less while it is suspended"
    takes = duration(plan.expected_seconds)
    return f"{table(rows)}\n\n{'; '.join(parts)}.\nTakes about {takes}. Down: {_down(plan)}. Infrastructure: {money}."


def _down(plan: Plan) -> str:
    if plan.downtime_seconds is not None:
        return duration(plan.downtime_seconds)
    return "for good" if plan.is_for_good else "until it is resumed"


def changes_as_text(changes: Sequence[Change]) -> str:
    """Each setting on a line of its own, as a diff."""
    return "\n".join(f"    {change}" for change in changes)


def duration(seconds: float) -> str:
    """Such as 1 h 5 min, 12 min 30 s, 4 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _said(sentence: str, changes: Sequence[Change]) -> str:
    return "; ".join(map(str, changes)) if changes else sentence


def _ending(resource: str) -> str:
    """The end of a long name tells more than its beginning."""
    return resource if len(resource) <= WHERE_IT_SHOWS else f"…{resource[1 - WHERE_IT_SHOWS :]}"
