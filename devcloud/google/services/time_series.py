"""Cloud Monitoring: how full disks are, and how far replicas are behind. Of all metrics devcloud knows these four."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.connections import INSTANCES
from devcloud.google.services.sql_replicas import is_replica
from devcloud.kubernetes.clusters import CLUSTERS, Cluster, open_cluster
from devcloud.kubernetes.kinds import kind_named

DISKS = "monitoring.disks"  # what the control API says of them, by PROJECT|DISK
DATABASE_DISK = "cloudsql.googleapis.com/database/disk/utilization"
VOLUME = "kubernetes.io/pod/volume/utilization"
LAGS = "monitoring.lags"  # what the control API says of them, by PROJECT|INSTANCE
REPLICA_LAG = "cloudsql.googleapis.com/database/replication/replica_lag"
NETWORK_LAG = "cloudsql.googleapis.com/database/replication/network_lag"
USUAL = {DATABASE_DISK: 0.35, VOLUME: 0.25, REPLICA_LAG: 2.0, NETWORK_LAG: 1.0}
_METRIC = re.compile(r'metric\.type\s*=\s*"([^"]+)"')
_DATABASE = re.compile(r'resource\.labels\.database_id\s*=\s*"([^"]+)"')


@implements("monitoring.projects.timeSeries.list")
def _list(call: Call) -> Json:
    """Each series has one point, at the end of the interval."""
    metrics = _METRIC.findall(call.get("filter", ""))
    if len(metrics) != 1:
        raise errors.invalid("Field filter must specify a single metric type.", "filter")
    start, end = _moment(call, "interval.startTime", "interval.endTime"), _moment(call, "interval.endTime")
    if start > end:
        raise errors.invalid("The start time must not be later than the end time.", "interval.startTime")
    found = _SERIES.get(metrics[0], _unknown)(call)
    at = rfc3339(min(end.timestamp(), call.at))
    return resources.page(call, "timeSeries", [_series(metrics[0], at, *one) for one in found])


def set_disk(cloud: Cloud, project: str, disk: str, utilization: float | None) -> None:
    """How full it is, from 0 to 1; with None there is no data. A disk is a Cloud SQL instance's or a claim's name."""
    cloud.store.put(DISKS, f"{project}|{disk}", {"utilization": utilization})


def set_lag(cloud: Cloud, project: str, instance: str, seconds: float | None) -> None:
    """How far the replica of that name is behind; with None there is no data."""
    cloud.store.put(LAGS, f"{project}|{instance}", {"seconds": seconds})


def _moment(call: Call, *names: str) -> datetime:
    """The first of these parameters that is given."""
    text = next((call.get(name) for name in names if call.get(name)), None)
    if text is None:
        raise errors.invalid("Field interval.end_time is required.", "interval.endTime")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errors.invalid(f"Field {names[0]} had an invalid value of “{text}”.", names[0]) from None
    if moment.tzinfo is None:
        raise errors.invalid(f"Field {names[0]} had an invalid value of “{text}”: no offset.", names[0])
    return moment.astimezone(UTC)


def _databases(call: Call) -> Iterator[tuple[Json, Json, float]]:
    """Labels of the resource and of the metric, and the value, for each disk that is known of."""
    for short, body in _servers(call):
        value = _utilization(call, short, USUAL[DATABASE_DISK])
        if value is not None:
            yield _database(call, short, body), {}, value


def _lags(call: Call, metric: str) -> Iterator[tuple[Json, Json, float]]:
    """Of replicas alone; what was told of one is how far it is behind in replaying what it has."""
    for short, body in _servers(call):
        told = call.cloud.store.get(LAGS, f"{call.project}|{short}")
        value = told["seconds"] if told and metric == REPLICA_LAG else USUAL[metric]
        if is_replica(body) and value is not None and not (told and told["seconds"] is None):
            yield _database(call, short, body), {}, float(value)


def _servers(call: Call) -> Iterator[tuple[str, Json]]:
    """Those that the call's filter lets through, by name."""
    wanted = _DATABASE.search(call.get("filter", ""))
    for name, entry in call.cloud.store.items(INSTANCES, f"projects/{call.project}/instances/"):
        short = name.rpartition("/")[2]
        if entry["ready"] and (wanted is None or wanted[1] == f"{call.project}:{short}"):
            yield short, entry["body"]


def _database(call: Call, short: str, body: Json) -> Json:
    labels = {"project_id": call.project, "database_id": f"{call.project}:{short}", "region": body["region"]}
    return {"type": "cloudsql_database", "labels": labels}


def _volumes(call: Call) -> Iterator[tuple[Json, Json, float]]:
    for cluster_id, _record in call.cloud.store.items(CLUSTERS, f"{call.project}."):
        if cluster := open_cluster(call.cloud, cluster_id):
            yield from _volumes_of(call, cluster)


def _volumes_of(call: Call, cluster: Cluster) -> Iterator[tuple[Json, Json, float]]:
    _project, location, name = cluster.record.id.split(".")
    for pod in cluster.objects.each(kind_named("pods")):
        for volume in pod["spec"].get("volumes", ()):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            value = _utilization(call, claim, USUAL[VOLUME]) if claim else None
            if value is None or pod.get("status", {}).get("phase") != "Running":
                continue
            labels = {
                "project_id": call.project,
                "location": location,
                "cluster_name": name,
                "namespace_name": pod["metadata"]["namespace"],
                "pod_name": pod["metadata"]["name"],
            }
            yield {"type": "k8s_pod", "labels": labels}, {"volume_name": volume["name"]}, value


def _unknown(_call: Call) -> Iterator[tuple[Json, Json, float]]:
    """Of a metric that nobody writes there are no series."""
    return iter(())


def _utilization(call: Call, disk: str, usual: float) -> float | None:
    told = call.cloud.store.get(DISKS, f"{call.project}|{disk}")
    value: float | None = told["utilization"] if told else usual
    return value


def _series(metric: str, at: str, resource: Json, labels: Json, value: float) -> Json:
    return {
        "metric": {"type": metric, "labels": labels},
        "resource": resource,
        "metricKind": "GAUGE",
        "valueType": "DOUBLE",
        "points": [{"interval": {"startTime": at, "endTime": at}, "value": {"doubleValue": value}}],
    }


_SERIES: dict[str, Callable[[Call], Iterator[tuple[Json, Json, float]]]] = {
    DATABASE_DISK: _databases,
    VOLUME: _volumes,
    REPLICA_LAG: lambda call: _lags(call, REPLICA_LAG),
    NETWORK_LAG: lambda call: _lags(call, NETWORK_LAG),
}
