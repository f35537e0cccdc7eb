"""Which node a pod comes to: one that it selects, whose taints it tolerates, and that has none it keeps apart from."""

from devcloud.kubernetes.controllers.context import Context
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named

_KEEPS_AWAY = {"NoSchedule", "NoExecute"}
_HOST = "kubernetes.io/hostname"


def node_for(context: Context, pod: JSON) -> str:
    """The name of the first node that suits the pod; empty where none does. Of affinities, hosts apart count alone."""
    return next((node["metadata"]["name"] for node in _nodes(context) if _suits(context, node, pod)), "")


def why_unscheduled(context: Context) -> str:
    """Why there was no node, much as the scheduler puts it."""
    total = len(_nodes(context))
    return f"{total} node(s) didn't suit by selector, taint or affinity" if total else "no nodes available"


def _nodes(context: Context) -> list[JSON]:
    return list(context.objects.each(kind_named("nodes")))


def _suits(context: Context, node: JSON, pod: JSON) -> bool:
    labels, spec = node["metadata"]["labels"], pod["spec"]
    is_selected = all(labels.get(key) == value for key, value in spec.get("nodeSelector", {}).items())
    taints = [taint for taint in node["spec"].get("taints", ()) if taint["effect"] in _KEEPS_AWAY]
    tolerated = all(any(_tolerates(each, taint) for each in spec.get("tolerations", ())) for taint in taints)
    return is_selected and tolerated and not any(_is_there(context, node, pod, apart) for apart in _apart(spec))


def _tolerates(toleration: JSON, taint: JSON) -> bool:
    if toleration.get("effect") not in {None, "", taint["effect"]}:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return toleration.get("key") in {None, "", taint["key"]}
    return bool(toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def _apart(spec: JSON) -> list[JSON]:
    terms = (
        spec.get("affinity", {}).get("podAntiAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", ())
    )
    return [term["labelSelector"].get("matchLabels", {}) for term in terms if term["topologyKey"] == _HOST]


def _is_there(context: Context, node: JSON, pod: JSON, labels: JSON) -> bool:
    """Whether a pod with these labels is on the node, beside this one."""
    return any(
        other["spec"].get("nodeName") == node["metadata"]["name"]
        and other["metadata"]["name"] != pod["metadata"]["name"]
        and labels.items() <= other["metadata"].get("labels", {}).items()
        for other in context.objects.each(kind_named("pods"), pod["metadata"]["namespace"])
    )
