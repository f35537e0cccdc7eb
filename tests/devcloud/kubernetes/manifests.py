"""Small objects for the tests."""

from typing import Any

CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
BATCH = "/apis/batch/v1/namespaces/default"


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": text}


def template(image: str = "app:1", **container: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image, **container}]},
    }


def deployment(name: str = "web", image: str = "app:1", **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 2, "selector": selector, "template": template(image), **spec},
    }


def stateful_set(name: str = "store", image: str = "app:1", size: str = "10Gi", **spec: Any) -> dict[str, Any]:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": name,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image, volumeMounts=[{"name": "data", "mountPath": "/data"}]),
            "volumeClaimTemplates": [claim],
            **spec,
        },
    }


def job(name: str = "migrate", image: str = "app:1") -> dict[str, Any]:
    spec = {"restartPolicy": "Never", "containers": [{"name": "migrate", "image": image}]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": {"spec": spec}}}


def service(name: str = "web", **port: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, **port}]},
    }


def conditions(value: dict[str, Any]) -> dict[str, str]:
    return {found["type"]: found["status"] for found in value.get("status", {}).get("conditions", [])}
