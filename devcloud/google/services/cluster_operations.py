"""Kubernetes Engine: one operation per cluster at a time."""

from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json
from devcloud.google.operation_forms import write
from devcloud.google.operations import Work
from devcloud.google.services.networks import CLUSTERS


def cluster_id(name: str) -> str:
    """The Kubernetes side's name for it: PROJECT.LOCATION.CLUSTER."""
    _projects, project, _locations, location, _clusters, short, *_rest = name.split("/")
    return f"{project}.{location}.{short}"


def need_idle(call: Call, name: str) -> Json:
    """The cluster, free for a change. Raises GoogleError FAILED_PRECONDITION where an operation is under way."""
    cluster = resources.need(call, CLUSTERS, name)
    running = operations.running_on(call.cloud, "container", f"projects/{call.project}/locations/", name)
    if running:
        message = f"Cluster is running incompatible operation {running['name'].rpartition('/')[2]}."
        raise errors.precondition(message, "CLUSTER_ALREADY_HAS_OPERATION")
    return cluster


def start(
    call: Call,
    target: str,
    kind: str,
    duration: str,
    outcome: tuple[str, Json],
    failure: tuple[str, Json] | None = None,
) -> Json:
    """The operation on the cluster or node pool is under way, in its JSON form."""
    work = Work(operation_name(target), kind, target, call.cloud.profile.seconds(duration), outcome, failure)
    return write(call, operations.start(call, work))


def operation_name(target: str) -> str:
    """A new operation's full name, in the place of the cluster or node pool."""
    return f"{'/'.join(target.split('/')[:4])}/operations/{operations.new_name()}"
