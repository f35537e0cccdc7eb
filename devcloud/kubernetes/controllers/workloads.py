"""Stateful sets and daemon sets."""

from devcloud.kubernetes.controllers.context import Context, is_ready
from devcloud.kubernetes.controllers.deployments import template_hash
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind, kind_named
from devcloud.kubernetes.objects import copy_of
from devcloud.kubernetes.removal import remove

REVISION_LABEL = "controller-revision-hash"


def reconcile_stateful_set(context: Context, value: JSON) -> None:
    """Each ordinal has its claims and a pod of the current template. All move at once, unlike in a real cluster; but as
    there, with OrderedReady a pod that is not ready has to be removed by hand before the set goes on.
    """
    kind = kind_named("statefulsets")
    revision = f"{value['metadata']['name']}-{template_hash(value['spec']['template'])}"
    names = [f"{value['metadata']['name']}-{ordinal}" for ordinal in range(value["spec"]["replicas"])]
    for name in names:
        _ensure_claims(context, value, name)
    pods = _ensure_pods(context, kind, value, names, revision)
    ready = sum(map(is_ready, pods))
    complete = ready == len(names) and all(_revision(pod) == revision for pod in pods)
    before = value.get("status", {}).get("currentRevision", revision)
    status = {
        "observedGeneration": value["metadata"]["generation"],
        "replicas": len(pods),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": sum(_revision(pod) == revision for pod in pods),
        "currentReplicas": len(pods) if complete or before == revision else 0,
        "currentRevision": revision if complete else before,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    context.set_status(kind, value, status)


def reconcile_daemon_set(context: Context, value: JSON) -> None:
    """Each node has a pod of the current template."""
    kind = kind_named("daemonsets")
    revision = template_hash(value["spec"]["template"])
    nodes = [node["metadata"]["name"] for node in context.objects.each(kind_named("nodes"))]
    names = [f"{value['metadata']['name']}-{node}" for node in nodes]
    pods = _ensure_pods(context, kind, value, names, revision)
    ready = sum(map(is_ready, pods))
    status = {
        "observedGeneration": value["metadata"]["generation"],
        "desiredNumberScheduled": len(names),
        "currentNumberScheduled": len(pods),
        "updatedNumberScheduled": len(pods),
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": ready,
    }
    if ready < len(names):
        status["numberUnavailable"] = len(names) - ready
    context.set_status(kind, value, status)


def _ensure_pods(context: Context, kind: Kind, value: JSON, names: list[str], revision: str) -> list[JSON]:
    """Pods of these names and this revision exist; others of this owner are gone."""
    pods_kind = kind_named("pods")
    for name in names:
        context.adopt(kind, value, pods_kind, name)
    pods = [pod for _, pod in context.objects.owned(value["metadata"]["uid"], pods_kind)]
    waits = value["spec"].get("podManagementPolicy") == "OrderedReady" and not all(map(is_ready, pods))
    for pod in pods:
        if pod["metadata"]["name"] not in names or (_revision(pod) != revision and not waits):
            remove(context.objects, pods_kind, pod)
    for name in names:
        if context.objects.get(pods_kind, value["metadata"]["namespace"], name) is None:
            context.start_pod(kind, value, _pod_template(kind, value, name, revision), name)
    return [pod for _, pod in context.objects.owned(value["metadata"]["uid"], pods_kind)]


def _revision(pod: JSON) -> str:
    return str(pod["metadata"].get("labels", {}).get(REVISION_LABEL, ""))


def _pod_template(kind: Kind, value: JSON, name: str, revision: str) -> JSON:
    template = copy_of(value["spec"]["template"])
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels[REVISION_LABEL] = revision
    if kind.kind == "StatefulSet":
        labels["statefulset.kubernetes.io/pod-name"] = name
        claims = [
            {
                "name": claim["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}"},
            }
            for claim in value["spec"].get("volumeClaimTemplates", [])
        ]
        template["spec"]["volumes"] = [*template["spec"].get("volumes", []), *claims]
    return template


def _ensure_claims(context: Context, value: JSON, name: str) -> None:
    kind = kind_named("persistentvolumeclaims")
    namespace = value["metadata"]["namespace"]
    for template in value["spec"].get("volumeClaimTemplates", []):
        claim_name = f"{template['metadata']['name']}-{name}"
        if context.objects.get(kind, namespace, claim_name) is None:
            claim = copy_of(template)
            labels = {**template["metadata"].get("labels", {}), **value["spec"]["selector"].get("matchLabels", {})}
            claim["metadata"] = {"name": claim_name, "namespace": namespace, "labels": labels}
            claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
            claim["spec"].setdefault("storageClassName", "standard-rwo")
            context.objects.put(kind, claim)
