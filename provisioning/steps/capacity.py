"""Whether there is room for a change: how full the disks are, as Cloud Monitoring knows it."""

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class Disk:
    """`utilization` is from 0 to 1."""

    name: str
    utilization: float

    def __str__(self) -> str:
        return f"{self.name} is {self.utilization:.0%} full"


class Capacity(GoogleAction):
    """Room on the disks

    A migration writes whole tables anew, and a disk that is full stops everything. Where Cloud Monitoring knows
    nothing, nothing is refused, and the outputs say so.
    """

    def see(self, context: Context) -> Seen:
        found = {"the database server's disk": _databases(context.spec), "the volumes": _volumes(context.spec)}
        disks = sorted((d for each in found.values() for d in each), key=lambda d: d.utilization, reverse=True)
        if full := [disk for disk in disks if disk.utilization > FULLEST]:
            what = "; ".join(map(str, full))
            raise Refused(f"There is too little room: {what}.", "Resize the instance to a larger size, then try again.")
        fullest = {"fullest": disks[0].name, "utilization": round(disks[0].utilization, 3)} if disks else {}
        return AsWanted({**fullest, "unknown": [where for where, each in found.items() if not each]})


def _databases(spec: InstanceSpec) -> list[Disk]:
    query = f'metric.type="{DATABASE}" AND resource.labels.database_id="{spec.id}:{names.sql_instance(spec)}"'
    return [Disk("the database server's disk", _newest(series)) for series in _series(spec, query)]


def _volumes(spec: InstanceSpec) -> list[Disk]:
    query = f'metric.type="{VOLUME}" AND resource.labels.namespace_name="{names.namespace(spec)}"'
    return [Disk(_volume(series), _newest(series)) for series in _series(spec, query)]


def _series(spec: InstanceSpec, query: str) -> Iterator[Mapping[str, Any]]:
    """Each with its points, the newest first."""
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


def _newest(series: Mapping[str, Any]) -> float:
    return float(series["points"][0]["value"].get("doubleValue", 0.0))


def _volume(series: Mapping[str, Any]) -> str:
    labels = series["resource"]["labels"]
    return (
        f"the volume {series['metric'].get('labels', {}).get('volume_name', '')} of {labels.get('pod_name', 'a pod')}"
    )
