"""The private network: what it is made of, and the addresses that are reserved in it."""

from typing import Any

from provisioning.clients.google import AlreadyExists, NotFound, api, execute
from provisioning.engine.action import AsWanted, Context, Differs, Missing, NotYet, Seen, UnderWay
from provisioning.fleet.features import STATIC_ADDRESS
from provisioning.steps import names
from provisioning.steps.compute import ComputeResource
from provisioning.steps.differences import differences
from provisioning.steps.google import GoogleAction, begun, project_number
from provisioning.steps.leftovers import sweep
from provisioning.steps.parts import Part

# Of nodes, pods and services. Those of the two regions that an instance moves between do not overlap: while it moves,
# subnets and clusters of both are in one network.
BLOCKS = (("10.0.0.0/20", "10.4.0.0/14", "10.8.0.0/20"), ("10.0.16.0/20", "10.12.0.0/14", "10.8.16.0/20"))
SERVICE_NETWORKING = "services/servicenetworking.googleapis.com"
PEERING = "servicenetworking-googleapis-com"


class Network(ComputeResource):
    """Private network"""

    collection, argument, name = "networks", "network", names.NETWORK
    changeable = frozenset({"routingConfig"})

    def body(self, context: Context) -> dict[str, Any]:
        return {
            "autoCreateSubnetworks": False,
            "routingConfig": {"routingMode": "REGIONAL"},
            "description": f"Of the Sourcegraph instance {context.spec.id}",
        }

    def remove(self, context: Context) -> str:
        """What a cluster has left in it goes first: it would block the network for ever."""
        sweep(context.spec.id)
        return super().remove(context)


class Subnet(ComputeResource):
    """Subnet for nodes, pods and services"""

    collection, argument, name = "subnetworks", "subnetwork", names.SUBNET
    is_regional = True
    changeable = frozenset({"privateIpGoogleAccess", "secondaryIpRanges"})

    def body(self, context: Context) -> dict[str, Any]:
        nodes, pods, services = BLOCKS[context.spec.takeovers % len(BLOCKS)]
        return {
            "network": names.network_path(context.spec.id),
            "ipCidrRange": nodes,
            "privateIpGoogleAccess": True,
            "secondaryIpRanges": [
                {"rangeName": names.POD_RANGE, "ipCidrRange": pods},
                {"rangeName": names.SERVICE_RANGE, "ipCidrRange": services},
            ],
        }

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:
        if field == "secondaryIpRanges":
            ranges = self.body(context)[field]
            return self.patch(context, {field: ranges, "fingerprint": found.get("fingerprint", "")})
        place = {"project": context.spec.id, "region": context.spec.region, "subnetwork": self.name}
        return api("compute", "v1").subnetworks().setPrivateIpGoogleAccess(**place, body={field: True})


class OutboundAddress(ComputeResource):
    """Static outbound address"""

    collection, argument, name = "addresses", "address", names.OUTBOUND_ADDRESS
    is_regional = True
    changeable = frozenset({"labels"})

    def body(self, context: Context) -> dict[str, Any]:
        return {"addressType": "EXTERNAL", "labels": context.spec.labels}

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - labels alone
        return self.set_labels(context, found)

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"outbound_address": found["address"]}


class Gateway(ComputeResource):
    """Outgoing internet access

    From addresses of Google's choice, or from one that is the instance's own where a feature asks for that: that one is
    reserved before the gateway takes to it, and given back only once the gateway has left it.
    """

    collection, argument, name = "routers", "router", names.ROUTER
    is_regional = True
    changeable = frozenset({"nats"})
    address = OutboundAddress()

    def body(self, context: Context) -> dict[str, Any]:
        nat = {
            "name": "nat",
            "natIpAllocateOption": "AUTO_ONLY",
            "natIps": [],
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }
        if context.spec.has_part(STATIC_ADDRESS):
            nat |= {"natIpAllocateOption": "MANUAL_ONLY", "natIps": [names.outbound_address_url(context.spec)]}
        return {"network": names.network_path(context.spec.id), "nats": [nat]}

    def see(self, context: Context) -> Seen:
        """An address that is reserved and unused costs money, so that it counts as a difference."""
        address = self.address.look(context)
        try:
            seen = super().see(context)
        except NotFound:
            if isinstance(address, Missing):
                raise
            return address if isinstance(address, UnderWay) else Differs("there is its address, and no gateway")
        if context.spec.has_part(STATIC_ADDRESS):
            return seen if isinstance(address, AsWanted) and not isinstance(seen, AsWanted) else address
        if not isinstance(seen, AsWanted) or isinstance(address, Missing | UnderWay):
            return seen
        return Differs("its former address is still reserved")

    def create(self, context: Context) -> str:
        is_wanted, address = context.spec.has_part(STATIC_ADDRESS), self.address.look(context)
        if is_wanted and not isinstance(address, AsWanted):
            return self.address.make(context)
        if not is_wanted and not isinstance(address, Missing) and isinstance(super().see(context), AsWanted):
            return self.address.remove(context)
        return super().create(context)

    def remove(self, context: Context) -> str:
        """The gateway goes first: its address is in use as long as it is there."""
        try:
            return super().remove(context)
        except NotFound:
            return self.address.remove(context)


class PrivateRange(ComputeResource):
    """Address range for Google's private services"""

    collection, argument, name = "globalAddresses", "address", names.PRIVATE_RANGE
    changeable = frozenset({"labels"})

    def body(self, context: Context) -> dict[str, Any]:
        return {
            "purpose": "VPC_PEERING",
            "addressType": "INTERNAL",
            "prefixLength": 16,
            "network": names.network_path(context.spec.id),
            "labels": context.spec.labels,
        }

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - labels alone
        return self.set_labels(context, found)


class Address(ComputeResource):
    """Public IP address"""

    collection, argument, name = "globalAddresses", "address", names.ADDRESS
    changeable = frozenset({"labels"})

    def named(self, context: Context) -> str:
        return names.address(context.spec)

    def body(self, context: Context) -> dict[str, Any]:
        return {"addressType": "EXTERNAL", "ipVersion": "IPV4", "labels": context.spec.labels}

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - labels alone
        return self.set_labels(context, found)

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"ip": found["address"]}


def public_address(context: Context) -> str | None:
    """Where the instance answers, for who goes back: then no step has put that out. None when there is no address."""
    place = {"project": context.spec.id, "address": names.address(context.spec)}
    try:
        found = execute(api("compute", "v1").globalAddresses().get(**place))
    except NotFound:
        return None
    return str(found["address"])


class PrivateConnection(GoogleAction):
    """Private connection to the database service"""

    def see(self, context: Context) -> Seen:
        network = self._network(context)
        answer = execute(_connections().list(parent=SERVICE_NETWORKING, network=network))
        connection = next(iter(answer.get("connections", ())), None)
        if connection is None:
            return Missing("servicenetworking.googleapis.com lists no connection of the network")
        wanted = {"reservedPeeringRanges": [names.PRIVATE_RANGE], "peering": {"state": "ACTIVE"}}
        found = {**connection, "peering": self._peering(context)}
        changes = differences(wanted, found)
        return Differs.in_settings(changes) if changes else AsWanted()

    def create(self, context: Context) -> str:
        """The two networks are joined; where they were once, over other ranges or parted since, again."""
        body = {"network": self._network(context), "reservedPeeringRanges": [names.PRIVATE_RANGE]}
        try:
            request = _connections().create(parent=SERVICE_NETWORKING, body=body)
            return begun(context, "servicenetworking", request, "join the two networks")
        except AlreadyExists:
            request = _connections().patch(name=f"{SERVICE_NETWORKING}/connections/-", force=True, body=body)
        try:
            return begun(context, "servicenetworking", request, "change the connection")
        except NotFound:
            raise NotYet("the connection that an earlier try began to appear") from None

    def remove(self, context: Context) -> str:
        """Google refuses for up to four days after the last database is gone; the connection dies with the project."""
        name = f"{SERVICE_NETWORKING}/connections/{PEERING}"
        body = {"consumerNetwork": self._network(context)}
        request = _connections().deleteConnection(name=name, body=body)
        return begun(context, "servicenetworking", request, "part the two networks")

    def resource(self, context: Context) -> str:
        network = f"global/networks/{names.NETWORK}"
        return names.project_resource(context.spec, "servicenetworking", f"{network}/connections/{PEERING}")

    def _peering(self, context: Context) -> dict[str, Any]:
        """Our half of the connection: it comes last, and a person can take it away."""
        network = execute(api("compute", "v1").networks().get(project=context.spec.id, network=names.NETWORK))
        return next((peering for peering in network.get("peerings", ()) if peering["name"] == PEERING), {})

    def _network(self, context: Context) -> str:
        return names.network_path(project_number(context))


class RangeOfArchitecture(Part, PrivateRange):
    """Address range for Google's private services"""

    part, stays = "private_database", True


class ConnectionOfArchitecture(Part, PrivateConnection):
    """Private connection to the database service"""

    part, stays = "private_database", True


def _connections() -> Any:
    return api("servicenetworking", "v1").services().connections()
