"""Compute Engine's inventory: what clusters leave behind (firewall rules, endpoint groups, disks), quotas, places."""

from devcloud.google import errors
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import link
from devcloud.google.regions import REGIONS, zones
from devcloud.google.services.compute import Kind, provide
from devcloud.google.services.machines import usage

# What a new project gets in each region.
QUOTAS = {
    "CPUS": 72.0,
    "SSD_TOTAL_GB": 5000.0,
    "DISKS_TOTAL_GB": 10000.0,
    "IN_USE_ADDRESSES": 8.0,
    "STATIC_ADDRESSES": 8.0,
}
_READ_AND_DELETE = ("get", "list", "aggregatedList", "delete")

for _kind in (
    Kind("firewalls", "firewall", "global", "firewall", "delete.firewall", verbs=("get", "list", "delete")),
    Kind(
        "networkEndpointGroups",
        "networkEndpointGroup",
        "zones",
        "firewall",
        "delete.endpointgroup",
        verbs=_READ_AND_DELETE,
    ),
    Kind("disks", "disk", "zones", "firewall", "delete.disk", verbs=_READ_AND_DELETE),
):
    provide(_kind)


@implements("compute.regions.get")
def _region(call: Call) -> Json:
    region = call["region"]
    if region not in REGIONS:
        raise errors.not_found(f"projects/{call.project}/regions/{region}")
    used = usage(call.cloud, call.project, region)
    quotas = [{"metric": name, "limit": limit, "usage": used.get(name, 0.0)} for name, limit in QUOTAS.items()]
    return {
        "kind": "compute#region",
        "name": region,
        "status": "UP",
        "selfLink": link(call, f"projects/{call.project}/regions/{region}"),
        "zones": [link(call, f"projects/{call.project}/zones/{zone}") for zone in zones(region)],
        "quotas": quotas,
    }


@implements("compute.projects.get")
def _project(call: Call) -> Json:
    return {
        "kind": "compute#project",
        "id": call.project_number,
        "name": call.project,
        "selfLink": link(call, f"projects/{call.project}"),
        "quotas": [{"metric": "NETWORKS", "limit": 15.0, "usage": 0.0}],
    }
