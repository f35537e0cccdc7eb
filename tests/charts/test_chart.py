"""The chart renders what the portal's values ask for, in the upstream chart's keys."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.stack.tools import helm_path

pytestmark = pytest.mark.helm

CHART = Path(__file__).parents[2] / "charts" / "sourcegraph"
DATABASES = {
    key: {"auth": {"existingSecret": f"{key.lower()}-auth"}} for key in ("pgsql", "codeIntelDB", "codeInsightsDB")
}


def _helm(*arguments, values=None):
    given = yaml.safe_dump({**DATABASES, **(values or {})})
    command = [helm_path(), *arguments, "-f", "-"]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30)


def _render(**values):
    rendered = _helm("template", "sourcegraph", str(CHART), values=values)
    assert rendered.returncode == 0, rendered.stderr
    documents = [document for document in yaml.safe_load_all(rendered.stdout) if document]
    return {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}


def _container(workload):
    return workload["spec"]["template"]["spec"]["containers"][0]


def test_it_lints_clean():
    assert _helm("lint", "--strict", str(CHART)).returncode == 0


def test_it_has_every_component():
    expected = {
        "Deployment/sourcegraph-frontend", "StatefulSet/gitserver", "StatefulSet/indexed-search",
        "StatefulSet/searcher", "Deployment/worker", "Deployment/precise-code-intel-worker",
        "Deployment/syntect-server", "Deployment/redis-cache", "Deployment/redis-store",
        "Deployment/prometheus", "DaemonSet/cadvisor",
        "Ingress/sourcegraph-frontend", "Service/sourcegraph-frontend", "ServiceAccount/sourcegraph-frontend",
        "StorageClass/sourcegraph", "ClusterRole/prometheus", "ClusterRole/cadvisor",
    }  # fmt: skip
    assert expected <= _render().keys()


def test_every_object_carries_the_labels_that_were_asked_for():
    wanted = {"managed-by": "portal", "instance": "src-1", "deploy": "sourcegraph"}
    for name, document in _render(sourcegraph={"labels": {"managed-by": "portal", "instance": "src-1"}}).items():
        assert wanted.items() <= document["metadata"]["labels"].items(), name
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == "sourcegraph"


def test_one_tag_rules_all_images_when_asked():
    rendered = _render(sourcegraph={"image": {"defaultTag": "6.0.1", "useGlobalTagAsDefault": True}})
    images = {
        _container(item)["image"] for name, item in rendered.items() if name.startswith(("Deployment", "Stateful"))
    }
    assert {image.rpartition(":")[2] for image in images} == {"6.0.1"}
    [migrator] = rendered["Deployment/sourcegraph-frontend"]["spec"]["template"]["spec"]["initContainers"]
    assert migrator["image"].endswith("/migrator:6.0.1")


def test_the_tag_is_the_chart_s_otherwise():
    rendered = _render(sourcegraph={"image": {"defaultTag": "6.0.1"}})
    assert _container(rendered["Deployment/sourcegraph-frontend"])["image"].endswith("/frontend:5.11.0")


def test_the_cluster_wide_parts_can_be_switched_off():
    off = {"enabled": False}
    rendered = _render(prometheus=off, cadvisor=off, storageClass={"create": False, "name": "standard-rwo"})
    assert not [name for name in rendered if name.startswith(("Cluster", "StorageClass", "DaemonSet"))]
    claim = rendered["StatefulSet/gitserver"]["spec"]["volumeClaimTemplates"][0]
    assert claim["spec"]["storageClassName"] == "standard-rwo"


def test_prometheus_can_do_without_its_cluster_role():
    rendered = _render(prometheus={"privileged": False})
    assert "Deployment/prometheus" in rendered
    assert "ClusterRole/prometheus" not in rendered


def test_sizes_are_the_values():
    resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1G"}}
    size = {"replicaCount": 3, "storageSize": "50Gi", "resources": resources}
    rendered = _render(gitserver=size, frontend={"replicaCount": 4})
    gitserver = rendered["StatefulSet/gitserver"]["spec"]
    assert gitserver["replicas"] == 3
    assert gitserver["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "50Gi"
    assert _container({"spec": gitserver})["resources"]["requests"]["cpu"] == "100m"
    assert rendered["Deployment/sourcegraph-frontend"]["spec"]["replicas"] == 4


def test_the_ingress_has_host_class_and_certificate():
    ingress = {"host": "acme.example", "ingressClassName": "gce", "annotations": {"a": "b"}, "tlsSecret": "tls"}
    found = _render(frontend={"ingress": ingress})["Ingress/sourcegraph-frontend"]
    assert found["spec"]["rules"][0]["host"] == "acme.example"
    assert found["spec"]["ingressClassName"] == "gce"
    assert found["spec"]["tls"] == [{"secretName": "tls", "hosts": ["acme.example"]}]
    assert "Ingress/sourcegraph-frontend" not in _render(frontend={"ingress": {"enabled": False}})


def test_databases_and_environment_reach_the_frontend():
    env = _container(_render(frontend={"env": {"FLAG": {"value": "on"}}})["Deployment/sourcegraph-frontend"])["env"]
    found = {entry["name"]: entry for entry in env}
    assert found["FLAG"]["value"] == "on"
    assert found["PGHOST"]["valueFrom"]["secretKeyRef"] == {"name": "pgsql-auth", "key": "host"}
    assert found["CODEINTEL_PGUSER"]["valueFrom"]["secretKeyRef"]["name"] == "codeinteldb-auth"
    assert found["CODEINSIGHTS_PGPASSWORD"]["valueFrom"]["secretKeyRef"]["name"] == "codeinsightsdb-auth"


def test_a_database_without_a_secret_is_refused_in_words():
    values = {"pgsql": {"auth": {"existingSecret": ""}}}
    sentence = "pgsql.auth.existingSecret is empty"
    assert sentence in _helm("template", "sourcegraph", str(CHART), values=values).stderr


def test_a_database_can_stand_in_the_cluster():
    rendered = _render(codeIntelDB={"enabled": True, "storageSize": "7Gi", "auth": {"existingSecret": "x"}})
    env = {entry["name"]: entry for entry in _container(rendered["StatefulSet/codeintel-db"])["env"]}
    assert env["POSTGRES_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "x", "key": "password"}
    assert rendered["PersistentVolumeClaim/codeintel-db"]["spec"]["resources"]["requests"]["storage"] == "7Gi"
    assert rendered["Service/codeintel-db"]["spec"]["ports"][0]["port"] == 5432
    assert "StatefulSet/pgsql" not in rendered


def test_parts_that_are_not_drawn_are_accepted():
    values = {
        "blobstore": {"enabled": False, "storageSize": "1Gi"},
        "symbols": {"replicaCount": 2},
        "grafana": {"enabled": False},
    }
    assert _render(**values).keys() == _render().keys()
