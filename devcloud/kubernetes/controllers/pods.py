"""A pod's life: it waits for what it needs, starts, is ready after a while; or does what it was told."""

from collections.abc import Iterator
from typing import Any

from devcloud.clock import now, rfc3339_seconds
from devcloud.kubernetes.controllers import counting, databases, events
from devcloud.kubernetes.controllers.context import SLOWNESS, Context, condition, controller_of, is_ready
from devcloud.kubernetes.controllers.scheduling import node_for, why_unscheduled
from devcloud.kubernetes.defaults import address
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of

READY_AT = "devcloud.localhost/ready-at"
LAST_WORDS = "It was told to fail, and so it did."
SELECTED_NODE = "volume.kubernetes.io/selected-node"
_DURATIONS = {"ReplicaSet": "deployment", "StatefulSet": "statefulset", "DaemonSet": "deployment", "Job": "job"}


def advance(context: Context, pod: JSON) -> float | None:
    """The pod is as far as it can be by now. Returns when to look again; None when only another change can help."""
    if pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        return None
    node = pod["spec"].get("nodeName")
    if node and context.objects.get(kind_named("nodes"), "", node) is None:
        context.objects.delete(kind_named("pods"), pod)  # its node is gone, and it with it; the owner makes another
        return None
    ready_at = pod["metadata"].get("annotations", {}).get(READY_AT)
    if ready_at is None:
        return _start(context, pod)
    if now() < float(ready_at):
        return float(ready_at)
    return _arrive(context, pod)


def root_of(context: Context, pod: JSON) -> tuple[str, str]:
    """Kind and name of the workload that a pod belongs to in the end."""
    owner = controller_of(pod)
    if owner is None:
        return "Pod", pod["metadata"]["name"]
    if owner["kind"] == "ReplicaSet":
        replica_set = context.objects.get(kind_named("replicasets"), pod["metadata"]["namespace"], owner["name"])
        owner = (replica_set and controller_of(replica_set)) or owner
    return owner["kind"], owner["name"]


def _start(context: Context, pod: JSON) -> float | None:
    key = (kind_named("pods").key, pod["metadata"]["namespace"], pod["metadata"]["name"])
    obstacle = next(_obstacles(context, pod), None)
    if obstacle:
        context.blocked.add(key)
        _report(context, context.set_status(kind_named("pods"), pod, obstacle))
        return None
    context.blocked.discard(key)
    owner = controller_of(pod)
    seconds = context.seconds(_DURATIONS.get(owner["kind"] if owner else "", "deployment"))
    if context.behaviour(*root_of(context, pod), pod) == "slow":
        seconds *= SLOWNESS
    ready_at = now() + seconds
    started = copy_of(pod)
    started["metadata"].setdefault("annotations", {})[READY_AT] = f"{ready_at:.3f}"
    started["spec"]["nodeName"] = node_for(context, pod)
    started["status"] = _pending(pod, "ContainerCreating", "") | {"startTime": rfc3339_seconds(now())}
    context.objects.put(kind_named("pods"), started)
    return ready_at


def _obstacles(context: Context, pod: JSON) -> Iterator[JSON]:
    """The status of a pod that cannot start, for each reason why."""
    namespace, node = pod["metadata"]["namespace"], node_for(context, pod)
    if not node:
        yield _unschedulable(why_unscheduled(context))
    for name in _claims(pod):
        claim = context.objects.get(kind_named("persistentvolumeclaims"), namespace, name)
        if claim is None:
            yield _unschedulable(f'persistentvolumeclaim "{name}" not found')
        elif claim.get("status", {}).get("phase") != "Bound":
            _select_node(context, claim, node)
            yield _unschedulable(f'pod has unbound immediate PersistentVolumeClaims: "{name}"')
    for plural, name in _references(pod):
        if context.objects.get(kind_named(plural), namespace, name) is None:
            yield _pending(pod, "CreateContainerConfigError", f'{plural[:-1]} "{name}" not found')


def _report(context: Context, pod: JSON) -> None:
    """That it cannot start is an event: of the scheduler, or of the kubelet that lacks a secret or a config map."""
    status = pod["status"]
    held = next((each for each in status["conditions"] if each.get("reason") == "Unschedulable"), None)
    if held:
        events.warn(context, pod, "FailedScheduling", held["message"])
        return
    waiting = status["containerStatuses"][0]["state"]["waiting"]
    events.warn(context, pod, "Failed", f"Error: {waiting['message']}")


def _claims(pod: JSON) -> Iterator[str]:
    for volume in pod["spec"].get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _references(pod: JSON) -> Iterator[tuple[str, str]]:
    """(plural, name) of the secrets and config maps without which a container can't be created."""
    for container in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for field, plural in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
                if field in source and not source[field].get("optional"):
                    yield plural, source[field]["name"]
    for volume in pod["spec"].get("volumes", []):
        if "secret" in volume and not volume["secret"].get("optional"):
            yield "secrets", volume["secret"]["secretName"]
        if "configMap" in volume and not volume["configMap"].get("optional"):
            yield "configmaps", volume["configMap"]["name"]


def _select_node(context: Context, claim: JSON, node: str) -> None:
    """A claim that waits for its first consumer has one now."""
    if SELECTED_NODE not in claim["metadata"].get("annotations", {}):
        selected = copy_of(claim)
        selected["metadata"].setdefault("annotations", {})[SELECTED_NODE] = node
        context.objects.put(kind_named("persistentvolumeclaims"), selected)


def _arrive(context: Context, pod: JSON) -> float | None:
    """It does what it is for, or what it was told. What its database keeps from that looks again soon."""
    if pod["status"]["phase"] == "Pending" and databases.is_out_of_reach(context, pod):
        return now() + context.seconds("probe")
    owner = controller_of(pod)
    told = context.behaviour(*root_of(context, pod), pod)
    if owner and owner["kind"] == "Job":
        _work(context, pod, told)
        return None
    if pod["status"]["phase"] == "Pending":
        databases.run_migrators(context, pod, "initContainers")
    if told == "crash_loop":
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
        context.set_status(kind_named("pods"), pod, _running(pod, ready=False, state={"waiting": waiting}, restarts=5))
        events.warn(context, pod, "BackOff", "Back-off restarting failed container", count=5)
        return None
    can_serve = is_ready(pod) or databases.can_serve(context, pod)
    status = _running(pod, ready=can_serve and told != "never_ready")
    context.set_status(kind_named("pods"), pod, _killed(pod, status) if told == "out_of_memory" else status)
    return None if can_serve else now() + context.seconds("probe")


def _work(context: Context, pod: JSON, told: str) -> None:
    """The pod of a Job comes to its end."""
    if told == "never_ready":
        context.set_status(kind_named("pods"), pod, _running(pod, ready=False))
        return
    failed = told in {"job_fails", "crash_loop"}
    if not failed and counting.is_to_count(pod):
        counting.begin(context, context.set_status(kind_named("pods"), pod, _running(pod, ready=True)))
        return
    if not failed:
        databases.run_migrators(context, pod, "containers")
    end(context, pod, LAST_WORDS if failed else "")


def end(context: Context, pod: JSON, error: str) -> None:
    """The pod of a Job has ended, with these last words or, where there are none, well."""
    context.set_status(kind_named("pods"), pod, _ended(pod, error))


def _running(pod: JSON, *, ready: bool, state: JSON | None = None, restarts: int = 0) -> JSON:
    reason = "PodCompleted" if ready else "ContainersNotReady"
    started = pod.get("status", {}).get("startTime", rfc3339_seconds(now()))
    state = state or {"running": {"startedAt": started}}
    return {
        "phase": "Running",
        "startTime": started,
        "podIP": address("10.4", pod["metadata"]["uid"]),
        "hostIP": address("10.0", pod["spec"]["nodeName"]),
        "conditions": [
            condition("PodScheduled", true=True, reason=""),
            condition("Initialized", true=True, reason=""),
            condition("ContainersReady", true=ready, reason="" if ready else reason),
            condition("Ready", true=ready, reason="" if ready else reason),
        ],
        "containerStatuses": _containers(pod, state, ready=ready, restarts=restarts),
    }


def _killed(pod: JSON, status: JSON) -> JSON:
    """The same once its containers have been killed for what they took, and are up again."""
    known = pod.get("status", {}).get("containerStatuses", [])
    before: JSON = next((each["lastState"]["terminated"] for each in known if each.get("lastState")), {})
    terminated = {
        "exitCode": 137,
        "reason": "OOMKilled",
        "finishedAt": before.get("finishedAt") or rfc3339_seconds(now()),
    }
    killed = {"restartCount": 1, "lastState": {"terminated": terminated}}
    return {**status, "containerStatuses": [each | killed for each in status["containerStatuses"]]}


def _ended(pod: JSON, error: str) -> JSON:
    terminated: JSON = {"exitCode": int(bool(error)), "reason": "Error" if error else "Completed"}
    if error:
        terminated["message"] = error
    status = _running(pod, ready=False, state={"terminated": terminated})
    return {**status, "phase": "Failed" if error else "Succeeded"}


def _unschedulable(message: str) -> JSON:
    return {
        "phase": "Pending",
        "conditions": [
            condition("PodScheduled", true=False, reason="Unschedulable", message=f"0/0 nodes are available: {message}")
        ],
    }


def _pending(pod: JSON, reason: str, message: str) -> JSON:
    waiting = {"waiting": {"reason": reason, "message": message}}
    return {
        "phase": "Pending",
        "conditions": [
            condition("PodScheduled", true=True, reason=""),
            condition("Ready", true=False, reason="ContainersNotReady"),
        ],
        "containerStatuses": _containers(pod, waiting, ready=False),
    }


def _containers(pod: JSON, state: JSON, *, ready: bool, restarts: int = 0) -> list[Any]:
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": restarts,
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]
