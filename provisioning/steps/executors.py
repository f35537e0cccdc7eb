"""Executors: what runs people's code for batch changes and code intelligence, on nodes of its own (decision 16).

An executor takes jobs from the application and has Kubernetes run each as a Job of one pod. Source: upstream's chart
sourcegraph-executor-k8s and sourcegraph.com/docs/admin/executors/deploy_executors_kubernetes, 5.11, read 2026-12-01.
The jobs' pods bear no label but what Kubernetes gives to the pods of Jobs; Jobs of ours have an `app` beside it.
"""

import json
from typing import Any, Final

from provisioning.fleet.features import EXECUTORS
from provisioning.models import Kind, Tenancy
from provisioning.spec import InstanceSpec
from provisioning.steps import names

NAME: Final = "executor"
APP: Final = {"app": NAME}
FRONTEND: Final = "http://sourcegraph-frontend:30080"
FRONTEND_APP, FRONTEND_PORT = "sourcegraph-frontend", 3080  # of its pods: a policy sees what is behind the Service
TOKEN_SECRET, TOKEN_KEY = NAME, "token"
# The nodes' label, and the taint that keeps everything else away from them.
NODES: Final = {"dedicated": "executors"}
TOLERATIONS: Final = [{"key": key, "operator": "Equal", "value": NODES[key], "effect": "NoSchedule"} for key in NODES]
# Two jobs on a node of 4 CPUs and 16 GiB, of which Kubernetes' own takes about 3 GiB.
JOBS_AT_ONCE: Final = 2
JOB_CPU, JOB_MEMORY, JOB_DISK = "1400m", "5Gi", "20Gi"
RESOURCES: Final = {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "1000m", "memory": "1Gi"}}
# What is not the internet: private networks, those of carriers, and the links, on which the metadata server is.
NOT_THE_INTERNET: Final = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
RULES: Final[list[dict[str, Any]]] = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "delete"]},  # each job's own; none is read
]


def executors_of(spec: InstanceSpec) -> int:
    """How many it is to have. A rehearsal has none, and a cluster that somebody brings has no nodes for them."""
    is_ours = spec.tenancy == Tenancy.DEDICATED and spec.kind != Kind.REHEARSAL
    return spec.units_of(EXECUTORS) if is_ours else 0


def executor_resources(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Their objects beside the application, the chart's `extraResources`; none without executors."""
    if not executors_of(spec):
        return []
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "Role", "name": NAME}
    return [
        _object(spec, "v1", "ServiceAccount", NAME),
        _object(spec, f"{rbac}/v1", "Role", NAME, rules=RULES),
        _object(
            spec, f"{rbac}/v1", "RoleBinding", NAME, roleRef=role, subjects=[{"kind": "ServiceAccount", "name": NAME}]
        ),
        _object(spec, "networking.k8s.io/v1", "NetworkPolicy", f"{NAME}-jobs", spec=_policy()),
        _object(spec, "apps/v1", "Deployment", NAME, spec=_deployment(spec)),
    ]


def _object(instance: InstanceSpec, version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": {**instance.labels, **APP}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _policy() -> dict[str, Any]:
    """A job reaches the front door, names, and the internet: no database, no Redis, no metadata server, nobody else."""
    are_jobs = [
        {"key": "batch.kubernetes.io/job-name", "operator": "Exists"},
        {"key": "app", "operator": "DoesNotExist"},
    ]
    names_of = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    frontend = {"podSelector": {"matchLabels": {"app": FRONTEND_APP}}}
    internet = {"ipBlock": {"cidr": "0.0.0.0/0", "except": NOT_THE_INTERNET}}
    return {
        "podSelector": {"matchExpressions": are_jobs},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": [names_of], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]},
            {"to": [frontend], "ports": [{"protocol": "TCP", "port": FRONTEND_PORT}]},
            {"to": [internet]},
        ],
    }


def _deployment(spec: InstanceSpec) -> dict[str, Any]:
    """One to a node: a new one waits until the former has left it."""
    apart = {"labelSelector": {"matchLabels": APP}, "topologyKey": "kubernetes.io/hostname"}
    pod = {
        "serviceAccountName": NAME,
        "nodeSelector": NODES,
        "tolerations": TOLERATIONS,
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}},
        "containers": [_container(spec)],
    }
    return {
        "replicas": executors_of(spec),
        "selector": {"matchLabels": APP},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": {"metadata": {"labels": {**spec.labels, **APP}}, "spec": pod},
    }


def _container(spec: InstanceSpec) -> dict[str, Any]:
    token = {"secretKeyRef": {"name": TOKEN_SECRET, "key": TOKEN_KEY}}
    plain = [{"name": name, "value": value} for name, value in _environment(spec).items()]
    return {
        "name": NAME,
        "image": f"index.docker.io/sourcegraph/executor-kubernetes:{spec.app_version}",
        "env": [{"name": "EXECUTOR_FRONTEND_PASSWORD", "valueFrom": token}, *plain],
        "resources": RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _environment(spec: InstanceSpec) -> dict[str, str]:
    """Each job in one pod, on the node's own disk: upstream's way since 5.5, without volumes that two would share."""
    return {
        "EXECUTOR_FRONTEND_URL": FRONTEND,
        "EXECUTOR_QUEUE_NAMES": "batches,codeintel",
        "EXECUTOR_MAXIMUM_NUM_JOBS": str(JOBS_AT_ONCE),
        "EXECUTOR_USE_FIRECRACKER": "false",
        "EXECUTOR_KUBERNETES_NAMESPACE": names.namespace(spec),
        "EXECUTOR_KUBERNETES_NODE_SELECTOR": ",".join(f"{key}={value}" for key, value in NODES.items()),
        "EXECUTOR_KUBERNETES_NODE_TOLERATIONS": json.dumps(TOLERATIONS),
        "EXECUTOR_KUBERNETES_RESOURCE_REQUEST_CPU": JOB_CPU,
        "EXECUTOR_KUBERNETES_RESOURCE_REQUEST_MEMORY": JOB_MEMORY,
        "EXECUTOR_KUBERNETES_RESOURCE_LIMIT_MEMORY": JOB_MEMORY,
        "KUBERNETES_SINGLE_JOB_POD": "true",
        "KUBERNETES_SINGLE_JOB_STEP_IMAGE": f"index.docker.io/sourcegraph/batcheshelper:{spec.app_version}",
        "KUBERNETES_JOB_VOLUME_TYPE": "emptyDir",
        "KUBERNETES_JOB_VOLUME_SIZE": JOB_DISK,
    }
