"""Whether there is room for a change: how full the disks are, as Cloud Monitoring knows it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from portal.core import clock
from provisioning.clients.google import api, pages
from provisioning.engine.action import AsWanted, Context, Refused, Seen
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

FULLEST: Final = 0.9
# Both are written every minute, and seen some minutes later: cloud.google.com/monitoring/api/metrics_gcp, 2025.
LOOKED_BACK: Final = timedelta(minutes=15)
DATABASE: Final = "cloudsql.googleapis.com/database/disk/utilization"
VOLUME: Final = "kubernetes.io/pod/volume/utilization"
# What of the size says how large a volume is, by the StatefulSet whose pods use it.
SIZED_BY: Final[Mapping[str, str]] = {"gitserver": "gitserver_disk_gb", "indexed-search": "search_disk_gb"}


@dataclass(frozen=True)
class Disk:
    """`utilization` is from 0 to 1; `sized_by` the field of the size that says how large it is, "" without one."""

    name: str
    utilization: float
    sized_by: str = ""

    def __str__(self) -> str:
        return f"{self.name} is {self.utilization:.0%} full"


class Capacity(GoogleAction):
    """Room on the disks

    A migration writes whole tables anew, and a disk that is full stops everything. Where Cloud Monitoring knows
    nothing, nothing is refused, and the outputs say so.
    """

    def see(self, context: Context) -> Seen:
        found = disks_of(context.spec)
        disks = fullest_first(disk for each in found.values() for disk in each)
        if full := [disk for disk in disks if disk.utilization > FULLEST]:
            what = "; ".join(map(str, full))
            raise Refused(f"There is too little room: {what}.", "Resize the instance to a larger size, then try again.")
        fullest = {"fullest": disks[0].name, "utilization": round(disks[0].utilization, 3)} if disks else {}
        return AsWanted({**fullest, "unknown": [where for where, each in found.items() if not each]})


def disks_of(spec: InstanceSpec) -> dict[str, list[Disk]]:
    """By where they are, of a dedicated instance; none where Cloud Monitoring knows nothing."""
    return {"the database server's disk": _databases(spec), "the volumes": _volumes(spec)}


def fullest_first(disks: Iterable[Disk]) -> list[Disk]:
    return sorted(disks, key=lambda disk: disk.utilization, reverse=True)


def _databases(spec: InstanceSpec) -> list[Disk]:
    query = f'metric.type="{DATABASE}" AND resource.labels.database_id="{spec.id}:{names.sql_instance(spec)}"'
    return [Disk("the database server's disk", newest_of(series), "sql_disk_gb") for series in series_of(spec, query)]


def _volumes(spec: InstanceSpec) -> list[Disk]:
    query = f'metric.type="{VOLUME}" AND resource.labels.namespace_name="{names.namespace(spec)}"'
    return [Disk(_volume(series), newest_of(series), _sized_by(series)) for series in series_of(spec, query)]


def series_of(spec: InstanceSpec, query: str) -> Iterator[Mapping[str, Any]]:
    """What Cloud Monitoring has of these metrics: each series with its points, the newest first."""
    collection, now = api("monitoring", "v3").projects().timeSeries(), clock.now()
    request = collection.list(
        name=f"projects/{spec.id}",
        filter=query,
        interval_startTime=(now - LOOKED_BACK).isoformat(),
        interval_endTime=now.isoformat(),
        view="FULL",
    )
    for page in pages(collection, request):
        yield from (series for series in page.get("timeSeries", ()) if series.get("points"))


def newest_of(series: Mapping[str, Any]) -> float:
    """The value of its newest point."""
    return float(series["points"][0]["value"].get("doubleValue", 0.0))


def _volume(series: Mapping[str, Any]) -> str:
    labels = series["resource"]["labels"]
    return (
        f"the volume {series['metric'].get('labels', {}).get('volume_name', '')} of {labels.get('pod_name', 'a pod')}"
    )


def _sized_by(series: Mapping[str, Any]) -> str:
    stateful_set = str(series["resource"]["labels"].get("pod_name", "")).rpartition("-")[0]
    return SIZED_BY.get(stateful_set, "")
