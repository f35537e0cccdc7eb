"""What an instance of a size consumes in a month, item by item. Derived from what the steps ask Google for."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from portal.core.errors import Invalid
from provisioning.spec import SizeSpec
from provisioning.steps.gke_bodies import EXECUTOR_DISK_GB, EXECUTOR_MACHINE
from provisioning.steps.values import DISKS_GB

HOURS_A_MONTH: Final = 730
# What we have promised ourselves: the smallest size for production costs no more, in US cents a month.
SMALLEST_FOR_PRODUCTION: Final = "s"
SMALLEST_MOST_CENTS: Final = 500_00
# The application's pods beside the frontends, as Backup for GKE counts them (tests/billing/costs renders the chart).
PODS_BESIDE_FRONTENDS: Final = 10
GB_PER_CORE: Final = {"standard": 4, "highmem": 8, "highcpu": 1}
_MACHINE: Final = re.compile(r"(e2|n2)-(standard|highmem|highcpu)-(\d+)")
_TIER: Final = re.compile(r"db-custom-(\d+)-(\d+)")
_MB_A_GB: Final = 1024


@dataclass(frozen=True)
class Need:
    """So much of an item (`key` of billing.costs.items) in a month, in the item's unit, for a part of the instance."""

    part: str
    key: str
    amount: Decimal


@dataclass(frozen=True)
class Machine:
    """A node, as Google sells it."""

    machine_type: str
    disk_gb: int


EXECUTORS: Final = Machine(EXECUTOR_MACHINE, EXECUTOR_DISK_GB)


def month_of(
    size: SizeSpec, *, is_suspended: bool = False, executors: int = 0, has_standby: bool = False
) -> tuple[Need, ...]:
    """All that an instance of that size consumes with so many executors, on the newest architecture, in its project.

    Backups are reckoned as if disks were full and one copy of them were stored: they are incremental. Traffic, logs
    beyond what is free and secrets (under a dollar) are left out. Raises Invalid for a machine or tier whose price is
    made of parts that are not known here.
    """
    needs = [Need(part, key, Decimal(amount)) for part, needs in PARTS.items() for key, amount in needs(size)]
    needs += [Need("executors", key, Decimal(amount)) for key, amount in _machines(EXECUTORS, executors) if executors]
    needs += [Need("standby", key, Decimal(amount)) for key, amount in _standby(size) if has_standby]
    return tuple(need for need in needs if not is_suspended or _stays(need))


def volumes_gb(size: SizeSpec) -> int:
    """All disks that pods have claimed."""
    return size.gitserver_disk_gb + size.search_disk_gb + sum(DISKS_GB.values())


def _stays(need: Need) -> bool:
    """While it is suspended, too (decision 12): there are no nodes then, and the database server is stopped.

    Backup for GKE is reckoned as before: whether it charges for pods that wait for a node, its pages do not say. Of a
    standby only those backups stay.
    """
    if need.part == "standby":
        return need.key.startswith("backup-")
    return need.part not in {"nodes", "executors"} and need.key != "nat" and not need.key.endswith(("-core", "-memory"))


def _cluster(_size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    yield "cluster", HOURS_A_MONTH


def _nodes(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    machine = Machine(size.machine_type, size.node_disk_gb)
    yield from (need for need in _machines(machine, size.node_count) if need[0] != "nat")


def _machines(machine: Machine, count: int) -> Iterator[tuple[str, Decimal | int]]:
    """So many nodes, and that NAT takes by the node."""
    found = _MACHINE.fullmatch(machine.machine_type)
    if found is None:
        raise Invalid(f"What a machine {machine.machine_type} costs is not known.", field="machine_type")
    family, shape, cores = found[1], found[2], int(found[3])
    hours = HOURS_A_MONTH * count
    yield f"{family}-core", cores * hours
    yield f"{family}-memory", cores * GB_PER_CORE[shape] * hours
    yield "pd-balanced", machine.disk_gb * count
    yield "nat", hours


def _volumes(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    if size.disk_type not in {"pd-balanced", "pd-ssd"}:
        raise Invalid(f"What a disk {size.disk_type} costs is not known.", field="disk_type")
    yield size.disk_type, volumes_gb(size)


def _database(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    prefix = "sql-ha" if size.sql_is_highly_available else "sql"
    yield from _server(size, prefix)


def _server(size: SizeSpec, prefix: str) -> Iterator[tuple[str, Decimal | int]]:
    found = _TIER.fullmatch(size.sql_tier)
    if found is None:
        raise Invalid(f"What a database server {size.sql_tier} costs is not known.", field="sql_tier")
    yield f"{prefix}-core", int(found[1]) * HOURS_A_MONTH
    yield f"{prefix}-memory", Decimal(int(found[2]) * HOURS_A_MONTH) / _MB_A_GB
    yield f"{prefix}-disk", size.sql_disk_gb


def _network(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    """The first five forwarding rules cost as much as one; NAT takes by the node, and has one address."""
    yield "forwarding", HOURS_A_MONTH
    yield "nat", HOURS_A_MONTH * size.node_count
    yield "address", HOURS_A_MONTH


def _backups(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    yield "sql-backup", size.sql_disk_gb
    yield "backup-pod", PODS_BESIDE_FRONTENDS + size.frontend_replicas
    yield "backup-storage", volumes_gb(size)


def _standby(size: SizeSpec) -> Iterator[tuple[str, Decimal | int]]:
    """A server in one zone that follows, and backups of the volumes in the other region: for each pod once more."""
    yield from _server(size, "sql")
    yield "backup-pod", PODS_BESIDE_FRONTENDS + size.frontend_replicas
    yield "backup-storage", volumes_gb(size)


PARTS: Final[Mapping[str, Callable[[SizeSpec], Iterator[tuple[str, Decimal | int]]]]] = {
    "cluster": _cluster,
    "nodes": _nodes,
    "volumes": _volumes,
    "database": _database,
    "network": _network,
    "backups": _backups,
}
