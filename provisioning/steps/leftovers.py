"""What a cluster leaves behind in the project: endpoint groups, disks, firewall rules. They block, or they cost."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.engine.action import Change, Context, Differs, Missing, NotYet, Seen
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

ZONAL = {"networkEndpointGroups": "networkEndpointGroup", "disks": "disk"}
SHOWN = 5


@dataclass(frozen=True)
class Leftover:
    collection: str
    argument: str
    name: str
    zone: str = ""


class Leftovers(GoogleAction):
    """Disks, endpoint groups and firewall rules left behind

    The project is the instance's alone: whatever of these is in it goes. Volumes are kept on purpose when a release is
    removed, so that their disks outlive the cluster.
    """

    def see(self, context: Context) -> Seen:
        found = list(leftovers_of(context.spec.id))
        if not found:
            return Missing("compute.googleapis.com lists no disks, network endpoint groups or firewall rules")
        changes = tuple(Change(f"{leftover.collection}[{leftover.name}]", None, leftover.name) for leftover in found)
        return Differs(", ".join(leftover.name for leftover in found[:SHOWN]), changes)

    def remove(self, context: Context) -> str:
        sweep(context.spec.id)
        return "found nothing left"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "compute")


def sweep(project: str, zone: str = "") -> None:
    """Nothing is left behind, in the project or in that zone alone.

    Raises NotYet after asking each to go: they are seen until they are gone.
    """
    found = list(leftovers_in(project, zone) if zone else leftovers_of(project))
    for leftover in found:
        _delete(project, leftover)
    if found:
        raise NotYet("what the cluster left behind to be gone")


def leftovers_of(project: str) -> Iterator[Leftover]:
    """Endpoint groups first: they keep the network from being deleted."""
    yield from _zonal(project)
    rules = pages(_collection("firewalls"), _collection("firewalls").list(project=project))
    yield from (Leftover("firewalls", "firewall", item["name"]) for page in rules for item in page.get("items", ()))


def leftovers_in(project: str, zone: str) -> Iterator[Leftover]:
    """Of one zone alone, where another cluster of the project goes on elsewhere."""
    return (leftover for leftover in _zonal(project) if leftover.zone == zone)


def _zonal(project: str) -> Iterator[Leftover]:
    for collection, argument in ZONAL.items():
        listing = pages(
            _collection(collection), _collection(collection).aggregatedList(project=project), "aggregatedList"
        )
        for page in listing:
            for scope, found in page.get("items", {}).items():
                zone = scope.removeprefix("zones/")
                yield from (Leftover(collection, argument, item["name"], zone) for item in found.get(collection, ()))


def _delete(project: str, leftover: Leftover) -> None:
    place = {"project": project, leftover.argument: leftover.name}
    place |= {"zone": leftover.zone} if leftover.zone else {}
    with suppress(NotFound):
        execute(_collection(leftover.collection).delete(**place))


def _collection(name: str) -> Any:
    return getattr(api("compute", "v1"), name)()
