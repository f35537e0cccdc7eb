"""An instance as an operation sees it: a frozen snapshot, so that a job ends on the terms it was begun on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from provisioning.models import Instance, InstanceStatus, Size

DISKS = ("sql_disk_gb", "gitserver_disk_gb", "search_disk_gb")
TOLD_WHERE_SO = ("is_suspended", "takeovers", "lost_region")
FIRST_NUMBERS = {1: "1.1"}  # what operations say that were begun when there was one architecture only


@dataclass(frozen=True)
class SizeSpec:
    """The capacity of one instance; disks in GB. Fields as in provisioning.models.Size."""

    name: str
    users: int
    machine_type: str
    node_count: int
    node_disk_gb: int
    sql_tier: str
    sql_disk_gb: int
    sql_is_highly_available: bool
    gitserver_disk_gb: int
    search_disk_gb: int
    disk_type: str
    frontend_replicas: int
    cpu_share_percent: int

    @classmethod
    def of(cls, size: Size) -> "SizeSpec":
        return cls(**{field: getattr(size, field) for field in cls.__dataclass_fields__})

    @property
    def disks(self) -> dict[str, int]:
        """By field name, in GB."""
        return {disk: getattr(self, disk) for disk in DISKS}

    def with_disks_of_at_least(self, floor: Mapping[str, int]) -> "SizeSpec":
        """The same size on disks that have grown already: they never shrink."""
        grown: dict[str, Any] = {disk: max(own, floor.get(disk, 0)) for disk, own in self.disks.items()}
        return replace(self, **grown)


@dataclass(frozen=True)
class FeatureSpec:
    """A feature that is switched on: the Helm values and the parts (Google resources, by name) that it adds.

    `units` is how many of what it counts; `details` are what the customer has told of its parts. What may be in it,
    provisioning.fleet.features and provisioning.fleet.details say.
    """

    name: str
    units: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "FeatureSpec":
        return cls(**{**document, "parts": tuple(document["parts"])})

    def as_json(self) -> dict[str, Any]:
        """Details are told only where there are any, so that an older version of the portal reads all other specs."""
        document = {**asdict(self), "parts": list(self.parts)}
        return document if self.details else {name: document[name] for name in document if name != "details"}


@dataclass(frozen=True)
class InstanceSpec:
    """All that a step may know of an instance. Every name in the cloud derives from `id` and never changes.

    What there is one of in a project, and cannot move to another region, is named after `takeovers`, too: how often
    its standby has taken over. Nothing is done in the `lost_region`.
    """

    id: str
    organization_id: str
    slug: str
    domain: str
    kind: str
    tenancy: str
    cluster_id: str | None
    region: str
    app_version: str
    chart_version: str
    architecture: str
    features: tuple[FeatureSpec, ...]
    admin_email: str
    size: SizeSpec
    is_suspended: bool = False
    takeovers: int = 0
    lost_region: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """What every cloud object of this instance carries, so that a sweep finds what is ours and whose it is."""
        return {
            "managed-by": "sourcegraph-cloud-portal",
            "instance": self.id,
            "organization": self.organization_id,
            "instance-type": self.kind,
        }

    def has_part(self, part: str) -> bool:
        """Whether one of its features adds that part."""
        return any(part in feature.parts for feature in self.features)

    def details_of(self, part: str) -> Mapping[str, Any]:
        """What the customer has told of that part; empty where no feature adds it."""
        return next((feature.details for feature in self.features if part in feature.parts), {})

    def units_of(self, part: str) -> int:
        """How many of that part its features ask for."""
        return sum(feature.units for feature in self.features if part in feature.parts)

    def as_json(self) -> dict[str, Any]:
        """What few have is told only where it is so, so that a version of the portal that knows nothing of that reads
        all other specs.
        """
        document = {**asdict(self), "features": [feature.as_json() for feature in self.features]}
        return {name: value for name, value in document.items() if value or name not in TOLD_WHERE_SO}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "InstanceSpec":
        return cls(
            **{
                **document,
                "architecture": FIRST_NUMBERS.get(document["architecture"], document["architecture"]),
                "features": tuple(map(FeatureSpec.from_json, document["features"])),
                "size": SizeSpec(**document["size"]),
            },
        )


def spec_of(instance: Instance) -> InstanceSpec:
    """The snapshot of an instance as its row stands now."""
    return InstanceSpec(
        id=instance.id,
        organization_id=instance.organization_id,
        slug=instance.slug,
        domain=instance.domain,
        kind=instance.kind,
        tenancy=instance.tenancy,
        cluster_id=instance.cluster_id,
        region=instance.region,
        app_version=instance.release.app_version,
        chart_version=instance.release.chart_version,
        architecture=instance.architecture,
        features=tuple(map(FeatureSpec.from_json, instance.features)),
        admin_email=instance.admin_email,
        size=SizeSpec.of(instance.size).with_disks_of_at_least(instance.disk_floor_gb),
        is_suspended=instance.status == InstanceStatus.SUSPENDED,
        takeovers=instance.takeovers,
        lost_region=instance.lost_region,
    )
