"""Our people give an instance a feature at no charge, for a time or for good, and take it back with notice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from billing.models import Charge, Currency, Feature, Grant, Interval, Status
from billing.selectors.offers import refusal_of
from billing.services.upkeep import upkeep_ask
from billing.terms.entitlements import NOTICE
from billing.terms.money import money
from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.rights import is_manager, one_of_us
from provisioning.models import Instance, InstanceStatus

MOST_DAYS_BY_SALES: Final = 92
MONTH: Final = timedelta(days=30)


@dataclass(frozen=True)
class Gift:
    """What granting a feature means. `worth` is its list price for that time, or for a year where it has no end."""

    feature: Feature
    units: int
    until: datetime | None
    worth: int
    needs_manager: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        worth = money(self.worth, Currency.USD)
        for_how_long = f"until {self.until:%-d %B %Y}" if self.until else "for good"
        return (
            f"{self.feature} {for_how_long}, at no charge: worth {worth} by list{'' if self.until else ' a year'}.",
            "The customer switches it on; until then nothing changes on the instance.",
            f"When it ends, they are told {NOTICE.days} days before, and it is switched off.",
        )


def gift(instance: Instance, feature: Feature, units: int, until: datetime | None, seats: int) -> Gift:
    """What it would mean. Raises Conflict for a deleted instance, Invalid for what it cannot have."""
    now = clock.now()
    if instance.status == InstanceStatus.DELETED:
        raise Conflict("This instance is deleted.")
    if feature.status == Status.DRAFT:
        raise Invalid(f"{feature} cannot be made yet.", field="feature")
    if why := refusal_of(feature, instance):
        raise Invalid(why, field="feature")
    if until is not None and until <= now:
        raise Invalid("It has to end in the future.", field="until")
    if not 1 <= units <= (feature.most_units or units):
        raise Invalid(f"From 1 to {feature.most_units}.", field="units")
    days = (until - now).days + 1 if until else 365
    quantity = {Charge.SEAT: seats, Charge.UNIT: units}.get(Charge(feature.charge), 1)
    needs_manager = until is None or until > now + timedelta(days=MOST_DAYS_BY_SALES)
    return Gift(feature, units, until, _monthly(feature) * quantity * days // MONTH.days, needs_manager)


def feature_grant(
    *, instance: Instance, feature: Feature, units: int, until: datetime | None, actor: Actor, reason: str
) -> Grant:
    """The instance may have the feature at no charge. Sales grants for three months at most, a manager for longer.

    Raises Invalid as `gift` or without a reason, Forbidden for who may not, Conflict for a deleted instance.
    """
    user = one_of_us(actor)
    planned = gift(instance, feature, units, until, seats=1)
    _check_reason(reason)
    if planned.needs_manager and not is_manager(user):
        raise Forbidden(f"Sales grants for {MOST_DAYS_BY_SALES} days at most. Ask a sales manager for more.")
    with transaction.atomic():
        fields = {"instance": instance, "feature": feature, "units": units, "until": until, "granted_by": user}
        made = Grant.objects.create(**fields, reason=reason.strip())
        _record("feature.grant", made, actor, reason)
    return made


def grant_end(*, grant: Grant, actor: Actor, reason: str) -> Grant:
    """It is granted no longer; what is on goes on for the days of notice. Raises Conflict when it has ended already."""
    one_of_us(actor)
    _check_reason(reason)
    with transaction.atomic():
        row = Grant.objects.select_for_update(of=("self",)).select_related("feature", "instance").get(pk=grant.pk)
        now = clock.now()
        if row.until is not None and row.until <= now:
            raise Conflict("This grant has ended already.")
        row.until = max(now, row.since)
        row.save(update_fields=["until"])
        _record("grant.end", row, actor, reason)
    return row


def _monthly(feature: Feature) -> int:
    """Its list price in US cents for a month and one of what it is multiplied by; 0 without one."""
    terms = {"interval": Interval.MONTH, "currency": Currency.USD, "retired_at__isnull": True}
    return feature.prices.filter(**terms).values_list("unit_amount", flat=True).first() or 0


def _record(action: str, grant: Grant, actor: Actor, reason: str) -> None:
    details = {
        "feature": grant.feature_id,
        "units": grant.units,
        "until": grant.until.isoformat() if grant.until else None,
    }
    organization = grant.instance.organization_id
    record(action, grant.instance, organization_id=organization, actor=actor, reason=reason, details=details)
    upkeep_ask(Instance.objects.filter(pk=grant.instance_id))


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Say why.", field="reason")
