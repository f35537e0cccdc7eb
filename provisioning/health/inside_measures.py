"""What the rules of alerts measure of what was found inside instances. Imported by services that measure."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from provisioning.health.inside.findings import Verdict, What
from provisioning.health.measures import Findings, Found, measure
from provisioning.models import Alert, Health, Instance, InstanceStatus, Operation
from provisioning.models.operations import ACTIVE

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
Beyond = Callable[[Mapping[str, Any]], str]  # of a finding: what to say of it, "" where it is not beyond the threshold


@measure("pods-unwell")
def _pods(threshold: float, _now: datetime) -> Findings:
    """Who is being changed has pods that come and go."""

    def beyond(finding: Mapping[str, Any]) -> str:
        is_unwell = finding["state"] == Verdict.DEGRADED and len(finding["figures"]["components"]) >= threshold
        return str(finding["sentence"]) if is_unwell else ""

    changing = Operation.objects.filter(instance=OuterRef("instance"), status__in=ACTIVE)
    return _found("pods-unwell", What.PODS, beyond, ~Exists(changing))


@measure("disk-filling")
def _disks(threshold: float, _now: datetime) -> Findings:
    def beyond(finding: Mapping[str, Any]) -> str:
        disks = finding["figures"].get("disks", ())
        full = [f"{disk['name']} is {disk['percent']} % full" for disk in disks if disk["percent"] >= threshold]
        return f"{', '.join(full)}." if full else ""

    return _found("disk-filling", What.DISK, beyond)


@measure("backup-missing")
def _backups(threshold: float, now: datetime) -> Findings:
    def beyond(finding: Mapping[str, Any]) -> str:
        figures = finding["figures"]
        moments = [figures[name] for name in ("backup_at", "runs_since") if figures.get(name)]
        newest = max(map(datetime.fromisoformat, moments), default=now)
        hours = (now - newest) / HOUR
        return f"its databases have had no good backup for {hours:.0f} h." if hours >= threshold else ""

    return _found("backup-missing", What.DATABASE, beyond)


@measure("certificate-expiring")
def _certificates(threshold: float, now: datetime) -> Findings:
    def beyond(finding: Mapping[str, Any]) -> str:
        if finding["state"] not in {Verdict.WELL, Verdict.DEGRADED}:
            return ""
        ends_at = finding["figures"]["ends_at"]
        left = (datetime.fromisoformat(ends_at) - now) / DAY if ends_at else 0.0
        return str(finding["sentence"]) if left < threshold else ""

    return _found("certificate-expiring", What.CERTIFICATE, beyond)


@measure("standby-behind")
def _standbys(threshold: float, _now: datetime) -> Findings:
    """Who has lost a region has none, until somebody sets it up again."""

    def beyond(finding: Mapping[str, Any]) -> str:
        figures = finding["figures"]
        if not figures or finding["state"] not in {Verdict.WELL, Verdict.DEGRADED}:
            return ""
        lag = figures["lag_seconds"]
        return str(finding["sentence"]) if lag is None or lag >= threshold else ""

    lost = Instance.objects.filter(status=InstanceStatus.RUNNING).exclude(lost_region="")
    without = {
        each.pk: Found(f"{each}: it has no standby since it took over from {each.lost_region}.", each.pk)
        for each in lost
    }
    return {**_found("standby-behind", What.STANDBY, beyond), **without}


@measure("health-unknown")
def _unseen(threshold: float, now: datetime) -> Findings:
    since = now - timedelta(seconds=threshold)
    never = Q(health=None) | Q(health__checked_at=None)
    unseen = Q(health__checked_at__lt=since) | (never & (Q(ready_at__lt=since) | Q(ready_at=None)))
    rows = Instance.objects.filter(unseen, status=InstanceStatus.RUNNING).select_related("health")
    return {instance.pk: Found(_why_unseen(instance), instance.pk) for instance in rows}


def _why_unseen(instance: Instance) -> str:
    row: Health | None = getattr(instance, "health", None)
    if row is None or row.checked_at is None:
        return f"{instance} has never been seen whole from inside.{f' {row.error}' if row and row.error else ''}"
    return f"{instance} has not been seen whole from inside since {row.checked_at:%H:%M} UTC. {row.error}".rstrip()


def _found(key: str, what: What, beyond: Beyond, *conditions: Any) -> Findings:
    """By instance what is beyond. What could not be seen the last time neither begins nor ends. Two queries."""
    rows = Health.objects.filter(*conditions, instance__status=InstanceStatus.RUNNING).select_related("instance")
    found = dict(_kept(key, what))
    for row in rows.exclude(findings=[]):
        finding = next((each for each in row.findings if each["what"] == what), None)
        if finding and (sentence := beyond(finding)):
            found[row.instance_id] = Found(f"{row.instance}: {sentence}", row.instance_id)
    return found


def _kept(key: str, what: What) -> Iterator[tuple[str, Found]]:
    unseen = {"instance__health__findings__contains": [{"what": what, "state": Verdict.UNKNOWN}]}
    going = Alert.objects.filter(rule=key, resolved_at=None, instance__status=InstanceStatus.RUNNING, **unseen)
    for alert in going:
        yield alert.subject, Found(alert.sentence, alert.instance_id)
