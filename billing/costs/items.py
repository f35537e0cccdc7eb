"""What Google charges for, as far as an instance consumes it, and how the Cloud Billing Catalog calls it.

A pattern fits the whole description of a SKU but for where it is: “E2 Instance Core running in Americas”, “E2 Instance
Core in Montreal”. Preemptible and committed ones have other descriptions, and another usage type. Descriptions as the
catalogue had them in August and September 2026; that of Backup for GKE is not known, so its price stays as bundled.
"""

import re
from dataclasses import dataclass
from typing import Final

HOUR, GB_HOUR, GB_MONTH = "h", "GiBy.h", "GiBy.mo"  # the catalogue's own words for units
POD_MONTH = "pod.mo"
UNIT_WORDS: Final = {HOUR: "hour", GB_HOUR: "GB hour", GB_MONTH: "GB month", POD_MONTH: "pod month"}
PLACE: Final = r"( running)?( in .+)?"


@dataclass(frozen=True)
class Item:
    """`service` is the display name of a service in the catalogue; without a `pattern` it is not looked for there."""

    key: str
    title: str
    unit: str
    service: str
    pattern: str = ""

    def fits(self, description: str) -> bool:
        return bool(self.pattern) and re.fullmatch(self.pattern + PLACE, description, re.IGNORECASE) is not None

    @property
    def unit_word(self) -> str:
        return UNIT_WORDS[self.unit]


_COMPUTE, _KUBERNETES, _SQL = "Compute Engine", "Kubernetes Engine", "Cloud SQL"
_POSTGRES = "Cloud SQL for PostgreSQL: "

# fmt: off
_ALL: Final = (
    Item("cluster", "Cluster management", HOUR, _KUBERNETES, "Zonal Kubernetes Clusters"),
    Item("e2-core", "E2 core", HOUR, _COMPUTE, "E2 Instance Core"),
    Item("e2-memory", "E2 memory", GB_HOUR, _COMPUTE, "E2 Instance Ram"),
    Item("n2-core", "N2 core", HOUR, _COMPUTE, "N2 Instance Core"),
    Item("n2-memory", "N2 memory", GB_HOUR, _COMPUTE, "N2 Instance Ram"),
    Item("pd-balanced", "Balanced disk", GB_MONTH, _COMPUTE, "Balanced PD Capacity"),
    Item("pd-ssd", "SSD disk", GB_MONTH, _COMPUTE, "SSD backed PD Capacity"),
    Item("forwarding", "Load balancer", HOUR, _COMPUTE, r".*Forwarding Rule Minimum Service Charge"),
    Item("nat", "Outgoing access of a node", HOUR, _COMPUTE, r"(Cloud )?NAT Gateway: Uptime charge"),
    Item("address", "External address", HOUR, _COMPUTE, "External IP Charge on a Standard VM"),
    Item("sql-core", "Database core", HOUR, _SQL, f"{_POSTGRES}Zonal - vCPU"),
    Item("sql-memory", "Database memory", GB_HOUR, _SQL, f"{_POSTGRES}Zonal - RAM"),
    Item("sql-disk", "Database disk", GB_MONTH, _SQL, f"{_POSTGRES}Zonal - Standard storage"),
    Item("sql-ha-core", "Database core, two zones", HOUR, _SQL, f"{_POSTGRES}Regional - vCPU"),
    Item("sql-ha-memory", "Database memory, two zones", GB_HOUR, _SQL, f"{_POSTGRES}Regional - RAM"),
    Item("sql-ha-disk", "Database disk, two zones", GB_MONTH, _SQL, f"{_POSTGRES}Regional - Standard storage"),
    Item("sql-backup", "Database backups", GB_MONTH, _SQL, "Cloud SQL: Backups"),
    Item("backup-pod", "Backup for GKE, pods", POD_MONTH, _KUBERNETES),
    Item("backup-storage", "Backup for GKE, storage", GB_MONTH, _KUBERNETES),
)
# fmt: on
ITEMS: Final = {item.key: item for item in _ALL}
