"""How full the disks are: of a dedicated instance as Cloud Monitoring knows it. A brought cluster's API server does not
know; it tells of volumes that are lost.
"""

from typing import Any, Final

from lightkube.core.client import Client
from lightkube.resources.core_v1 import PersistentVolumeClaim

from provisioning.clients.kubernetes import name_of
from provisioning.health.inside.findings import Finding, Subject, What, degraded, skipped, unknown, well
from provisioning.models import Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.capacity import Disk, disks_of, fullest_first
from provisioning.steps.kubernetes import in_cluster
from provisioning.steps.sql import server_of

TIMEOUT_SECONDS: Final = 10.0
FULL_PERCENT: Final = 80
LOST: Final = "Lost"
OF_THE_SERVER: Final = "sql_disk_gb"


def look_at_disks(subject: Subject) -> Finding:
    """None is filling up; or which are."""
    return _dedicated(subject.spec) if subject.spec.tenancy == Tenancy.DEDICATED else _brought(subject.spec)


def _dedicated(spec: InstanceSpec) -> Finding:
    disks = fullest_first(disk for each in disks_of(spec).values() for disk in each)
    if not disks:
        return unknown(What.DISK, "Cloud Monitoring does not know how full the disks are.")
    full = [disk for disk in disks if _percent(disk) > FULL_PERCENT]
    figures = {"disks": [_figures(spec, disk, is_full=disk in full) for disk in disks]}
    if full:
        return degraded(What.DISK, f"{'; '.join(map(str, full))}.", **figures)
    return well(What.DISK, f"The fullest, {disks[0].name}, is {_percent(disks[0])} % full.", **figures)


def _brought(spec: InstanceSpec) -> Finding:
    lost = in_cluster(spec, lambda cluster: _lost(cluster, spec), timeout_seconds=TIMEOUT_SECONDS)
    if lost:
        return degraded(What.DISK, f"The volume of {', '.join(lost)} is lost.", disks=[])
    return skipped(What.DISK, "Not checked: the API server of a brought cluster does not tell how full disks are.")


def _lost(cluster: Client, spec: InstanceSpec) -> list[str]:
    claims = cluster.list(PersistentVolumeClaim, namespace=names.namespace(spec))
    return [name_of(claim) for claim in claims if claim.status and claim.status.phase == LOST]


def _percent(disk: Disk) -> int:
    return round(disk.utilization * 100)


def _figures(spec: InstanceSpec, disk: Disk, *, is_full: bool) -> dict[str, Any]:
    """`gb` is how large it is now: a database's disk grows by itself, so that is asked where it matters."""
    gb = spec.size.disks.get(disk.sized_by, 0)
    if is_full and disk.sized_by == OF_THE_SERVER:
        gb = max(gb, int(server_of(spec)["settings"].get("dataDiskSizeGb", 0)))
    return {"name": disk.name, "percent": _percent(disk), "sized_by": disk.sized_by, "gb": gb, "is_full": is_full}
