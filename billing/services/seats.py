"""Whoever uses more seats than are paid for is told so, once for each episode; nobody is ever blocked (decision 15).

The instance's upkeep looks, not the ping: a count has nothing to wait for.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.urls import reverse

from billing.models import SeatOveruse
from billing.selectors.seats import SeatUse, seat_use
from billing.services.telling import WHO_PAYS, tell_members
from billing.terms.seats import DAYS_THAT_TELL
from portal.core import mail
from portal.core.audit import record
from provisioning.models import Instance

EXCEEDED: Final = "seats-exceeded"
OVER, IN_ORDER = "instance.seats-exceeded", "instance.seats-in-order"


def register() -> None:
    """The kind of mail is known."""
    mail.register(EXCEEDED)


def seats_watch(instance: Instance, now: datetime) -> None:
    """An episode of over-use has begun or ended, where the newest counts say so; its people and sales know of it.

    Call it inside the transaction of the instance's upkeep.
    """
    found = seat_use(instance)
    if found.overuse is None and found.is_lastingly_over:
        _begin(instance, found, now)
    elif found.overuse and found.is_in_order:
        _end(instance, found, found.overuse, now)


def _begin(instance: Instance, found: SeatUse, now: datetime) -> None:
    paid, (began_on, _), (_, used) = found.paid or 0, found.history[-DAYS_THAT_TELL], found.history[-1]
    overuse = SeatOveruse.objects.create(instance=instance, began_on=began_on, paid=paid, used=used, found_at=now)
    _note(OVER, instance, found, "More accounts than seats were counted on two days.")
    links = {
        "seats_link": _page("subscription_seats", instance),
        "portal_link": _page("instance_subscription", instance),
    }
    context = {"paid": paid, "used": used, "over": used - paid, **links}
    tell_members(EXCEEDED, instance, f"{overuse.pk}", WHO_PAYS, context)


def _end(instance: Instance, found: SeatUse, overuse: SeatOveruse, now: datetime) -> None:
    overuse.ended_at = now
    overuse.save(update_fields=["ended_at"])
    why = "There is no subscription any more." if found.paid is None else "There are enough seats again."
    _note(IN_ORDER, instance, found, why)


def _page(name: str, instance: Instance) -> str:
    return f"{settings.PORTAL_URL}{reverse(name, args=[instance.pk])}"


def _note(action: str, instance: Instance, found: SeatUse, reason: str) -> None:
    record(
        action,
        instance,
        organization_id=instance.organization_id,
        actor_label="billing",
        reason=reason,
        details={"paid": found.paid, "used": found.used},
    )
