"""What a cluster reports of a pod in trouble: one event for each reason, as the scheduler and the kubelet write them.

Unlike the real ones they are not forgotten after an hour, but with their namespace.
"""

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named


def warn(context: Context, pod: JSON, reason: str, message: str, *, count: int = 1) -> None:
    """It is known of this pod; a second time changes nothing."""
    metadata, kind = pod["metadata"], kind_named("events")
    name = f"{metadata['name']}.{metadata['uid'][:8]}.{reason.lower()}"
    if context.objects.get(kind, metadata["namespace"], name):
        return
    moment = rfc3339_seconds(now())
    about = {"apiVersion": "v1", "kind": "Pod", **{key: metadata[key] for key in ("name", "namespace", "uid")}}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": about,
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "source": {"component": "default-scheduler" if reason == "FailedScheduling" else "kubelet"},
    }
    context.objects.put(kind, event)
