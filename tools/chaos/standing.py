"""Whether running instances are as they were asked for: by their rows, by devcloud's records, by each step's look."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings

from provisioning.engine.survey import Round, Verdict
from provisioning.models import Instance, InstanceStatus, Operation, OperationKind, OperationStatus, Tenancy
from provisioning.spec import DISKS, InstanceSpec, spec_of
from provisioning.workflows.repair import REPAIR
from tools.chaos.census import Census
from tools.chaos.records import VOLUMES, Records

BROUGHT_DATABASE = {"sql_disk_gb": "pgsql"}  # where the databases have no server of their own


def wrong_with(instances: Iterable[Instance], census: Census) -> list[str]:
    """What each running instance has not, or has otherwise than it was asked for, in words."""
    records = census.records()
    return [f"{instance}: {what}" for instance in instances for what in _wrong(instance, records, census)]


def untrue_rows(instances: Iterable[Instance]) -> list[str]:
    """What the rows say that the operations which succeeded do not: each was to leave its spec behind."""
    return [f"{instance}: {what}" for instance in instances for what in _untrue(instance)]


def _wrong(instance: Instance, records: Records, census: Census) -> Iterator[str]:
    spec = spec_of(instance)
    yield from _different(_exactly(spec, census.version_at(instance.domain), records))
    yield from _smaller(_at_least(spec, records))
    yield from _unlike(spec)


def _untrue(instance: Instance) -> Iterator[str]:
    """A teardown asked for in the middle of a change still knows the spec of before; nothing else can be so old."""
    succeeded = instance.operations.filter(status=OperationStatus.SUCCEEDED).order_by("finished_at")
    is_deleted = succeeded.filter(kind=OperationKind.TEARDOWN).exists()
    changes = list(succeeded.exclude(kind=OperationKind.TEARDOWN))
    status = _status(is_deleted=is_deleted, is_built=bool(changes))
    yield from _different({"status": (status, instance.status)})
    if changes:
        wanted, now = InstanceSpec.from_json(changes[-1].wanted), spec_of(instance)
        yield from _different({"release": (wanted.app_version, now.app_version)})
        yield from _different({"size": (wanted.size.name, now.size.name)})
        yield from _smaller({disk: (_largest(disk, changes), now.size.disks[disk]) for disk in DISKS})


def _status(*, is_deleted: bool, is_built: bool) -> InstanceStatus:
    built = InstanceStatus.RUNNING if is_built else InstanceStatus.PENDING
    return InstanceStatus.DELETED if is_deleted else built


def _largest(disk: str, operations: list[Operation]) -> int:
    return max(int(operation.wanted["size"][disk]) for operation in operations)


def _exactly(spec: InstanceSpec, version: str, records: Records) -> dict[str, tuple[Any, Any]]:
    """By what it is: what is wanted and what is found."""
    pairs: dict[str, tuple[Any, Any]] = {"version that answers": (spec.app_version, version)}
    if spec.tenancy == Tenancy.BYOK:
        return pairs
    server, nodes, size = records.server(spec.id), records.nodes(spec.id), spec.size
    return pairs | {
        "machine type": (size.machine_type, nodes and nodes.machine_type),
        "nodes": (size.node_count, nodes and nodes.count),
        "tier of the database server": (size.sql_tier, server and server.tier),
        "high availability": (size.sql_is_highly_available, server and server.is_highly_available),
    }


def _at_least(spec: InstanceSpec, records: Records) -> dict[str, tuple[int, int]]:
    """The disks in GB: none is ever smaller, and one that has grown by itself is no mistake."""
    is_brought = spec.tenancy == Tenancy.BYOK
    volumes, disks = records.volumes(spec.domain), spec.size.disks
    claims = {**VOLUMES, **BROUGHT_DATABASE} if is_brought else VOLUMES
    pairs = {f"volume {claim}": (disks[disk], volumes.get(claim, 0)) for disk, claim in claims.items()}
    if not is_brought:
        server = records.server(spec.id)
        pairs["disk of the database server"] = (disks["sql_disk_gb"], server.disk_gb if server else 0)
    return pairs


def _different(pairs: dict[str, tuple[Any, Any]]) -> Iterator[str]:
    yield from (
        f"{name} is {found!s} and should be {wanted!s}" for name, (wanted, found) in pairs.items() if wanted != found
    )


def _smaller(pairs: dict[str, tuple[int, int]]) -> Iterator[str]:
    yield from (
        f"{name} is {found} GB and was to be {wanted} GB" for name, (wanted, found) in pairs.items() if found < wanted
    )


def _unlike(spec: InstanceSpec) -> Iterator[str]:
    """Each step of a repair looks, as one that begins now would, and should find nothing to do."""
    looks = Round("chaos", REPAIR.for_tenancy(spec.tenancy), spec, spec)
    while (pause := looks.go_on(60)) is not None:
        time.sleep(pause.total_seconds() * settings.ENGINE_PACE)
    findings = looks.findings.values()
    yield from (f"{f.step}: {f.sentence}" for f in findings if f.verdict is not Verdict.STANDS)
