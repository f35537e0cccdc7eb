"""The standby of an instance: it follows, and the copies in the other region are not too old (decision 24)."""

from datetime import datetime

from portal.core import clock
from provisioning.clients.google import NotFound
from provisioning.fleet.features import STANDBY
from provisioning.fleet.standby import OLDEST_DATABASES, OLDEST_VOLUMES, other_region
from provisioning.health.inside.findings import Finding, Subject, What, degraded, skipped, unknown, well
from provisioning.spec import InstanceSpec
from provisioning.steps.standby_database import standby_of
from provisioning.steps.standby_lag import lag_seconds, volumes_copied_at


def look_at_standby(subject: Subject) -> Finding:
    """It is there, not far behind, and the volumes have been backed up to its region lately."""
    spec = subject.spec
    if not spec.has_part(STANDBY) or spec.lost_region:
        since = f" since it took over from {spec.lost_region}" if spec.lost_region else ""
        return skipped(What.STANDBY, f"It has none{since}.")
    try:
        standby_of(spec)
    except NotFound:
        return degraded(What.STANDBY, "There is no standby of the databases.", lag_seconds=None, volumes_at=None)
    return _judged(spec)


def _judged(spec: InstanceSpec) -> Finding:
    lag, copied_at = lag_seconds(spec), volumes_copied_at(spec)
    if lag is None:
        return unknown(What.STANDBY, "Cloud Monitoring does not know how far the standby is behind.")
    figures = {"lag_seconds": round(lag, 1), "volumes_at": copied_at.isoformat() if copied_at else None}
    if lag > OLDEST_DATABASES.total_seconds():
        return degraded(What.STANDBY, f"The standby of the databases is {lag:.0f} s behind.", **figures)
    if copied_at and clock.now() - copied_at > OLDEST_VOLUMES:
        return degraded(What.STANDBY, _overdue(copied_at), **figures)
    return well(What.STANDBY, _in_words(spec, lag), **figures)


def _overdue(copied_at: datetime) -> str:
    return f"The newest backup of the volumes in the other region is of {copied_at:%Y-%m-%d %H:%M} UTC."


def _in_words(spec: InstanceSpec, lag: float) -> str:
    return f"The standby in {other_region(spec.region)} is {lag:.0f} s behind."
