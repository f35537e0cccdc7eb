"""The values of the chart for one instance: keys of the upstream chart, deploy-sourcegraph-helm.

Requests, disks and the storage class are always given: with the chart's own an instance costs three times as much.
"""

from dataclasses import dataclass
from typing import Any

from provisioning.fleet.architectures import architecture_of
from provisioning.fleet.domains import custom_name
from provisioning.fleet.features import ALLOW_LIST, ENVIRONMENT, OFF_BY_DEFAULT
from provisioning.models import Kind
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.custom_domain import ANNOTATION, certificate_name
from provisioning.steps.database_proxy import proxy_resources
from provisioning.steps.executors import executor_resources
from provisioning.steps.usage_ping import usage_resources

CERTIFICATE = BACKEND = "sourcegraph-frontend"
NGINX_CLASS, NGINX_BODY = "kubernetes.io/ingress.class", "nginx.ingress.kubernetes.io/proxy-body-size"
HEALTH_PORT = 6060
LEAST_CPU_LIMIT = 1000


@dataclass(frozen=True)
class Request:
    """What a container asks for in the smallest size: thousandths of a CPU, and MiB."""

    cpu: int
    memory: int


REQUESTS = {
    "frontend": Request(300, 1024),
    "gitserver": Request(500, 2048),
    "indexedSearch": Request(250, 1536),
    "indexedSearchIndexer": Request(250, 1536),
    "searcher": Request(100, 512),
    "worker": Request(150, 1024),
    "preciseCodeIntel": Request(100, 1024),
    "syntectServer": Request(100, 512),
    "symbols": Request(100, 512),
    "redisCache": Request(100, 512),
    "redisStore": Request(100, 1024),
    "blobstore": Request(100, 256),
    "prometheus": Request(100, 1024),
    "migrator": Request(100, 64),
}
# Only on a brought cluster, where the databases run beside the application.
DATABASE_REQUESTS = {
    "pgsql": Request(200, 1024),
    "codeIntelDB": Request(100, 512),
    "codeInsightsDB": Request(100, 512),
}
DISKS_GB = {"redisCache": 10, "redisStore": 10, "searcher": 20, "blobstore": 20, "prometheus": 10}
# What sends mail, calls webhooks and asks code hosts by itself: a copy of somebody's databases must do none of it.
BACKGROUND = ("worker", "repoUpdater")
OFF = ("cadvisor", "grafana", "jaeger", "nodeExporter", "openTelemetry")


@dataclass(frozen=True)
class BroughtCluster:
    """What matters of a cluster that somebody brings. An empty storage class is the cluster's default."""

    has_cluster_wide_rights: bool
    storage_class: str
    ingress_class: str


def values_for(spec: InstanceSpec, brought: BroughtCluster | None = None) -> dict[str, Any]:
    """All values of the instance. The same spec gives the same values, and none of them is secret."""
    values: dict[str, Any] = {
        "sourcegraph": {
            "image": {"defaultTag": spec.app_version, "useGlobalTagAsDefault": True},
            "labels": spec.labels,
        },
        **{component: {"enabled": False} for component in OFF},
        **{component: {"resources": _resources(spec, request)} for component, request in REQUESTS.items()},
    }
    for component, gigabytes in _disks(spec).items():
        values[component]["storageSize"] = f"{gigabytes}Gi"
    values["frontend"] |= {"replicaCount": spec.size.frontend_replicas, "ingress": _ingress(spec, brought)}
    for component in ("gitserver", "indexedSearch", "searcher", "worker", "preciseCodeIntel"):
        values[component]["replicaCount"] = 1
    for component, variables in _switches(spec).items():
        values[component]["env"] = {name: {"value": value} for name, value in variables.items()}
    if spec.kind == Kind.REHEARSAL:
        values = _merged(values, {component: {"replicaCount": 0} for component in BACKGROUND})
    return _merged(values, _on_google(spec) if brought is None else _on_brought(spec, brought))


def _switches(spec: InstanceSpec) -> dict[str, dict[str, str]]:
    """The environment by component: what features of the instance switch on, and what is off without them."""
    switches = {component: dict(variables) for component, variables in OFF_BY_DEFAULT.items()}
    for feature in spec.features:
        for component, settings in feature.values.items():
            variables = {name: variable["value"] for name, variable in settings[ENVIRONMENT].items()}
            switches[component] = {**switches.get(component, {}), **variables}
    return switches


def _resources(spec: InstanceSpec, request: Request) -> dict[str, dict[str, str]]:
    """Memory may double and CPU quadruple where the node has it to spare."""
    cpu, memory = (amount * spec.size.cpu_share_percent // 100 for amount in (request.cpu, request.memory))
    return {
        "requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"},
        "limits": {"cpu": f"{max(cpu * 4, LEAST_CPU_LIMIT)}m", "memory": f"{memory * 2}Mi"},
    }


def _disks(spec: InstanceSpec) -> dict[str, int]:
    return {**DISKS_GB, "gitserver": spec.size.gitserver_disk_gb, "indexedSearch": spec.size.search_disk_gb}


def _ingress(spec: InstanceSpec, brought: BroughtCluster | None) -> dict[str, Any]:
    """The chart's annotations for nginx are taken back by null. The chart knows one host: with a name of the customer's
    beside its own, the load balancer is to take whatever leads to it.
    """
    if brought:
        return {
            "enabled": True,
            "host": spec.domain,
            "ingressClassName": brought.ingress_class,
            "annotations": {NGINX_CLASS: None},
        }
    annotations = {
        NGINX_CLASS: "gce",
        NGINX_BODY: None,
        "kubernetes.io/ingress.global-static-ip-name": names.address(spec),
        ANNOTATION: ",".join(filter(None, (CERTIFICATE, certificate_name(spec)))),
    }
    return {"enabled": True, "host": "" if custom_name(spec) else spec.domain, "annotations": annotations}


def _on_google(spec: InstanceSpec) -> dict[str, Any]:
    """External databases, Google's disks, load balancer and certificate."""
    return {
        **{key: {"enabled": False, "auth": _auth(database)} for key, database in names.DATABASES.items()},
        "storageClass": {
            "create": True,
            "name": "sourcegraph",
            "type": spec.size.disk_type,
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
        "frontend": {
            "serviceAnnotations": {
                "cloud.google.com/neg": '{"ingress": true}',
                "beta.cloud.google.com/backend-config": f'{{"default": "{BACKEND}"}}',
            }
        },
        "extraResources": [
            _certificate(spec),
            _backend(spec),
            *_way_to_the_database(spec),
            *usage_resources(spec),
            *executor_resources(spec),
        ],
    }


def _on_brought(spec: InstanceSpec, brought: BroughtCluster) -> dict[str, Any]:
    """The chart's own databases, the cluster's storage class; cluster-wide objects only by leave."""
    databases = {
        key: {
            "enabled": True,
            "auth": _auth(database),
            "storageSize": f"{spec.size.sql_disk_gb}Gi",
            "resources": _resources(spec, DATABASE_REQUESTS[key]),
        }
        for key, database in names.DATABASES.items()
    }
    pings = usage_resources(spec)
    return {
        **databases,
        **({"extraResources": pings} if pings else {}),
        "storageClass": {"create": False, "name": brought.storage_class},
        "prometheus": {"enabled": brought.has_cluster_wide_rights, "privileged": brought.has_cluster_wide_rights},
    }


def _auth(database: str) -> dict[str, str]:
    return {"existingSecret": names.database_secret(database)}


def _way_to_the_database(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Nothing where the server is in the network itself."""
    return [] if architecture_of(spec.architecture).private_database else proxy_resources(spec)


def _certificate(spec: InstanceSpec) -> dict[str, Any]:
    return {
        "apiVersion": "networking.gke.io/v1",
        "kind": "ManagedCertificate",
        "metadata": {"name": CERTIFICATE},
        "spec": {"domains": [spec.domain]},
    }


def _backend(spec: InstanceSpec) -> dict[str, Any]:
    """The load balancer asks where the frontend says that it is ready, not at its front door.

    Whom it lets in, the allow list says, where a feature asks for one.
    """
    health = {"type": "HTTP", "requestPath": "/ready", "port": HEALTH_PORT, "checkIntervalSec": 5, "timeoutSec": 5}
    return {
        "apiVersion": "cloud.google.com/v1",
        "kind": "BackendConfig",
        "metadata": {"name": BACKEND},
        "spec": {"healthCheck": health, **_allow_list(spec)},
    }


def _allow_list(spec: InstanceSpec) -> dict[str, Any]:
    return {"securityPolicy": {"name": names.ALLOW_LIST}} if spec.has_part(ALLOW_LIST) else {}


def _merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Two levels deep, which is as deep as these overlap."""
    merged = dict(values)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged
