"""Compute Engine's network: networks, subnetworks, routers with NAT, and addresses."""

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network

from devcloud.attachments import RULES
from devcloud.cloud import Cloud
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.operations import OperationError
from devcloud.google.services.compute import Kind, operate, prefix, provide, relative, repeated

NETWORKS = "compute.networks"
SUBNETWORKS = "compute.subnetworks"
ROUTERS = "compute.routers"
ADDRESSES = "compute.addresses"
GLOBAL_ADDRESSES = "compute.globalAddresses"
CLUSTERS = "container.clusters"

# Whatever has a network field and keeps the network alive.
_DEPENDENTS = (
    SUBNETWORKS, ROUTERS, GLOBAL_ADDRESSES, RULES, "compute.firewalls", "compute.networkEndpointGroups", CLUSTERS,
)  # fmt: skip


def _complete_network(_call: Call, _name: str, body: Json) -> Json:
    if "autoCreateSubnetworks" not in body:
        raise errors.invalid("Legacy networks are not supported: autoCreateSubnetworks must be given.", "network")
    return {"routingConfig": {"routingMode": "REGIONAL"}, "mtu": 1460, **body}


def _complete_subnetwork(call: Call, name: str, body: Json) -> Json:
    network = relative(body.get("network", ""))
    resources.need_ready(call, NETWORKS, network, "network")
    ranges = [_range(body.get("ipCidrRange", ""))]
    ranges += [_range(second.get("ipCidrRange", "")) for second in body.get("secondaryIpRanges", [])]
    for other_name, other in call.cloud.store.items(SUBNETWORKS, f"projects/{call.project}/"):
        if other_name != name and relative(other["body"]["network"]) == network:
            _check_apart(ranges, other["body"])
    _check_ranges_in_use(call, name, body)
    return {"purpose": "PRIVATE", "gatewayAddress": str(ranges[0][1]), "fingerprint": resources.etag(), **body}


def _check_ranges_in_use(call: Call, name: str, body: Json) -> None:
    """A range that a cluster has its addresses from can neither go nor be another."""
    held = call.cloud.store.get(SUBNETWORKS, name)
    used = {
        cluster["body"].get("ipAllocationPolicy", {}).get(field)
        for _cluster, cluster in call.cloud.store.items(CLUSTERS, f"projects/{call.project}/")
        for field in ("clusterSecondaryRangeName", "servicesSecondaryRangeName")
    }
    for second in held["body"].get("secondaryIpRanges", []) if held else []:
        if second["rangeName"] in used and second not in body.get("secondaryIpRanges", []):
            raise errors.in_use(f"{name}/{second['rangeName']}", "a cluster")


def _complete_router(call: Call, _name: str, body: Json) -> Json:
    resources.need_ready(call, NETWORKS, relative(body["network"]), "network")
    for nat in body.get("nats", []):
        missing = {"name", "natIpAllocateOption", "sourceSubnetworkIpRangesToNat"} - set(nat)
        if missing:
            raise errors.GoogleError(400, "required", f"Required field 'resource.nats[].{min(missing)}' not specified")
        if (nat["natIpAllocateOption"] == "MANUAL_ONLY") is not bool(nat.get("natIps")):
            raise errors.invalid(
                "Invalid value for field 'resource.nats[].natIps': MANUAL_ONLY and natIps go together."
            )
        for address in nat.get("natIps", []):
            resources.need_ready(call, ADDRESSES, relative(address), "resource.nats[].natIps")
    nats = [{"type": "PUBLIC", "enableEndpointIndependentMapping": False, **nat} for nat in body.get("nats", [])]
    return {**body, "nats": nats}


def _complete_address(call: Call, name: str, body: Json) -> Json:
    if body.get("addressType") == "INTERNAL":
        return _complete_internal_address(call, name, body)
    return {
        "addressType": "EXTERNAL",
        "networkTier": "PREMIUM",
        "address": _new_address(call),
        **body,
        "status": "RESERVED",
    }


def _complete_internal_address(call: Call, _name: str, body: Json) -> Json:
    """Of a subnetwork in the same region: the next of its primary range that nobody has."""
    subnetwork = resources.need_ready(call, SUBNETWORKS, relative(body.get("subnetwork", "")), "resource.subnetwork")
    if "network" in body:
        raise errors.invalid("Invalid value for field 'resource.network': it is for VPC_PEERING alone.")
    taken = {entry["body"].get("address") for _name, entry in call.cloud.store.items(ADDRESSES)}
    hosts = (str(host) for host in _range(subnetwork["ipCidrRange"]).hosts())
    free = next(host for host in hosts if host not in taken and host != subnetwork["gatewayAddress"])
    usual = {"purpose": "GCE_ENDPOINT", "networkTier": "PREMIUM", "address": free}
    return {**usual, **body, "subnetwork": subnetwork["selfLink"], "status": "RESERVED"}


def _complete_global_address(call: Call, _name: str, body: Json) -> Json:
    if body.get("purpose") != "VPC_PEERING":
        return {
            "addressType": "EXTERNAL",
            "ipVersion": "IPV4",
            "address": _new_address(call),
            **body,
            "status": "RESERVED",
        }
    if body.get("addressType") != "INTERNAL" or not 8 <= body.get("prefixLength", 0) <= 29:
        message = "A range for VPC_PEERING is INTERNAL and has a prefixLength from 8 to 29."
        raise errors.invalid(f"Invalid value for field 'resource.prefixLength': {message}")
    resources.need_ready(call, NETWORKS, relative(body.get("network", "")), "network")
    return {"address": "10.64.0.0", **body, "status": "RESERVED"}


def _check_address_free(call: Call, name: str) -> None:
    for router_name, router in call.cloud.store.items(ROUTERS, f"projects/{call.project}/"):
        natted = [relative(address) for nat in router["body"].get("nats", []) for address in nat.get("natIps", [])]
        if name in natted:
            raise errors.in_use(name, router_name)
    held = resources.need(call, ADDRESSES, name)
    for rule_name, rule in call.cloud.store.items(RULES, f"projects/{call.project}/"):
        if rule["body"].get("IPAddress") == held["address"]:
            raise errors.in_use(name, rule_name)


def _check_subnetwork_free(call: Call, name: str) -> None:
    for cluster_name, cluster in call.cloud.store.items(CLUSTERS, f"projects/{call.project}/"):
        if relative(cluster["body"]["networkConfig"]["subnetwork"]) == name:
            raise errors.in_use(name, cluster_name)
    for address_name, address in call.cloud.store.items(ADDRESSES, f"projects/{call.project}/"):
        if relative(address["body"].get("subnetwork", "")) == name:
            raise errors.in_use(name, address_name)


def dependents(cloud: Cloud, network: str) -> Iterator[str]:
    """What keeps the network from being deleted, by full name; peerings first."""
    entry = cloud.store.get(NETWORKS, network)
    for peering in entry["body"].get("peerings", []) if entry else []:
        yield f"{network}/peerings/{peering['name']}"
    project = "/".join(network.split("/")[:2])
    for collection in _DEPENDENTS:
        for name, other in cloud.store.items(collection, f"{project}/"):
            body = other["body"]
            used = body["networkConfig"]["network"] if collection == CLUSTERS else body.get("network", "")
            if relative(used) == network:
                yield name


@operations.outcome("compute.network_gone")
def _network_gone(cloud: Cloud, _at: float, arguments: Json) -> None:
    name = arguments["name"]
    for dependent in dependents(cloud, name):
        message = f"The network resource '{name}' is already being used by '{dependent}'"
        raise OperationError("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", message)
    cloud.store.delete(NETWORKS, name)


@implements("compute.networks.removePeering")
def _remove_peering(call: Call) -> Json:
    """What the console does where deleting the private connection fails: the customer's half of the peering goes."""
    if earlier := repeated(call):
        return earlier
    name = f"projects/{call.project}/global/networks/{call['network']}"
    peerings = resources.need(call, NETWORKS, name).get("peerings", [])
    kept = [peering for peering in peerings if peering["name"] != call.body.get("name")]
    if len(kept) == len(peerings):
        raise errors.invalid(f"There is no peering '{call.body.get('name')}' on network '{name}'.", "name")
    seconds = call.cloud.profile.seconds("delete.psa.connection")
    return operate(call, "removePeering", name, seconds, operations.changed(NETWORKS, name, peerings=kept))


@implements("compute.subnetworks.setPrivateIpGoogleAccess")
def _set_private_access(call: Call) -> Json:
    if earlier := repeated(call):
        return earlier
    name = f"{prefix(call, 'regions')}/subnetworks/{call['subnetwork']}"
    resources.need(call, SUBNETWORKS, name)
    wanted = call.body.get("privateIpGoogleAccess", False)
    outcome = operations.changed(SUBNETWORKS, name, privateIpGoogleAccess=wanted)
    return operate(call, "setPrivateIpGoogleAccess", name, call.cloud.profile.seconds("subnetwork"), outcome)


def _range(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise errors.invalid(
            f"Invalid value for field 'ipCidrRange': '{text}'. Must be a CIDR address range."
        ) from None


def _check_apart(ranges: list[IPv4Network], other: Json) -> None:
    taken = [other["ipCidrRange"], *(second["ipCidrRange"] for second in other.get("secondaryIpRanges", []))]
    for wanted in ranges:
        for text in taken:
            if wanted.overlaps(ip_network(text)):
                message = (
                    f"Invalid IPCidrRange: {wanted} conflicts with existing subnetwork '{other['name']}' ({text})."
                )
                raise errors.invalid(message)


def _new_address(call: Call) -> str:
    """Unique, from the block that is reserved for documentation of benchmarks."""
    counter = call.cloud.store.get("compute.counters", "addresses") or {"next": 1}
    call.cloud.store.put("compute.counters", "addresses", {"next": counter["next"] + 1})
    return str(IPv4Network("198.18.0.0/15")[counter["next"]])


for _kind in (
    Kind(
        "networks", "network", "global", "network", "delete.network",
        complete=_complete_network, deleted="compute.network_gone",
        verbs=("insert", "get", "list", "patch", "delete"), patchable=frozenset({"routingConfig"}),
    ),
    Kind(
        "subnetworks", "subnetwork", "regions", "subnetwork", "delete.subnetwork",
        complete=_complete_subnetwork, check_deletable=_check_subnetwork_free,
        verbs=("insert", "get", "list", "aggregatedList", "patch", "delete"),
        patchable=frozenset({"secondaryIpRanges", "description"}),
    ),
    Kind(
        "routers", "router", "regions", "router", "delete.router",
        complete=_complete_router, verbs=("insert", "get", "list", "aggregatedList", "patch", "delete"),
        patchable=frozenset({"nats", "description", "bgp"}),
    ),
    Kind(
        "addresses", "address", "regions", "address", "delete.address",
        complete=_complete_address, check_deletable=_check_address_free,
        verbs=("insert", "get", "list", "aggregatedList", "setLabels", "delete"),
    ),
    Kind(
        "globalAddresses", "address", "global", "psa.range", "delete.address", complete=_complete_global_address,
        verbs=("insert", "get", "list", "setLabels", "delete"),
    ),
):  # fmt: skip
    provide(_kind)
