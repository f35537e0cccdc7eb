"""Alerts: what the rules find is opened, told of, healed by itself where that is known to help, and resolved.

A worker looks every half minute. An alert is one row from when its cause was first seen until it has been away for two
minutes, however often it was seen: nothing is told twice, and what flickers is one alert.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.db.models import Q

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.health import inside_measures  # noqa: F401 - its measures are registered
from provisioning.health.measures import Findings, Found, measured
from provisioning.models import Alert, AlertRule, Instance, Notice, Silence
from provisioning.services.healing import alerts_heal
from provisioning.services.notices import notices_queue

CALM: Final = timedelta(minutes=2)  # for so long something has to be away to be over
LOCK: Final = 0xA1E7  # an advisory lock: one at a time looks
log = structlog.get_logger(__name__)
Quiet = Sequence[tuple[str | None, str | None]]


def alerts_look() -> int:
    """All rules have been measured, and what follows from that is done; answers of how many alerts are open."""
    with transaction.atomic():
        if not _is_mine():
            return 0
        now = clock.now()
        opened, resolved = list[Alert](), list[Alert]()
        for rule in AlertRule.objects.filter(is_on=True):
            began, ended = _compare(rule, _measure(rule, now), now)
            opened += began
            resolved += ended
        resolved += _of_rules_that_are_off(now)
        _tell(now)
        _escalate(now)
        _tell_of_ends(resolved)
    alerts_heal()
    return Alert.objects.filter(opened_at__isnull=False, resolved_at=None).count()


def alert_acknowledge(*, alert: Alert, actor: Actor, reason: str = "") -> Alert:
    """Somebody is at it, and nobody else is told that it is still there. Raises Conflict where that is so, or over."""
    with transaction.atomic():
        row = Alert.objects.select_for_update(of=("self",)).get(pk=alert.pk)
        if row.resolved_at or row.opened_at is None:
            raise Conflict("This is over already.")
        if row.acknowledged_at:
            raise Conflict(f"{row.acknowledged_by} is at it already.")
        row.acknowledged_at, row.acknowledged_by = clock.now(), actor.user
        row.save(update_fields=["acknowledged_at", "acknowledged_by"])
        record("alert.acknowledge", row, actor=actor, reason=reason, details={"alert": row.sentence})
    return row


def alert_rule_set(*, rule: AlertRule, actor: Actor, reason: str, **wanted: Any) -> AlertRule:
    """The rule goes by that from the next look on. Raises Invalid without a reason, or for what cannot be."""
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
    before = {name: getattr(rule, name) for name in wanted}
    with transaction.atomic():
        row = AlertRule.objects.select_for_update().get(pk=rule.pk)
        for name, value in wanted.items():
            setattr(row, name, value)
        row.save(update_fields=list(wanted))
        changes = {name: [before[name], value] for name, value in wanted.items() if before[name] != value}
        record("alertrule.set", row, actor=actor, reason=reason, details=changes)
    return row


def silence_begin(
    *, rule: AlertRule | None, instance: Instance | None, until: datetime, reason: str, actor: Actor
) -> Silence:
    """What is known is told to nobody until then. Raises Invalid without a reason, for a past end, or of nothing."""
    if rule is None and instance is None:
        raise Invalid("Say which rule, or which instance, or both.")
    if not reason.strip():
        raise Invalid("Say why: others will ask.", field="reason")
    if until <= clock.now():
        raise Invalid("That is past.", field="until")
    if actor.user is None:
        raise Invalid("A silence is begun by somebody.")
    with transaction.atomic():
        made = Silence.objects.create(
            rule=rule, instance=instance, until=until, reason=reason.strip(), created_by=actor.user
        )
        record("silence.begin", made, actor=actor, reason=reason, details={"of": str(made), "until": until.isoformat()})
    return made


def silence_end(*, silence: Silence, actor: Actor, reason: str = "") -> None:
    """What is still there is told again. Raises Conflict when it has ended."""
    with transaction.atomic():
        row = Silence.objects.select_for_update(of=("self",)).get(pk=silence.pk)
        if row.until <= clock.now():
            raise Conflict("This silence has ended already.")
        row.until = max(clock.now(), row.created_at + timedelta(microseconds=1))
        row.save(update_fields=["until"])
        record("silence.end", row, actor=actor, reason=reason, details={"of": str(row)})


def _measure(rule: AlertRule, now: datetime) -> Findings | None:
    """None where it cannot be told: then nothing begins and nothing ends."""
    try:
        with transaction.atomic():
            return measured(rule.pk, rule.threshold, now)
    except Exception:
        log.exception("a rule could not be measured", rule=rule.pk)
        return None


def _compare(rule: AlertRule, found: Findings | None, now: datetime) -> tuple[list[Alert], list[Alert]]:
    """Those that are open only now, and those that are over."""
    if found is None:
        return [], []
    known = {alert.subject: alert for alert in rule.alerts.filter(resolved_at=None)}
    for subject, what in found.items():
        if subject in known:
            known[subject].sentence, known[subject].last_seen_at = what.sentence, now
        else:
            known[subject] = _new(rule, subject, what, now)
    begun = [alert for alert in known.values() if alert.subject in found and _has_lasted(alert, rule, now)]
    for alert in begun:
        alert.opened_at = now
    gone = [alert for alert in known.values() if now - alert.last_seen_at >= CALM]
    Alert.objects.bulk_update(known.values(), ["sentence", "last_seen_at", "opened_at"])
    return begun, _resolved(gone, now)


def _new(rule: AlertRule, subject: str, found: Found, now: datetime) -> Alert:
    return Alert.objects.create(
        rule=rule,
        subject=subject,
        instance_id=found.instance_id,
        sentence=found.sentence,
        first_seen_at=now,
        last_seen_at=now,
    )


def _has_lasted(alert: Alert, rule: AlertRule, now: datetime) -> bool:
    return alert.opened_at is None and now - alert.first_seen_at >= timedelta(seconds=rule.for_seconds)


def _resolved(gone: Iterable[Alert], now: datetime) -> list[Alert]:
    """What was never open leaves nothing behind."""
    gone = list(gone)
    Alert.objects.filter(pk__in=[alert.pk for alert in gone if alert.opened_at is None]).delete()
    over = [alert for alert in gone if alert.opened_at]
    for alert in over:
        alert.resolved_at = now
    Alert.objects.bulk_update(over, ["resolved_at"])
    return over


def _of_rules_that_are_off(now: datetime) -> list[Alert]:
    return _resolved(Alert.objects.filter(rule__is_on=False, resolved_at=None), now)


def _tell(now: datetime) -> None:
    """Whatever is open, untold and not kept quiet is told of; together where a rule has found much at once."""
    quiet = list(Silence.objects.filter(until__gt=now).values_list("rule", "instance"))
    untold = Alert.objects.filter(opened_at__isnull=False, resolved_at=None, told_at=None).select_related("rule")
    by_rule: defaultdict[AlertRule, list[Alert]] = defaultdict(list)
    for alert in untold:
        if not _is_quiet(alert, quiet):
            by_rule[alert.rule].append(alert)
    for rule, alerts in by_rule.items():
        parts = [alerts] if len(alerts) > rule.most_apart else [[alert] for alert in alerts]
        for part in parts:
            _tell_of(part, now)


def _tell_of(alerts: list[Alert], now: datetime) -> None:
    for alert in alerts:
        alert.told_at, alert.incident = now, f"{alert.rule_id}-{alerts[0].pk}"
    Alert.objects.bulk_update(alerts, ["told_at", "incident"])
    notices_queue(Notice.Kind.OPENED, alerts)


def _tell_of_ends(resolved: list[Alert]) -> None:
    """What was told of together is over when all of it is."""
    ended = {alert.incident for alert in resolved if alert.told_at}
    going = set(Alert.objects.filter(incident__in=ended, resolved_at=None).values_list("incident", flat=True))
    for incident in sorted(ended - going):
        notices_queue(Notice.Kind.RESOLVED, list(Alert.objects.filter(incident=incident).select_related("rule")))


def _is_quiet(alert: Alert, quiet: Quiet) -> bool:
    return any(rule in {None, alert.rule_id} and instance in {None, alert.instance_id} for rule, instance in quiet)


def _escalate(now: datetime) -> None:
    """What nobody has acknowledged in time is told to more people, once."""
    waiting = Alert.objects.filter(
        Q(told_at__isnull=False), resolved_at=None, acknowledged_at=None, escalated_at=None
    ).exclude(rule__escalate_after_minutes=None)
    late = [
        alert
        for alert in waiting.select_related("rule")
        if alert.told_at and now - alert.told_at >= timedelta(minutes=alert.rule.escalate_after_minutes or 0)
    ]
    if late:
        notices_queue(Notice.Kind.ESCALATED, late)
        Alert.objects.filter(pk__in=[alert.pk for alert in late]).update(escalated_at=now)


def _is_mine() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])
