"""How instances are, and how they stand to the newest release, at hand where their documents are made."""

from collections.abc import Iterable
from typing import Any

from rest_framework.request import Request

from portal.api.serializers import InstanceDocument
from provisioning.models import Instance, InstanceStatus
from provisioning.selectors.health import health_of
from provisioning.selectors.planned import standings_of_releases


def with_standings(instances: Iterable[Instance]) -> list[Instance]:
    """Each carries `health_seen`, and `release_standing`: None once it is deleted. A constant number of queries."""
    listed = list(instances)
    living = [instance for instance in listed if instance.status != InstanceStatus.DELETED]
    standings = standings_of_releases(living) if living else {}
    seen = health_of([instance.pk for instance in listed])
    for instance in listed:
        instance.health_seen = seen[instance.pk]  # type: ignore[attr-defined] # read by InstanceDocument
        instance.release_standing = standings.get(instance.pk)  # type: ignore[attr-defined] # read by InstanceDocument
    return listed


def instance_body(instance: Instance, request: Request) -> Any:
    """The document of one instance."""
    return InstanceDocument(with_standings([instance])[0], context={"request": request}).data
