"""Who asks to look into instances, who may, and what they have looked at; customers see what is theirs."""

from collections.abc import Iterable

from django.db.models import QuerySet

from portal.core import clock
from portal.core.errors import NotFound
from portal.core.models import AuditEvent, Organization
from provisioning.fleet.access import open_at, waiting_at
from provisioning.models import Access, Instance

LOOK = "access.look"
PEOPLE = ("asked_by", "decided_by", "ended_by")


def accesses_of(instance: Instance) -> QuerySet[Access]:
    """All that was ever asked for, the newest first, each with its people at hand."""
    return instance.accesses.select_related(*PEOPLE).order_by("-asked_at", "-pk")


def access_for(organization: Organization, instance_id: str, access_id: int) -> Access:
    """One of the organization's; NotFound for anything else, whosever it is."""
    theirs = Access.objects.filter(instance__organization=organization, instance=instance_id)
    access = theirs.select_related("instance__organization", *PEOPLE).filter(pk=access_id).first()
    if access is None:
        raise NotFound("There is no such access.")
    return access


def access_asked_for(instance: Instance) -> Access | None:
    """What has waited longest for the customer's answer."""
    waiting = instance.accesses.filter(waiting_at(clock.now()))
    return waiting.select_related("asked_by").order_by("asked_at").first()


def access_open_to(instance: Instance) -> Access | None:
    """By what somebody of ours may look into it now, if anything; what ends last."""
    return instance.accesses.filter(open_at(clock.now())).select_related("asked_by").order_by("-ends_at").first()


def looks_by(accesses: Iterable[Access]) -> dict[int, list[AuditEvent]]:
    """What was looked at by each of them, the oldest look first. One query."""
    keys = [str(access.pk) for access in accesses]
    looks: dict[int, list[AuditEvent]] = {int(key): [] for key in keys}
    for event in AuditEvent.objects.filter(object_type="access", object_id__in=keys, action=LOOK).order_by("at", "pk"):
        looks[int(event.object_id)].append(event)
    return looks
