"""Cloud SQL's own proxy beside the application, where the database server is not in the network.

It opens connections that IAM admits, as the nodes' service account, and encrypts them; so the server authorizes no
address at all. Source: https://docs.cloud.google.com/sql/docs/postgres/sql-proxy, and its README, version 2.
"""

from typing import Any, Final

from provisioning.spec import InstanceSpec
from provisioning.steps import names

IMAGE: Final = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.2"
PORT, HEALTH_PORT = 5432, 9090
REPLICAS: Final = 2  # so that one stays while the node of the other is replaced
APP: Final = {"app": names.DATABASE_PROXY}
RESOURCES: Final = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1000m", "memory": "256Mi"}}


def proxy_resources(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Its Deployment, and the Service whose name stands in for the server's address."""
    metadata = {"name": names.DATABASE_PROXY, "labels": {**spec.labels, **APP}}
    pod = {"metadata": {"labels": {**spec.labels, **APP}}, "spec": {"containers": [_container(spec)]}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    deployment = {"replicas": REPLICAS, "selector": {"matchLabels": APP}, "strategy": strategy, "template": pod}
    service = {"selector": APP, "ports": [{"name": "postgres", "port": PORT, "protocol": "TCP", "targetPort": PORT}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


def _container(spec: InstanceSpec) -> dict[str, Any]:
    server = f"{spec.id}:{spec.region}:{names.sql_instance(spec)}"
    listening = ["--address=0.0.0.0", f"--port={PORT}"]
    told = ["--structured-logs", "--health-check", "--http-address=0.0.0.0", f"--http-port={HEALTH_PORT}"]
    return {
        "name": names.DATABASE_PROXY,
        "image": IMAGE,
        "args": [*listening, *told, server],
        "ports": [{"name": "postgres", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/readiness", "port": HEALTH_PORT}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/liveness", "port": HEALTH_PORT}, "periodSeconds": 30},
        "resources": RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
