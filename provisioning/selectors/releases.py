"""What is read of releases: who gets which, and the way there."""

from django.db.models import QuerySet

from portal.core.errors import NotFound
from provisioning.fleet.releases import GETS, crosses_incompatible, newest_for, offered_to, way, ways_from
from provisioning.models import Channel, Release

__all__ = [
    "crosses_incompatible",
    "newest_for",
    "offered_to",
    "release_for",
    "releases_for_customers",
    "way",
    "ways_from",
]
OFFERED_TO_CUSTOMERS = GETS[Channel.EARLY]  # the boldest channel that a customer can choose


def releases_for_customers() -> QuerySet[Release]:
    """What is offered to customers on any channel that they can choose, the latest first."""
    published = Release.objects.filter(status=Release.Status.PUBLISHED, channel__in=OFFERED_TO_CUSTOMERS)
    return published.order_by("-released_at", "-pk")


def release_for(version: str, *, is_staff: bool) -> Release:
    """The release of that version: staff sees every one. Raises NotFound."""
    seen = Release.objects.all() if is_staff else releases_for_customers()
    release = seen.select_related("chart").defer("chart__archive").filter(app_version=version).first()
    if release is None:
        raise NotFound("There is no such release.")
    return release
