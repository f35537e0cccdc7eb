"""Endpoints of Private Service Connect: forwarding rules that lead to a service that somebody else has published.

Which services are published, and whom they accept, the control API is told (devcloud/attachments.py).
"""

import re

from devcloud.attachments import ATTACHMENTS, RULES, status_for
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json
from devcloud.google.operation_forms import link
from devcloud.google.services.compute import Kind, provide, relative
from devcloud.google.services.networks import ADDRESSES, NETWORKS, SUBNETWORKS

_ATTACHMENT = re.compile(r"projects/[^/]+/regions/([^/]+)/serviceAttachments/[^/]+")


def _complete(call: Call, name: str, body: Json) -> Json:
    """An endpoint has an address and a network of the caller's, and a target in its own region."""
    target = relative(body.get("target", ""))
    found = _ATTACHMENT.fullmatch(target)
    if found is None:
        raise errors.invalid(f"Invalid value for field 'resource.target': '{target}'. It is no service attachment.")
    if "loadBalancingScheme" in body:
        raise errors.invalid("Invalid value for field 'resource.loadBalancingScheme': it must be empty for PSC.")
    if found[1] != call["region"]:
        raise errors.invalid("Invalid value for field 'resource.target': it must be in the forwarding rule's region.")
    attachment = call.cloud.store.get(ATTACHMENTS, target)
    if attachment is None:
        raise errors.GoogleError(404, "notFound", f"The resource '{target}' was not found")
    network = relative(body.get("network", ""))
    resources.need_ready(call, NETWORKS, network, "resource.network")
    return {
        **body,
        "IPAddress": _address(call, name, body.get("IPAddress", ""), network),
        "target": link(call, target),
        "pscConnectionId": resources.new_id(),
        "pscConnectionStatus": status_for(attachment, call.project),
    }


def _address(call: Call, name: str, reference: str, network: str) -> str:
    """The address itself, as every answer has it. It is reserved in a subnetwork of the network, and free."""
    address = relative(reference)
    reserved = resources.need_ready(call, ADDRESSES, address, "resource.IPAddress")
    if reserved["addressType"] != "INTERNAL":
        raise errors.invalid("Invalid value for field 'resource.IPAddress': it must be an internal address.")
    subnetwork = resources.need_ready(call, SUBNETWORKS, relative(reserved["subnetwork"]), "resource.subnetwork")
    if relative(subnetwork["network"]) != network:
        raise errors.invalid("Invalid value for field 'resource.IPAddress': it is of another network.")
    for other_name, other in call.cloud.store.items(RULES, f"projects/{call.project}/"):
        if other_name != name and other["body"]["IPAddress"] == reserved["address"]:
            raise errors.in_use(address, other_name)
    return str(reserved["address"])


provide(
    Kind(
        "forwardingRules",
        "forwardingRule",
        "regions",
        "firewall",
        "delete.address",
        complete=_complete,
        verbs=("insert", "get", "list", "aggregatedList", "setLabels", "delete"),
    )
)
