"""Deployments: a replica set for each template, old pods kept until the new ones are ready."""

import hashlib
import uuid

import msgspec

from devcloud.clock import now
from devcloud.kubernetes.controllers.context import Context, condition, is_ready, owner_reference
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named
from devcloud.kubernetes.objects import copy_of
from devcloud.kubernetes.removal import remove

REVISION = "deployment.kubernetes.io/revision"
STARTED_AT = "devcloud.localhost/started-at"
_HASH_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: JSON) -> str:
    digest = hashlib.sha256(msgspec.json.encode(template, order="deterministic")).digest()
    return "".join(_HASH_ALPHABET[byte % len(_HASH_ALPHABET)] for byte in digest[:10])


def reconcile(context: Context, deployment: JSON) -> float | None:
    """The deployment has its replica set and pods, and says how far it is. Returns when its progress deadline ends."""
    current = _replica_set(context, deployment)
    older = [value for _, value in _replica_sets(context, deployment) if value is not current]
    recreate = deployment["spec"]["strategy"]["type"] == "Recreate"
    if recreate:
        _scale_down(context, older, 0)
    _scale(context, current, deployment["spec"]["replicas"])
    fresh = _pods(context, current)
    ready = [pod for pod in fresh if is_ready(pod)]
    complete = len(ready) == deployment["spec"]["replicas"]
    if complete:
        _scale_down(context, older, 0)
        _prune(context, older, deployment["spec"]["revisionHistoryLimit"])
    for value in [current, *older]:
        _report_replica_set(context, value)
    deadline = float(current["metadata"]["annotations"][STARTED_AT]) + deployment["spec"]["progressDeadlineSeconds"]
    late = not complete and now() >= deadline
    _report(context, deployment, current, complete=complete, late=late)
    return None if complete or late else deadline


def _replica_sets(context: Context, deployment: JSON) -> list[tuple[str, JSON]]:
    owned = context.objects.owned(deployment["metadata"]["uid"], kind_named("replicasets"))
    return [(key[2], value) for key, value in owned]


def _replica_set(context: Context, deployment: JSON) -> JSON:
    """The replica set of the current template, made or brought to the newest revision."""
    template = deployment["spec"]["template"]
    suffix = template_hash(template)
    name = f"{deployment['metadata']['name']}-{suffix}"
    context.adopt(kind_named("deployments"), deployment, kind_named("replicasets"), name)
    known = dict(_replica_sets(context, deployment))
    newest = max((int(value["metadata"]["annotations"][REVISION]) for value in known.values()), default=0)
    if name in known and int(known[name]["metadata"]["annotations"][REVISION]) == newest:
        return known[name]
    value = copy_of(known[name]) if name in known else _new_replica_set(deployment, name, suffix)
    value["metadata"]["annotations"] = {REVISION: str(newest + 1), STARTED_AT: f"{now():.3f}"}
    return context.objects.put(kind_named("replicasets"), value)


def _new_replica_set(deployment: JSON, name: str, suffix: str) -> JSON:
    template = copy_of(deployment["spec"]["template"])
    labels = {**template.get("metadata", {}).get("labels", {}), "pod-template-hash": suffix}
    template["metadata"] = {**template.get("metadata", {}), "labels": labels}
    selector = copy_of(deployment["spec"]["selector"])
    selector.setdefault("matchLabels", {})["pod-template-hash"] = suffix
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(kind_named("deployments"), deployment)],
        },
        "spec": {"replicas": deployment["spec"]["replicas"], "selector": selector, "template": template},
    }


def _pods(context: Context, replica_set: JSON) -> list[JSON]:
    return [pod for _, pod in context.objects.owned(replica_set["metadata"]["uid"], kind_named("pods"))]


def _scale(context: Context, replica_set: JSON, wanted: int) -> None:
    pods = sorted(_pods(context, replica_set), key=is_ready)
    for pod in pods[: max(0, len(pods) - wanted)]:
        remove(context.objects, kind_named("pods"), pod)
    for _ in range(wanted - len(pods)):
        name = f"{replica_set['metadata']['name']}-{uuid.uuid4().hex[:5]}"
        context.start_pod(kind_named("replicasets"), replica_set, replica_set["spec"]["template"], name)


def _scale_down(context: Context, replica_sets: list[JSON], wanted: int) -> None:
    for replica_set in replica_sets:
        _scale(context, replica_set, wanted)


def _prune(context: Context, older: list[JSON], limit: int) -> None:
    by_age = sorted(older, key=lambda value: int(value["metadata"]["annotations"][REVISION]), reverse=True)
    for replica_set in by_age[limit:]:
        remove(context.objects, kind_named("replicasets"), replica_set)
        older.remove(replica_set)


def _report_replica_set(context: Context, replica_set: JSON) -> None:
    kind = kind_named("replicasets")
    pods = _pods(context, replica_set)
    current = context.objects.get(kind, replica_set["metadata"]["namespace"], replica_set["metadata"]["name"])
    if current is None:
        return
    if current["spec"]["replicas"] != len(pods):
        current = copy_of(current)
        current["spec"]["replicas"] = len(pods)
        context.objects.put(kind, current)
    ready = sum(map(is_ready, pods))
    counts = {
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "fullyLabeledReplicas": len(pods),
    }
    context.set_status(kind, current, {**counts, "observedGeneration": current["metadata"].get("generation", 1)})


def _report(context: Context, deployment: JSON, current: JSON, *, complete: bool, late: bool) -> None:
    sets = [value for _, value in _replica_sets(context, deployment)]
    pods = [pod for value in sets for pod in _pods(context, value)]
    fresh, ready, wanted = len(_pods(context, current)), sum(map(is_ready, pods)), deployment["spec"]["replicas"]
    available = ready >= wanted - _may_be_missing(deployment)
    status = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": len(pods),
        "updatedReplicas": fresh,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [_available(true=available), _progressing(current, complete=complete, late=late)],
    }
    if ready < wanted:
        status["unavailableReplicas"] = wanted - ready
    context.set_status(kind_named("deployments"), deployment, status)


def _may_be_missing(deployment: JSON) -> int:
    allowed = deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable", 0)
    if isinstance(allowed, str):
        return int(deployment["spec"]["replicas"] * int(allowed.rstrip("%")) / 100)
    return int(allowed)


def _available(*, true: bool) -> JSON:
    reason, has = ("MinimumReplicasAvailable", "has") if true else ("MinimumReplicasUnavailable", "does not have")
    return condition("Available", true=true, reason=reason, message=f"Deployment {has} minimum availability.")


def _progressing(current: JSON, *, complete: bool, late: bool) -> JSON:
    name = f'ReplicaSet "{current["metadata"]["name"]}"'
    if complete:
        return condition(
            "Progressing", true=True, reason="NewReplicaSetAvailable", message=f"{name} has successfully progressed."
        )
    if late:
        return condition(
            "Progressing", true=False, reason="ProgressDeadlineExceeded", message=f"{name} has timed out progressing."
        )
    return condition("Progressing", true=True, reason="ReplicaSetUpdated", message=f"{name} is progressing.")
