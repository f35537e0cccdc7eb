"""The fields that the server fills in when an object is stored."""

import hashlib
from collections.abc import Callable

import msgspec

from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import Kind


def fill_in(kind: Kind, value: JSON) -> None:
    """`value`, in place, has the defaults of its kind."""
    fill = _DEFAULTS.get(kind.kind)
    if fill:
        fill(value)


def _deployment(value: JSON) -> None:
    spec = value["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxSurge", "25%")
        rolling.setdefault("maxUnavailable", "25%")
    _template(spec.get("template", {}))


def _stateful_set(value: JSON) -> None:
    spec = value["spec"]
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    _template(spec.get("template", {}))
    for claim in spec.get("volumeClaimTemplates", []):
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {"phase": "Pending"})


def _daemon_set(value: JSON) -> None:
    spec = value["spec"]
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
    _template(spec.get("template", {}))


def _job(value: JSON) -> None:
    spec = value["spec"]
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completions", 1)
    spec.setdefault("parallelism", 1)
    labels = {
        "batch.kubernetes.io/controller-uid": value["metadata"]["uid"],
        "batch.kubernetes.io/job-name": value["metadata"]["name"],
    }
    labels |= {"controller-uid": value["metadata"]["uid"], "job-name": value["metadata"]["name"]}
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).setdefault("labels", {}).update(labels)
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": value["metadata"]["uid"]}})
    _template(template)


def _cron_job(value: JSON) -> None:
    spec = value["spec"]
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    _template(spec["jobTemplate"]["spec"]["template"])


def _template(template: JSON) -> None:
    spec = template.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", "IfNotPresent")
        container.setdefault("resources", {})
        for port in container.get("ports", []):
            port.setdefault("protocol", "TCP")


def _service(value: JSON) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", address("10.96", value["metadata"]["uid"]))
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _claim(value: JSON) -> None:
    value["spec"].setdefault("volumeMode", "Filesystem")
    value["spec"].setdefault("storageClassName", "standard-rwo")
    value.setdefault("status", {"phase": "Pending"})


def _storage_class(value: JSON) -> None:
    value.setdefault("reclaimPolicy", "Delete")
    value.setdefault("volumeBindingMode", "Immediate")


def _namespace(value: JSON) -> None:
    value["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = value["metadata"]["name"]
    value.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    value.setdefault("status", {"phase": "Active"})


def _secret(value: JSON) -> None:
    value.setdefault("type", "Opaque")
    for key, text in value.pop("stringData", {}).items():
        value.setdefault("data", {})[key] = msgspec.to_builtins(text.encode())  # bytes become base64


def _pod(value: JSON) -> None:
    _template(value)
    value["spec"].setdefault("serviceAccountName", "default")
    value.setdefault("status", {"phase": "Pending"})


def address(network: str, seed: str) -> str:
    """A stable IPv4 address in a /16 network, from any text."""
    digest = hashlib.sha256(seed.encode()).digest()
    return f"{network}.{digest[0]}.{digest[1] % 254 + 1}"


_DEFAULTS: dict[str, Callable[[JSON], None]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": lambda value: value["spec"].setdefault("replicas", 1),
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _pod,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "StorageClass": _storage_class,
    "Namespace": _namespace,
    "Secret": _secret,
}
