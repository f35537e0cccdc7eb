"""The disks of the chart: which claim belongs to which key of its values, and what of them can never be taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

from lightkube.core.client import Client
from lightkube.resources.core_v1 import PersistentVolumeClaim
from lightkube.resources.storage_v1 import StorageClass
from lightkube.utils.quantity import parse_quantity

from provisioning.clients.kubernetes import name_of

GIB = Decimal(2**30)


@dataclass(frozen=True)
class Disk:
    """A disk of the chart: the key of its values, its claim, and the StatefulSet from whose template the claim is."""

    key: str
    claim: str
    stateful_set: str = ""


DISKS = (
    Disk("gitserver", "repos-gitserver-0", "gitserver"),
    Disk("indexedSearch", "data-indexed-search-0", "indexed-search"),
    Disk("searcher", "cache-searcher-0", "searcher"),
    Disk("redisCache", "redis-cache"),
    Disk("redisStore", "redis-store"),
    Disk("prometheus", "prometheus"),
    Disk("blobstore", "blobstore"),
    Disk("pgsql", "pgsql"),
    Disk("codeIntelDB", "codeintel-db"),
    Disk("codeInsightsDB", "codeinsights-db"),
)


@dataclass(frozen=True)
class Kept:
    """What a release keeps, whatever its spec says: its disks' sizes by key in GiB, and the type of all of them."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    type: str = ""


def kept_in(cluster: Client, namespace: str, storage_class: str) -> Kept:
    """Of the release in a namespace. An empty `storage_class` is somebody else's business."""
    claims = {name_of(claim): claim for claim in cluster.list(PersistentVolumeClaim, namespace=namespace)}
    sizes = {disk.key: gibibytes(requested(claims[disk.claim])) for disk in DISKS if disk.claim in claims}
    return Kept(sizes, _type_of(cluster, storage_class) if storage_class else "")


def keeping(values: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """The values of the chart such that no disk shrinks and none changes its type: Kubernetes would refuse."""
    held = dict(values)
    for key, size in wanted_sizes(values).items():
        held[key] = {**values[key], "storageSize": f"{max(size, kept.sizes.get(key, 0))}Gi"}
    if kept.type and "type" in values["storageClass"]:
        held["storageClass"] = {**values["storageClass"], "type": kept.type}
    return held


def without_disks(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the chart but for its disks, of which an earlier change may have left more than is asked for."""
    left_out = {"storageSize", "type"}
    return {
        key: {name: inner for name, inner in value.items() if name not in left_out}
        if isinstance(value, Mapping)
        else value
        for key, value in values.items()
    }


def wanted_sizes(values: Mapping[str, Any]) -> dict[str, int]:
    """By key of the chart's values, in GiB."""
    sized = (disk.key for disk in DISKS if "storageSize" in values.get(disk.key, {}))
    return {key: int(values[key]["storageSize"].removesuffix("Gi")) for key in sized}


def gibibytes(size: Decimal) -> int:
    """Whole ones, so many that the size fits."""
    return int((size / GIB).to_integral_value(ROUND_CEILING))


def requested(claim: Any) -> Decimal:
    """The bytes that a claim, or the template of one, asks for."""
    return parse_quantity(claim.spec.resources.requests["storage"]) or Decimal(0)


def template_size(templates: Iterable[Any] | None) -> int:
    """The GiB of a StatefulSet's only claim; 0 without one."""
    return next((gibibytes(requested(template)) for template in templates or ()), 0)


def _type_of(cluster: Client, storage_class: str) -> str:
    found = next((item for item in cluster.list(StorageClass) if name_of(item) == storage_class), None)
    return str((found.parameters or {}).get("type", "")) if found else ""
