"""What an ingress has at Google: a backend service, and the security policy that it asks before it lets anybody in.

The Kubernetes side and the application call this; it knows nothing of the Google side but where such things are kept.
"""

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from devcloud.cloud import Cloud
from devcloud.leftovers import leave

BACKENDS, POLICIES = "compute.backendServices", "compute.securityPolicies"
# The one form of expression that devcloud understands; Google writes names of headers in small letters.
HEADER = re.compile(r"request\.headers\['([a-z0-9-]+)'\] == '([^']+)'")
_CLUSTERS = "container.clusters"
_ADDRESSES = "compute.globalAddresses"
_SERVICE = "kubernetes.io/service-name"


def bring_backend(cloud: Cloud, cluster_id: str, uid: str, service: str, policy: str | None) -> bool:
    """The ingress of that uid has a backend service for the service (NAMESPACE/NAME). Whether it is as it should be.

    It asks the policy of that name, if there is one by now; "" takes it off. None leaves what it asks as it is: which
    is what the controller's newer versions do with a BackendConfig that names none; older ones take it off.
    """
    project = _project(cloud, cluster_id)
    if not project:
        return True
    name = _backend(project, uid)
    entry = cloud.store.get(BACKENDS, name)
    if entry is None:
        leave(cloud, BACKENDS, name, description=json.dumps({_SERVICE: service}), protocol="HTTP")
    if policy is None:
        return True
    wanted = f"projects/{project}/global/securityPolicies/{policy}"
    found = cloud.store.get(POLICIES, wanted) if policy else None
    if policy and not (found and found["ready"]):
        return False
    _attach(cloud, name, found["body"]["selfLink"] if found else "")
    return True


def drop_backend(cloud: Cloud, cluster_id: str, uid: str) -> None:
    """The ingress's backend service is gone; that it never was is fine too."""
    project, _, _rest = cluster_id.partition(".")
    cloud.store.delete(BACKENDS, _backend(project, uid))


def static_address(cloud: Cloud, cluster_id: str, name: str) -> str | None:
    """The global address of that name in the cluster's project; "" while there is none. None outside of Google."""
    project = _project(cloud, cluster_id)
    if not project:
        return None
    entry = cloud.store.get(_ADDRESSES, f"projects/{project}/global/addresses/{name}")
    return str(entry["body"].get("address", "")) if entry and entry["ready"] else ""


def users_of(cloud: Cloud, policy: str) -> Iterator[str]:
    """The full names of the backend services that ask the policy of that full name."""
    for name, entry in cloud.store.items(BACKENDS, "/".join(policy.split("/")[:2]) + "/"):
        if entry["body"].get("securityPolicy", "").endswith(f"/{policy}"):
            yield name


def lets_in(cloud: Cloud, key: str, address: str, headers: Mapping[str, str]) -> bool:
    """Whether who comes from that address with these headers gets to the instance of that key (CLUSTER/NAMESPACE)."""
    cluster_id, _, namespace = key.rpartition("/")
    project = _project(cloud, cluster_id)
    for _name, entry in cloud.store.items(BACKENDS, f"projects/{project}/") if project else ():
        body = entry["body"]
        if json.loads(body["description"])[_SERVICE].startswith(f"{namespace}/") and "securityPolicy" in body:
            policy = "projects/" + body["securityPolicy"].rpartition("projects/")[2]
            found = cloud.store.get(POLICIES, policy)
            return found is None or _verdict(found["body"]["rules"], address, headers) == "allow"
    return True


def _verdict(rules: list[dict[str, Any]], address: str, headers: Mapping[str, str]) -> str:
    """The action of the first rule that applies; the last applies to everybody."""
    return next(str(rule["action"]) for rule in rules if _applies(rule["match"], address, headers))


def _applies(match: dict[str, Any], address: str, headers: Mapping[str, str]) -> bool:
    if "expr" in match:
        found = HEADER.fullmatch(match["expr"]["expression"])
        return found is not None and headers.get(found[1], "") == found[2]
    ranges = match["config"]["srcIpRanges"]
    return "*" in ranges or any(ip_address(address) in ip_network(each) for each in ranges)


def _attach(cloud: Cloud, name: str, policy: str) -> None:
    entry = cloud.store.get(BACKENDS, name)
    if entry and entry["body"].get("securityPolicy", "") != policy:
        entry["body"] = {field: value for field, value in entry["body"].items() if field != "securityPolicy"}
        entry["body"] |= {"securityPolicy": policy} if policy else {}
        cloud.store.put(BACKENDS, name, entry)


def _backend(project: str, uid: str) -> str:
    return f"projects/{project}/global/backendServices/k8s1-{uid[:8]}-frontend"


def _project(cloud: Cloud, cluster_id: str) -> str:
    """The project of a cluster of Google's; empty for one that somebody brings."""
    project, _, rest = cluster_id.partition(".")
    location, _, short = rest.partition(".")
    is_there = cloud.store.get(_CLUSTERS, f"projects/{project}/locations/{location}/clusters/{short}")
    return project if is_there else ""
