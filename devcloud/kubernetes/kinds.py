"""The kinds that a cluster serves: lightkube's list of resources, plus the custom resources of a GKE cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from lightkube.core.resource import api_info

from devcloud.kubernetes.schema import ANY, Shape, shape_of

MODULES = (
    "core_v1",
    "apps_v1",
    "batch_v1",
    "networking_v1",
    "rbac_authorization_v1",
    "storage_v1",
    "policy_v1",
    "autoscaling_v2",
    "coordination_v1",
    "discovery_v1",
    "scheduling_v1",
    "events_v1",
    "apiextensions_v1",
    "admissionregistration_v1",
)
SHORT_NAMES = {
    "configmaps": "cm", "cronjobs": "cj", "daemonsets": "ds", "deployments": "deploy", "endpoints": "ep",
    "events": "ev", "horizontalpodautoscalers": "hpa", "ingresses": "ing", "namespaces": "ns",
    "networkpolicies": "netpol", "nodes": "no",
    "persistentvolumeclaims": "pvc", "persistentvolumes": "pv", "poddisruptionbudgets": "pdb", "pods": "po",
    "replicasets": "rs", "resourcequotas": "quota", "serviceaccounts": "sa", "services": "svc", "statefulsets": "sts",
    "storageclasses": "sc", "customresourcedefinitions": "crd",
}  # fmt: skip
CUSTOM = (
    ("cloud.google.com", "v1", "BackendConfig", "backendconfigs"),
    ("networking.gke.io", "v1", "ManagedCertificate", "managedcertificates"),
    ("networking.gke.io", "v1beta1", "FrontendConfig", "frontendconfigs"),
)
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Kind:
    """One kind in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    model: type[Any] | None = None
    subresources: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """plural.group, as the server's sentences spell it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def key(self) -> str:
        return f"{self.group}/{self.plural}"

    @property
    def shape(self) -> Shape:
        return ANY if self.model is None else shape_of(self.model)

    def path(self) -> str:
        root = f"/apis/{self.group}/{self.version}" if self.group else "/api/v1"
        return f"{root}/namespaces/{{namespace}}/{self.plural}" if self.namespaced else f"{root}/{self.plural}"


@cache
def all_kinds() -> dict[tuple[str, str, str], Kind]:
    """Every kind by (group, version, plural)."""
    found = [*_from_lightkube(), *(Kind(*custom, namespaced=True) for custom in CUSTOM)]
    return {(kind.group, kind.version, kind.plural): kind for kind in found}


@cache
def kind_named(plural: str) -> Kind:
    """The kind with this plural; the first where several groups share it."""
    return next(kind for kind in all_kinds().values() if kind.plural == plural)


def groups() -> dict[str, dict[str, list[Kind]]]:
    """Kinds by group, then version."""
    tree: dict[str, dict[str, list[Kind]]] = {}
    for kind in all_kinds().values():
        tree.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
    return tree


def _from_lightkube() -> Iterator[Kind]:
    for module in MODULES:
        resources = vars(import_module(f"lightkube.resources.{module}")).values()
        infos = [(item, api_info(item)) for item in resources if isinstance(item, type) and hasattr(item, "_api_info")]
        for model, info in infos:
            if info.action is None and "list" in info.verbs:
                inner = tuple(other.action for _, other in infos if other.parent == info.resource and other.action)
                namespaced = "global_list" in info.verbs
                yield Kind(
                    info.resource.group,
                    info.resource.version,
                    info.resource.kind,
                    info.plural,
                    namespaced,
                    model,
                    inner,
                )
