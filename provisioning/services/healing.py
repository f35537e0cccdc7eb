"""Self-healing: against an open alert whose rule says so, what is known to help is begun, so many times a day.

A repair puts right what was changed and makes what is gone. A disk that fills up grows by half, but never beyond four
times what the instance's size has: then something is wrong that no disk is large enough for, and a person looks.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, ServiceError
from provisioning.health.inside.findings import What
from provisioning.models import Alert, AlertRule, Health, Instance, OperationKind
from provisioning.services.changes import instance_repair
from provisioning.services.growing import instance_grow_disk

HEALER: Final = Actor(None, "self-healing")
DAY: Final = timedelta(days=1)
HealsBy = AlertRule.HealsBy
log = structlog.get_logger(__name__)


def alerts_heal() -> int:
    """Against open alerts whose rule says so, what heals was begun, as often a day as it says; answers how many."""
    now, begun = clock.now(), 0
    ailing = Alert.objects.filter(opened_at__isnull=False, resolved_at=None, healed_at=None, instance__isnull=False)
    for alert in ailing.filter(rule__heals_a_day__gt=0).select_related("rule", "instance"):
        if alert.instance and _may_be_healed(alert, alert.instance, now):
            begun += _heal(alert, alert.instance, now)
    return begun


def _may_be_healed(alert: Alert, instance: Instance, now: datetime) -> bool:
    """Fewer operations of that kind were begun on the instance by us within a day than the rule allows."""
    kind, _begin = HEALING[HealsBy(alert.rule.heals_by)]
    mine = instance.operations.filter(kind=kind, requested_by=None)
    return mine.filter(created_at__gt=now - DAY).count() < alert.rule.heals_a_day


def _heal(alert: Alert, instance: Instance, now: datetime) -> bool:
    """Whether it was begun. What is not left alone is tried again at the next look."""
    _kind, begin = HEALING[HealsBy(alert.rule.heals_by)]
    try:
        begin(instance, f"{alert.rule}: {alert.sentence}")
    except ServiceError as error:
        log.info("not healed yet", alert=alert.pk, why=str(error))
        return False
    Alert.objects.filter(pk=alert.pk).update(healed_at=now)
    return True


def _repair(instance: Instance, reason: str) -> None:
    instance_repair(instance=instance, actor=HEALER, reason=reason)


def _grow(instance: Instance, reason: str) -> None:
    """The fullest disk of those that a size is made of grows. Raises Conflict where none is known of."""
    disk = _fullest(instance)
    instance_grow_disk(instance=instance, disk=disk["sized_by"], has_gb=disk["gb"], actor=HEALER, reason=reason)


def _fullest(instance: Instance) -> Mapping[str, Any]:
    row = Health.objects.filter(instance=instance).first()
    found = next((each for each in row.findings if each["what"] == What.DISK), None) if row else None
    disks: list[dict[str, Any]] = (
        [disk for disk in found["figures"].get("disks", ()) if disk["is_full"]] if found else []
    )
    if not disks or not disks[0]["sized_by"]:
        raise Conflict("The disk that fills up is not one that can grow by itself.")
    return disks[0]


HEALING: Final[Mapping[HealsBy, tuple[OperationKind, Callable[[Instance, str], None]]]] = {
    HealsBy.REPAIR: (OperationKind.REPAIR, _repair),
    HealsBy.GROW_DISK: (OperationKind.RESIZE, _grow),
}
