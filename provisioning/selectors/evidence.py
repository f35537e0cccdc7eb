"""What an auditor asks for, as tables of a period: each is one file of `manage.py evidence`.

Read as rows are needed, so that a year of a thousand instances fits. Names of people are those of ours and of
customers who decided something; of use there are no names anywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from portal.core.models import AuditEvent, User
from provisioning.fleet.final_backups import STEP as FINAL_BACKUP
from provisioning.health.slo import Span, Uptime
from provisioning.models import (
    Access,
    Alert,
    Operation,
    OperationKind,
    Outage,
    Rehearsal,
    RolloutMember,
    RolloutStage,
    Step,
    StepStatus,
    UptimeDay,
)

AT_A_TIME: Final = 2_000
Row = Mapping[str, Any]
# What changes a running instance, or what it stands on.
CHANGES: Final = (
    OperationKind.UPGRADE,
    OperationKind.ROLLBACK,
    OperationKind.RESIZE,
    OperationKind.APPLY_FEATURES,
    OperationKind.MIGRATE_ARCHITECTURE,
    OperationKind.REPAIR,
    OperationKind.RESTORE,
    OperationKind.TAKEOVER,
)
# Steps that keep what is there before it is changed, or when it goes.
BACKUPS: Final = ("database-backup", "volume-backup", FINAL_BACKUP)


@dataclass(frozen=True)
class Table:
    """One file: its name, what it is evidence of, its columns, and how its rows are found."""

    name: str
    about: str
    columns: tuple[str, ...]
    rows: Callable[[Span], Iterator[Row]]


def _changes(span: Span) -> Iterator[Row]:
    """With who asked, whose approval a rollout had, how it was checked, and what customers noticed."""
    operations = Operation.objects.filter(kind__in=CHANGES, created_at__gte=span.begin, created_at__lt=span.end)
    members = RolloutMember.objects.filter(operation__isnull=False).select_related("stage__approved_by")
    approvals = {member.operation_id: member.stage for member in _within(members, "operation__created_at", span)}
    for each in _in_order(operations.select_related("instance", "requested_by"), "created_at"):
        stage = approvals.get(each.pk)
        yield {
            "operation": each.pk,
            "instance": each.instance_id,
            "kind": each.kind,
            "outcome": each.status,
            "asked_at": _time(each.created_at),
            "asked_by": _who(each.requested_by) or "the portal",
            "reason": each.reason,
            "from": _version(each.previous, each.kind),
            "to": _version(each.wanted, each.kind),
            "rollout": stage.rollout_id if stage else "",
            "approved_by": _who(stage.approved_by) if stage else "",
            "approved_at": _time(stage.approved_at) if stage else "",
            "began_at": _time(each.started_at),
            "ended_at": _time(each.finished_at),
            "looks_from_outside": each.probes,
            "downtime_seconds": round(each.downtime_seconds, 1),
            "error": each.error,
        }


def _approvals(span: Span) -> Iterator[Row]:
    stages = RolloutStage.objects.filter(started_at__gte=span.begin, started_at__lt=span.end)
    for stage in _in_order(stages.select_related("rollout__release", "approved_by"), "started_at"):
        yield {
            "rollout": stage.rollout_id,
            "brings": str(stage.rollout),
            "stage": stage.name,
            "approved_by": _who(stage.approved_by),
            "approved_at": _time(stage.approved_at),
            "began_at": _time(stage.started_at),
            "passed_at": _time(stage.passed_at),
        }


def _accesses(span: Span) -> Iterator[Row]:
    found = Access.objects.filter(asked_at__gte=span.begin, asked_at__lt=span.end)
    for each in _in_order(found.select_related("asked_by", "decided_by", "ended_by"), "asked_at"):
        yield {
            "instance": each.instance_id,
            "asked_by": _who(each.asked_by),
            "asked_at": _time(each.asked_at),
            "reason": each.reason,
            "ticket": each.ticket,
            "minutes": each.minutes,
            "outcome": each.state,
            "break_glass": each.is_break_glass,
            "agreed_by": _who(each.decided_by),
            "decided_at": _time(each.decided_at),
            "until": _time(each.ends_at),
            "ended_at": _time(each.ended_at),
            "ended_by": _who(each.ended_by),
        }


def _looks(span: Span) -> Iterator[Row]:
    events = _within(AuditEvent.objects.filter(action="access.look"), "at", span)
    for event in _in_order(events, "at"):
        known = {name: event.details.get(name, "") for name in ("instance", "ticket", "what", "pod", "container")}
        yield {"at": _time(event.at), "who": event.actor_label, "from": event.source_address or "", **known}


def _backups(span: Span) -> Iterator[Row]:
    steps = Step.objects.filter(name__in=BACKUPS, status=StepStatus.DONE)
    for step in _in_order(_within(steps, "finished_at", span).select_related("operation"), "finished_at"):
        yield {
            "instance": step.operation.instance_id,
            "before": step.operation.kind,
            "what": step.name,
            "made_at": _time(step.finished_at),
            "where": step.outputs.get("uri") or step.outputs.get("backup") or "",
            "kept_until": step.outputs.get("kept_until", ""),
        }


def _drills(span: Span) -> Iterator[Row]:
    """Rehearsals restore last night's backup and look whether it answers; restores do so in earnest."""
    rehearsals = _within(Rehearsal.objects.all(), "started_at", span)
    for each in _in_order(rehearsals, "started_at"):
        yield {
            "what": "drill",
            "instance": each.instance_id,
            "backup": each.backup,
            "began_at": _time(each.started_at),
            "ended_at": _time(each.finished_at),
            "outcome": each.status,
            "result": each.result,
        }
    restores = _within(Operation.objects.filter(kind=OperationKind.RESTORE), "created_at", span)
    for each in _in_order(restores, "created_at"):
        yield {
            "what": "restore",
            "instance": each.instance_id,
            "backup": str(each.inputs.get("backup", "")),
            "began_at": _time(each.started_at),
            "ended_at": _time(each.finished_at),
            "outcome": each.status,
            "result": each.error,
        }


def _uptime(span: Span) -> Iterator[Row]:
    """By instance and calendar month, with and without planned maintenance."""
    days = UptimeDay.objects.filter(day__gte=span.begin.date(), day__lt=span.end.date()).order_by()
    sums = (Sum("watched_seconds"), Sum("down_seconds"), Sum("planned_seconds"))
    months = days.annotate(month=TruncMonth("day")).values_list("instance", "month").annotate(*sums)
    for instance_id, month, *seconds in months.order_by("month", "instance").iterator(AT_A_TIME):
        uptime = Uptime(*seconds)
        yield {
            "instance": instance_id,
            "month": f"{month:%Y-%m}",
            "objective": settings.SLO,
            "uptime": _share(uptime.share),
            "uptime_with_maintenance": _share(uptime.share_with_maintenance),
            "watched_seconds": uptime.watched,
            "unplanned_seconds": round(uptime.unplanned, 1),
            "planned_seconds": round(uptime.planned, 1),
        }


def _outages(span: Span) -> Iterator[Row]:
    for outage in _in_order(_within(Outage.objects.all(), "began_at", span), "began_at"):
        yield {
            "instance": outage.instance_id,
            "began_at": _time(outage.began_at),
            "ended_at": _time(outage.ended_at),
            "during": outage.operation_id or "",
            "what": outage.what,
        }


def _alerts(span: Span) -> Iterator[Row]:
    """How long until somebody was at it, and until it was over."""
    opened = _within(Alert.objects.all(), "opened_at", span).select_related("rule", "acknowledged_by")
    for alert in _in_order(opened, "opened_at"):
        yield {
            "rule": alert.rule_id,
            "severity": alert.rule.severity,
            "instance": alert.instance_id or "",
            "sentence": alert.sentence,
            "opened_at": _time(alert.opened_at),
            "told_at": _time(alert.told_at),
            "acknowledged_by": _who(alert.acknowledged_by),
            "seconds_to_answer": _seconds(alert.told_at, alert.acknowledged_at),
            "escalated_at": _time(alert.escalated_at),
            "healed_at": _time(alert.healed_at),
            "seconds_to_end": _seconds(alert.opened_at, alert.resolved_at),
        }


def _rights(_span: Span) -> Iterator[Row]:
    """Who works here and may what, as of now: what an access review goes through."""
    ours = User.objects.filter(is_staff=True) | User.objects.filter(is_sales=True)
    for person in ours.annotate(factors=Count("authenticator")).order_by("email"):
        yield {
            "who": person.email,
            "name": person.name,
            "active": person.is_active,
            "admin": person.is_staff,
            "superuser": person.is_superuser,
            "sales": person.is_sales,
            "second_factor": bool(person.factors),
            "since": _time(person.date_joined),
            "last_log_in": _time(person.last_login),
        }


def _rights_changed(span: Span) -> Iterator[Row]:
    events = AuditEvent.objects.filter(action__in=["user.rights", "token.create", "token.revoke"])
    for event in _in_order(_within(events, "at", span), "at"):
        yield {
            "at": _time(event.at),
            "who": event.actor_label,
            "what": event.action,
            "of": event.object_id,
            "reason": event.reason,
            "details": event.details,
        }


# fmt: off
TABLES: Final = (
    Table("changes", "Change management: every change of an instance, its approval, its checks, what was noticed.",
          ("operation", "instance", "kind", "outcome", "asked_at", "asked_by", "reason", "from", "to", "rollout",
           "approved_by", "approved_at", "began_at", "ended_at", "looks_from_outside", "downtime_seconds", "error"),
          _changes),
    Table("approvals", "Change management: stages of rollouts, with who let them begin.",
          ("rollout", "brings", "stage", "approved_by", "approved_at", "began_at", "passed_at"), _approvals),
    Table("access", "Access: who of us asked to look into an instance, and who agreed.",
          ("instance", "asked_by", "asked_at", "reason", "ticket", "minutes", "outcome", "break_glass", "agreed_by",
           "decided_at", "until", "ended_at", "ended_by"), _accesses),
    Table("looks", "Access: every look.",
          ("at", "who", "from", "instance", "ticket", "what", "pod", "container"), _looks),
    Table("backups", "Backup: what was kept before changes and at the end; nightly backups are Google's own.",
          ("instance", "before", "what", "made_at", "where", "kept_until"), _backups),
    Table("restores", "Restore test: backups that were restored, in a drill or in earnest.",
          ("what", "instance", "backup", "began_at", "ended_at", "outcome", "result"), _drills),
    Table("uptime", "Availability: each instance by calendar month.",
          ("instance", "month", "objective", "uptime", "uptime_with_maintenance", "watched_seconds",
           "unplanned_seconds", "planned_seconds"), _uptime),
    Table("outages", "Incidents: when instances did not answer.",
          ("instance", "began_at", "ended_at", "during", "what"), _outages),
    Table("alerts", "Monitoring: what was found, and how soon somebody was at it.",
          ("rule", "severity", "instance", "sentence", "opened_at", "told_at", "acknowledged_by", "seconds_to_answer",
           "escalated_at", "healed_at", "seconds_to_end"), _alerts),
    Table("people", "Access review: who works here and may what, as of now.",
          ("who", "name", "active", "admin", "superuser", "sales", "second_factor", "since", "last_log_in"), _rights),
    Table("rights", "Onboarding and offboarding: rights and tokens that were given and taken.",
          ("at", "who", "what", "of", "reason", "details"), _rights_changed),
)
# fmt: on


def _within(rows: QuerySet[Any], field: str, span: Span) -> QuerySet[Any]:
    return rows.filter(**{f"{field}__gte": span.begin, f"{field}__lt": span.end})


def _in_order(rows: QuerySet[Any], field: str) -> Iterator[Any]:
    return iter(rows.order_by(field, "pk").iterator(AT_A_TIME))


def _who(person: User | None) -> str:
    return person.email if person else ""


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _seconds(begin: datetime | None, end: datetime | None) -> float | str:
    return round((end - begin).total_seconds(), 1) if begin and end else ""


def _share(share: float | None) -> float | str:
    return "" if share is None else round(share, 6)


def _version(spec: Mapping[str, Any] | None, kind: str) -> str:
    if not spec:
        return ""
    if kind == OperationKind.MIGRATE_ARCHITECTURE:
        return str(spec.get("architecture", ""))
    if kind == OperationKind.RESIZE:
        return str(spec.get("size", {}).get("name", ""))
    return str(spec.get("app_version", ""))
