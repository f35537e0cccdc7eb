"""The updates of an organization's instances as a calendar shows them: what is planned, and what was lately done."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from portal.core import clock
from portal.core.models import Organization
from portal.web.ical import Event, calendar
from portal.web.seen import seen_of
from portal.web.updates import BEGUN, UPDATES, PlannedUpdate, title_of
from provisioning.models import Operation
from provisioning.selectors.outlook import seconds_each
from provisioning.selectors.planned import planned_for

LOOKS_BACK = timedelta(days=90)
REFRESH_EVERY = timedelta(hours=1)


def calendar_of(organization: Organization) -> str:
    """The whole calendar. A constant number of queries, however many instances."""
    now = clock.now()
    events = [*_done(organization, now), *_planned(organization, now)]
    return calendar(f"Sourcegraph updates of {organization.name}", events, REFRESH_EVERY)


def _planned(organization: Organization, now: datetime) -> Iterator[Event]:
    for planned in planned_for(organization):
        downtime, page = PlannedUpdate(planned, now).downtime, _address("instance_updates", planned.instance.pk)
        yield Event(
            uid=_uid(f"{planned.member.rollout_id}.{planned.instance.pk}"),
            start=planned.starts_at,
            end=planned.ends_at,
            changed_at=now,  # the time is a forecast as of now
            title=f"{planned.title}: {planned.instance.slug}",
            text=f"It happens within these hours. Expected downtime: {downtime}.\nMore, and how to put it off: {page}",
            url=page,
            is_certain=False,
        )


def _done(organization: Organization, now: datetime) -> Iterator[Event]:
    operations = (
        Operation.objects.filter(
            instance__organization=organization,
            kind__in=UPDATES,
            status__in=BEGUN,
            started_at__gte=now - LOOKS_BACK,
        )
        .select_related("instance")
        .order_by("started_at")
    )
    usual = {operation.kind: seconds_each(operation.kind) for operation in operations if not operation.finished_at}
    for operation in operations:
        begun = operation.started_at or operation.created_at
        seen = seen_of(operation)
        yield Event(
            uid=_uid(operation.pk),
            start=begun,
            end=operation.finished_at or max(now, begun + timedelta(seconds=usual[operation.kind])),
            changed_at=operation.finished_at or now,
            title=f"{title_of(operation)}: {operation.instance.slug}",
            text=seen.sentence if seen else "",
            url=_address("operation_detail", operation.instance_id, operation.pk),
            is_certain=True,
        )


def _uid(name: str) -> str:
    return f"{name}@{urlsplit(settings.PORTAL_URL).hostname}"


def _address(page: str, *keys: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(page, args=keys)}"
