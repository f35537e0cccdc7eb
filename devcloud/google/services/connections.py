"""Service Networking: private services access, by which Cloud SQL gets an address in the customer's network."""

import re

from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources, tenancy
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import write
from devcloud.google.operations import OperationError, Work
from devcloud.google.services.compute import relative
from devcloud.google.services.networks import GLOBAL_ADDRESSES, NETWORKS

CONNECTIONS = "servicenetworking.connections"  # by the network's full name
LINGERING = "servicenetworking.lingering"
INSTANCES = "sql.instances"
PEERING = "servicenetworking-googleapis-com"

_SERVICE = "services/servicenetworking.googleapis.com"
_NETWORK = re.compile(r"projects/(\d+)/(global/networks/[^/]+)")
_TYPE = "google.cloud.servicenetworking.v1.Connection"
_STILL_USED = (
    "Failed to delete connection; Producer services (e.g. CloudSQL, Cloud Memstore, etc.) "
    "are still using this connection."
)


@implements("servicenetworking.services.connections.create")
def _create(call: Call) -> Json:
    network = _network(call, call.body["network"])
    resources.need_ready(call, NETWORKS, network, "network")
    _check_ranges(call, network)
    if call.cloud.store.get(CONNECTIONS, network):
        raise errors.precondition("Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.")
    body = {**call.body, "peering": PEERING, "service": _SERVICE}
    seconds = call.cloud.profile.seconds("psa.connection")
    resources.add(call, CONNECTIONS, network, body, seconds=seconds, invisible=True)
    outcome = ("servicenetworking.connected", {"network": network})
    return _start(call, network, seconds, outcome, operations.gone(CONNECTIONS, network))


@implements("servicenetworking.services.connections.list")
def _list(call: Call) -> Json:
    found = resources.find(call, CONNECTIONS, _network(call, call.get("network", "")))
    return {"connections": [found]} if found else {}


@implements("servicenetworking.services.connections.patch")
def _patch(call: Call) -> Json:
    network = _network(call, call.body["network"])
    resources.need(call, CONNECTIONS, network)
    resources.need_ready(call, CONNECTIONS, network, "connection")
    _check_ranges(call, network)
    changes = {"reservedPeeringRanges": call.body["reservedPeeringRanges"]}
    seconds = call.cloud.profile.seconds("psa.connection")
    outcome = ("servicenetworking.connected", {"network": network, "changes": changes})
    return _start(call, network, seconds, outcome, None)


@implements("servicenetworking.services.connections.deleteConnection")
def _delete(call: Call) -> Json:
    network = _network(call, call.body["consumerNetwork"])
    resources.need(call, CONNECTIONS, network)
    outcome = ("servicenetworking.disconnected", {"network": network})
    return _start(call, network, call.cloud.profile.seconds("delete.psa.connection"), outcome, None)


@operations.outcome("servicenetworking.connected")
def _connected(cloud: Cloud, _at: float, arguments: Json) -> Json | None:
    network = arguments["network"]
    peering = {"name": PEERING, "network": "projects/tenant/global/networks/servicenetworking", "state": "ACTIVE"}
    resources.replace(cloud, NETWORKS, network, {"peerings": [peering]})
    return resources.replace(cloud, CONNECTIONS, network, arguments.get("changes", {}), ready=True)


@operations.outcome("servicenetworking.disconnected")
def _disconnected(cloud: Cloud, at: float, arguments: Json) -> None:
    """The producer's side refuses while an SQL instance has an address in the network, and for a while after."""
    network = arguments["network"]
    lingering = cloud.store.get(LINGERING, network)
    if uses(cloud, network) or (lingering and lingering["until"] > at):
        raise OperationError("FAILED_PRECONDITION", _STILL_USED)
    resources.replace(cloud, NETWORKS, network, {"peerings": []})
    cloud.store.delete(CONNECTIONS, network)


def uses(cloud: Cloud, network: str) -> bool:
    """Whether an SQL instance has an address in the network."""
    project = network.split("/")[1]
    for _name, entry in cloud.store.items(INSTANCES, f"projects/{project}/"):
        if relative(entry["body"]["settings"]["ipConfiguration"].get("privateNetwork", "")) == network:
            return True
    return False


def is_connected(cloud: Cloud, network: str) -> bool:
    """Whether new SQL instances can get an address in the network; its peering may have been removed meanwhile."""
    connection, entry = cloud.store.get(CONNECTIONS, network), cloud.store.get(NETWORKS, network)
    return bool(connection and connection["ready"] and entry and entry["body"].get("peerings"))


def linger(cloud: Cloud, network: str, at: float) -> None:
    """The connection counts as used for a while longer."""
    cloud.store.put(LINGERING, network, {"until": at + cloud.profile.seconds("psa.linger")})


def _network(call: Call, name: str) -> str:
    """The network's full name by project id; the caller must name the project by its number."""
    found = _NETWORK.fullmatch(name)
    project = tenancy.find_project(call.cloud, found[1]) if found else None
    if found is None or project is None:
        raise errors.invalid(f"Network '{name}' is not projects/PROJECT_NUMBER/global/networks/NAME.", "network")
    return f"projects/{project['projectId']}/{found[2]}"


def _check_ranges(call: Call, network: str) -> None:
    ranges = call.body.get("reservedPeeringRanges", [])
    if not ranges:
        raise errors.invalid("At least one reserved range is needed.", "reserved_peering_ranges")
    for name in ranges:
        address = resources.need_ready(
            call, GLOBAL_ADDRESSES, f"projects/{call.project}/global/addresses/{name}", "reserved_peering_ranges"
        )
        if address.get("purpose") != "VPC_PEERING" or relative(address["network"]) != network:
            raise errors.invalid(
                f"Range '{name}' is not reserved for peering in this network.", "reserved_peering_ranges"
            )


def _start(
    call: Call, network: str, seconds: float, outcome: tuple[str, Json], failure: tuple[str, Json] | None
) -> Json:
    name = f"operations/pssn.p24-{call.project_number}-{resources.etag()}"
    details = {"response_type": _TYPE if outcome[0] != "servicenetworking.disconnected" else "google.protobuf.Empty"}
    work = Work(name, call.method.id, network, seconds, outcome, failure, details)
    return write(call, operations.start(call, work))
