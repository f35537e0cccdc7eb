"""What is entitled and wanted is on, and nothing else: a part of each instance's upkeep.

All that has changed since the last operation becomes one operation. What ends is switched off the same way, after its
people were told.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from billing.models import OptIn
from billing.selectors.entitlements import entitlements_of, wanted_features
from billing.services.telling import tell_of_an_end
from billing.terms.entitlements import NOTICE, Entitlement, ends_at
from portal.core.audit import Actor, record
from provisioning.fleet.details import CUSTOM_NAME
from provisioning.fleet.features import CUSTOM_DOMAIN
from provisioning.models import Instance, Kind, Operation, OperationKind, OperationStatus
from provisioning.services import instance_apply_features
from provisioning.spec import FeatureSpec

AFTER_A_FAILURE: Final = timedelta(hours=1)
STOPPED: Final = (OperationStatus.FAILED, OperationStatus.STUCK)
BY: Final = Actor(None, "billing")


def opt_ins_keep(instance: Instance, now: datetime) -> datetime | None:
    """People know when something of theirs is switched off, and what has reached that is no longer wanted.

    Answers when to look at it next. The instance is one that runs by its money.
    """
    may, dates = entitlements_of(instance, now), list[datetime]()
    for opt_in in instance.opt_ins.select_related("feature"):
        entitlement = may.get(opt_in.feature_id)
        ends = ends_at(entitlement, opt_in.ends_at, now)
        if ends and ends <= now:
            _end(instance, opt_in)
            continue
        _note(instance, opt_in, ends, entitlement)
        dates += [ends] if ends else []
        if entitlement and entitlement.until:
            dates += [entitlement.until - NOTICE, entitlement.until]
    return min((date for date in dates if date > now), default=None)


def told_names(instance: Instance) -> list[str]:
    """The names that the instance is to be put under, as its people have told them."""
    wishes = instance.opt_ins.filter(feature__parts__contains=[CUSTOM_DOMAIN]).values_list("details", flat=True)
    return [details[CUSTOM_NAME] for details in wishes if CUSTOM_NAME in details]


def features_bring(instance: Instance, latest: Operation | None, now: datetime) -> datetime | None:
    """Asks for what brings the instance's features to what is wanted; answers when to look again for that.

    The very same that has just been undone is not asked for at once; anything else is. Nothing is while an operation
    has stopped: a person may want to restore what was before it. A rehearsal has what its original has.
    """
    if instance.kind == Kind.REHEARSAL or (latest and latest.status in STOPPED):
        return None
    wanted = wanted_features(instance, now)
    documents = [feature.as_json() for feature in wanted]
    if _key(documents) == _key(instance.features):
        return None
    is_undone = latest and latest.status == OperationStatus.UNDONE
    if latest and is_undone and latest.kind == OperationKind.APPLY_FEATURES and latest.finished_at:
        again = latest.finished_at + AFTER_A_FAILURE
        if _key(latest.wanted["features"]) == _key(documents) and now < again:
            return again
    instance_apply_features(instance=instance, features=wanted, actor=BY, reason=_why(wanted))
    return None


def _key(features: list[dict[str, Any]]) -> list[tuple[str, int, dict[str, Any]]]:
    """What makes a change. What a feature adds may be edited in the catalogue: that restarts nobody by itself."""
    return [(feature["name"], feature["units"], feature.get("details", {})) for feature in features]


def _why(wanted: list[FeatureSpec]) -> str:
    return f"Entitled and wanted: {', '.join(feature.name for feature in wanted) or 'nothing'}."


def _note(instance: Instance, opt_in: OptIn, ends: datetime | None, entitlement: Entitlement | None) -> None:
    units = entitlement.units if entitlement else opt_in.units
    if ends and ends != opt_in.ends_at:
        tell_of_an_end(instance, opt_in.feature, ends)
    if (ends, units) != (opt_in.ends_at, opt_in.units):
        OptIn.objects.filter(pk=opt_in.pk).update(ends_at=ends, units=units)


def _end(instance: Instance, opt_in: OptIn) -> None:
    gone, _ = OptIn.objects.filter(pk=opt_in.pk).delete()
    if gone:
        details = {"feature": opt_in.feature_id, "told": opt_in.ends_at.isoformat() if opt_in.ends_at else None}
        record("feature.end", instance, organization_id=instance.organization_id, actor=BY, details=details)
