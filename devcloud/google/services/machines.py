"""What machines weigh against a region's quotas."""

import re

from devcloud.cloud import Cloud
from devcloud.google.call import Json
from devcloud.google.regions import region_of

NODE_POOLS = "container.nodePools"

_MACHINE = re.compile(r"(?:e2|n1|n2|n2d|c2|c2d|c3|n4|t2d)-(?:standard|highmem|highcpu)-(\d+)")
_SHARED = {"e2-micro": 2, "e2-small": 2, "e2-medium": 2, "f1-micro": 1, "g1-small": 1}


def cpus(machine_type: str) -> int | None:
    """How many, or None for a machine type that doesn't exist."""
    found = _MACHINE.fullmatch(machine_type)
    return int(found[1]) if found else _SHARED.get(machine_type)


def weight(pool: Json, zones_per_pool: int) -> dict[str, float]:
    """What the pool's first nodes use."""
    config = pool.get("config", {})
    nodes = pool.get("initialNodeCount", 0) * zones_per_pool
    boot = float(config.get("diskSizeGb", 100)) * nodes
    metric = "DISKS_TOTAL_GB" if config.get("diskType") == "pd-standard" else "SSD_TOTAL_GB"
    return {"CPUS": float((cpus(config.get("machineType", "e2-medium")) or 0) * nodes), metric: boot}


def usage(cloud: Cloud, project: str, region: str) -> dict[str, float]:
    """What all node pools in the region use."""
    total: dict[str, float] = {}
    for name, entry in cloud.store.items(NODE_POOLS, f"projects/{project}/"):
        location = name.split("/")[3]
        if region_of(location) == region:
            for metric, amount in weight(entry["body"], max(len(entry["body"].get("locations", [])), 1)).items():
                total[metric] = total.get(metric, 0.0) + amount
    return total
