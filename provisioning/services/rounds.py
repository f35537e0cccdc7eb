"""The slower round: each running instance is looked at inside, at its own time, and what was found is written down.

A row is claimed, looked at without a transaction, and written where nobody has claimed it since. What could not be
looked at keeps its row's word, is tried again soon, and stops no other.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from portal.core import clock
from portal.core.turns import LEASE, Turn, claim
from provisioning.health.inside import look_inside
from provisioning.health.inside.findings import Finding, Subject, What
from provisioning.health.states import State
from provisioning.models import Health, Instance, InstanceStatus, OperationKind, OperationStatus
from provisioning.services.sending import send, send_on_commit
from provisioning.spec import spec_of

GO_ON: Final = "provisioning.tasks.look_inside"
PASS_SECONDS: Final = 2.0
WAKES_PER_BEAT: Final = 4  # so many worker slots are taken at most, however many are due
SOON: Final = timedelta(minutes=1)
LONGEST_ERROR: Final = 400
COMPLETE: Final = """
INSERT INTO provisioning_health
    (instance_id, asked_at, due_at, turn, failures, error, state, reason, since, findings)
SELECT instance.id, %(now)s, %(now)s + make_interval(secs => abs(hashtext(instance.id)::bigint) %% %(seconds)s),
    0, 0, '', 'unknown', '', %(now)s, '[]'
FROM provisioning_instance AS instance WHERE instance.status = 'running' ON CONFLICT DO NOTHING
"""
ROWS: Final = Health.objects.select_related("instance__release", "instance__size")
log = structlog.get_logger(__name__)


def health_ask(instances: QuerySet[Instance]) -> None:
    """These are to be looked at now."""
    now = clock.now()
    rows = [
        Health(instance_id=pk, asked_at=now, due_at=now, since=now) for pk in instances.values_list("pk", flat=True)
    ]
    Health.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["instance"], update_fields=["asked_at", "due_at"]
    )
    if rows:
        send_on_commit(GO_ON)


def change_ended(operation: Any, **_signal: Any) -> None:
    """Receives `operation_finished`: what was seen inside before may not be so any more."""
    health_ask(Instance.objects.filter(pk=operation.instance_id, status=InstanceStatus.RUNNING))


def health_complete() -> None:
    """Every running instance has its row, due within a round at a time of its own. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, {"now": clock.now(), "seconds": max(1, int(settings.HEALTH_SECONDS))})


def health_wake() -> int:
    """Workers are woken for looks that are due; answers how many. One indexed query."""
    due = Health.objects.filter(due_at__lte=clock.now()).values_list("pk", flat=True)[:WAKES_PER_BEAT]
    for _ in due:
        send(GO_ON)
    return len(due)


def health_go_on(for_seconds: float = PASS_SECONDS) -> int:
    """Those that are due have been looked at, one by one, for about so long; answers how many."""
    until, done = time.monotonic() + for_seconds, 0
    while time.monotonic() < until and (turn := claim(ROWS)):
        done += 1
        try:
            _look(turn)
        except Exception as error:
            log.exception("health.round-failed", instance=turn.row.pk)
            turn.postpone(SOON, error)
    return done


def _look(turn: Turn[Health]) -> None:
    """Without a transaction: others' answers are waited for. The lease begins anew before each part."""
    instance = turn.row.instance
    if instance.status != InstanceStatus.RUNNING:
        forgotten: dict[str, Any] = {"checked_at": None, "reason": "", "findings": [], "failures": 0, "error": ""}
        turn.ours().update(due_at=None, state=State.UNKNOWN, since=clock.now(), **forgotten)
        return
    findings, errors = list[Finding](), list[str]()
    for finding, error in look_inside(_subject(turn.row)):
        findings.append(finding)
        errors += [error] if error else []
        turn.ours().update(due_at=clock.now() + LEASE)
    _write(turn, findings, "; ".join(errors)[:LONGEST_ERROR])


def _subject(row: Health) -> Subject:
    before = [Finding.from_json(document) for document in row.findings]
    return Subject(spec_of(row.instance), _runs_since(row.instance), {finding.what: finding for finding in before})


def _runs_since(instance: Instance) -> datetime:
    """Since it was resumed the last time, or else since it was ready: while suspended it was not backed up."""
    resumed = instance.operations.filter(kind=OperationKind.RESUME, status=OperationStatus.SUCCEEDED)
    newest = resumed.order_by("-finished_at").values_list("finished_at", flat=True).first()
    return newest or instance.ready_at or instance.created_at


def _write(turn: Turn[Health], findings: list[Finding], error: str) -> None:
    """Whole or not, what was seen counts, if the turn is still the newest."""
    with transaction.atomic():
        row = turn.ours().select_for_update().first()
        if row is None:
            return
        now = clock.now()
        _judge(row, findings, error, now)
        row.findings = [finding.as_json() for finding in findings]
        copies = _note_copies(row, findings, now)
        row.failures, row.error = (row.failures + 1 if error else 0), error
        row.checked_at = row.checked_at if error else now
        row.due_at = turn.asked_meanwhile(row) or now + _until_the_next(row)
        seen = ("state", "reason", "since", "findings", "failures", "error", "checked_at", "due_at")
        row.save(update_fields=[*seen, *copies])


def _judge(row: Health, findings: Iterable[Finding], error: str, now: datetime) -> None:
    """What was not seen whole and shows nothing bad says nothing: then the word of before stands."""
    bad = [finding.sentence for finding in findings if finding.is_degraded]
    if error and not bad:
        return
    state = State.DEGRADED if bad else State.HEALTHY
    if state != row.state:
        row.state, row.since = state, now
    row.reason = " ".join(bad)


def _note_copies(row: Health, findings: Iterable[Finding], now: datetime) -> tuple[str, ...]:
    """How old the copies in the other region are stays known when they cannot be seen any more; answers the fields."""
    found = next((each.figures for each in findings if each.what == What.STANDBY and each.figures), None)
    if found is None:
        return ()
    if found["lag_seconds"] is not None:
        row.standby_lag_seconds, row.standby_seen_at = found["lag_seconds"], now
    if found["volumes_at"]:
        row.volumes_copied_at = datetime.fromisoformat(found["volumes_at"])
    return ("standby_lag_seconds", "standby_seen_at", "volumes_copied_at")


def _until_the_next(row: Health) -> timedelta:
    """A round; after a failure sooner, and less and less so."""
    whole = timedelta(seconds=settings.HEALTH_SECONDS)
    return min(whole, SOON * row.failures) if row.failures else whole
