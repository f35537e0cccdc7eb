"""A way to what a customer has on no internet: an endpoint of Private Service Connect, and a name that leads to it.

The other side accepts the connection, when its people get round to that. Nothing waits for them: an endpoint that is
not accepted yet is as it should be, and how it stands is put out. Sources: Google's pages on endpoints of published
services and on private zones, read 2026-12-01.
"""

from typing import Any

from provisioning.clients.google import AlreadyExists, NotFound, api, execute
from provisioning.engine.action import AsWanted, Context, Differs, Missing, NotYet, Refused, Seen, UnderWay
from provisioning.fleet.details import HOST, SERVICE_ATTACHMENT
from provisioning.fleet.features import PRIVATE_CONNECTIVITY
from provisioning.steps import names
from provisioning.steps.compute import ComputeResource
from provisioning.steps.differences import differences
from provisioning.steps.google import GoogleAction
from provisioning.steps.parts import PartOfFeature

LIFETIME_SECONDS = 300
STATUS, ADDRESS = "connection_status", "private_address"


class EndpointAddress(ComputeResource):
    """Private address of the endpoint"""

    collection, argument, name = "addresses", "address", names.ENDPOINT
    is_regional = True
    changeable = frozenset({"labels"})

    def body(self, context: Context) -> dict[str, Any]:
        subnet = f"projects/{context.spec.id}/regions/{context.spec.region}/subnetworks/{names.SUBNET}"
        return {"addressType": "INTERNAL", "subnetwork": subnet, "labels": context.spec.labels}

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - labels alone
        return self.set_labels(context, found)

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:
        return {ADDRESS: found["address"]}


class Endpoint(ComputeResource):
    """Private endpoint

    Where it leads is decided when it is made: to lead elsewhere, it is made anew.
    """

    collection, argument, name = "forwardingRules", "forwardingRule", names.ENDPOINT
    is_regional = True
    changeable = frozenset({"labels"})

    def body(self, context: Context) -> dict[str, Any]:
        return {
            "target": context.spec.details_of(PRIVATE_CONNECTIVITY).get(SERVICE_ATTACHMENT, ""),
            "network": names.network_path(context.spec.id),
            "labels": context.spec.labels,
        }

    def create(self, context: Context) -> str:
        try:
            found = self._found(context)
        except NotFound:
            return self._insert(context)
        if differences({"target": self.body(context)["target"]}, found):
            return f"{self.remove(context)}, to make it anew"
        return super().create(context)

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - labels alone
        return self.set_labels(context, found)

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:
        return {STATUS: found.get("pscConnectionStatus", "")}

    def _insert(self, context: Context) -> str:
        """Raises Refused for a service that is not there: nobody but the customer can put that right."""
        try:
            return super()._insert(context)
        except NotFound as absent:
            raise Refused(
                f"Google knows no {self.body(context)['target']}. {absent.problem.message}",
                "Ask the customer: they can change the details on the feature's page.",
            ) from None

    def _insert_body(self, context: Context) -> dict[str, Any]:
        """The scheme of load balancing is left out, as Google wants it of an endpoint. The name is ours to make."""
        address = f"projects/{context.spec.id}/regions/{context.spec.region}/addresses/{names.ENDPOINT}"
        return {**super()._insert_body(context), "IPAddress": address, "noAutomateDnsZone": True}


class HostName(GoogleAction):
    """Private name of the endpoint

    A zone of its own, which only the instance's network sees, so that other names of the customer's are as ever.
    """

    def see(self, context: Context) -> Seen:
        zone = _zone(context)
        if not names.is_ours(zone.get("labels"), context.spec):
            raise Refused(
                f"There is a zone “{names.PRIVATE_ZONE}” in the project without our labels.",
                "Find out who made it; remove it, then retry the step.",
            )
        if changes := differences(_zone_body(context), zone):
            return Differs.in_settings(changes)
        changes = differences({"rrdatas": [_address(context)]}, next(iter(_records(context)), {}))
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        try:
            zone = _zone(context)
        except NotFound:
            execute(_zones().create(project=context.spec.id, body=_zone_body(context)))
            return "made the private zone"
        if differences(_zone_body(context), zone):
            return f"{self.remove(context)}, to make it anew"
        record = {"name": zone["dnsName"], "type": "A", "ttl": LIFETIME_SECONDS, "rrdatas": [_address(context)]}
        _change(context, {"additions": [record], "deletions": _records(context)})
        return "pointed the name to the endpoint"

    def remove(self, context: Context) -> str:
        """A zone goes once there is nothing in it but what Google itself has put there."""
        if records := _records(context):
            _change(context, {"additions": [], "deletions": records})
            return "removed the private name"
        execute(_zones().delete(**_place(context)))
        return "removed the private zone"

    def resource(self, context: Context) -> str:
        return names.project_resource(context.spec, "dns", f"managedZones/{names.PRIVATE_ZONE}")


class PrivateEndpoint(GoogleAction):
    """Private connectivity

    An address, the endpoint that has it, and the name that leads there, made in this order and removed in the other: so
    without the address there is none of them.
    """

    pieces: tuple[GoogleAction, ...] = (EndpointAddress(), Endpoint(), HostName())

    def see(self, context: Context) -> Seen:
        outputs: dict[str, Any] = {}
        for piece in self.pieces:
            seen = piece.look(context)
            if isinstance(seen, Missing) and piece is not self.pieces[0]:
                return Differs(f"without its {piece.title()[0].lower()}{piece.title()[1:]}")
            if not isinstance(seen, AsWanted):
                return seen
            outputs |= seen.outputs
        return AsWanted(outputs)

    def create(self, context: Context) -> str:
        for piece in self.pieces:
            seen = piece.look(context)
            if isinstance(seen, UnderWay):
                raise NotYet(seen.why, seen.again)
            if not isinstance(seen, AsWanted):
                return piece.make(context)
        return "found it as wanted"

    def remove(self, context: Context) -> str:
        for piece in reversed(self.pieces):
            seen = piece.look(context)
            if isinstance(seen, UnderWay):
                raise NotYet(seen.why, seen.again)
            if not isinstance(seen, Missing):
                return piece.drop(context)
        return "found nothing to remove"

    def resource(self, context: Context) -> str:
        return self.pieces[1].resource(context)


class PrivateEndpointOfFeature(PartOfFeature, PrivateEndpoint):
    """Private connectivity"""

    part = PRIVATE_CONNECTIVITY


def connection_status(project: str, region: str) -> str | None:
    """How the other side has answered, in Google's word; None where there is no endpoint. One call."""
    place = {"project": project, "region": region, "forwardingRule": names.ENDPOINT}
    try:
        return str(execute(api("compute", "v1").forwardingRules().get(**place)).get("pscConnectionStatus", ""))
    except NotFound:
        return None


def _address(context: Context) -> str:
    place = {"project": context.spec.id, "region": context.spec.region, "address": names.ENDPOINT}
    return str(execute(api("compute", "v1").addresses().get(**place))["address"])


def _zone(context: Context) -> dict[str, Any]:
    return execute(_zones().get(**_place(context)))


def _zone_body(context: Context) -> dict[str, Any]:
    network = f"https://www.googleapis.com/compute/v1/{names.network_path(context.spec.id)}"
    return {
        "name": names.PRIVATE_ZONE,
        "dnsName": f"{context.spec.details_of(PRIVATE_CONNECTIVITY).get(HOST, '')}.",
        "description": f"What the Sourcegraph instance {context.spec.id} reaches privately",
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": network}]},
        "labels": context.spec.labels,
    }


def _records(context: Context) -> list[dict[str, Any]]:
    """Ours: all but those that every zone has."""
    listing = api("dns", "v1").resourceRecordSets().list(**_place(context))
    return [record for record in execute(listing).get("rrsets", ()) if record["type"] not in {"NS", "SOA"}]


def _change(context: Context, body: dict[str, list[dict[str, Any]]]) -> None:
    """All of it or nothing; somebody quicker (an earlier try of ours, mostly) is seen by the next look."""
    try:
        execute(api("dns", "v1").changes().create(**_place(context), body=body))
    except AlreadyExists:
        raise NotYet("the zone to show what an earlier try wrote") from None


def _place(context: Context) -> dict[str, str]:
    return {"project": context.spec.id, "managedZone": names.PRIVATE_ZONE}


def _zones() -> Any:
    return api("dns", "v1").managedZones()
