"""The real helm against one cluster, with the project's chart."""

import json
import os
import subprocess
from pathlib import Path

from tests.devcloud.kubernetes.manifests import secret
from tests.devcloud.kubernetes.stand import Cluster
from tests.stack.tools import helm_path

CHART = Path(__file__).parents[3] / "charts" / "sourcegraph"
NAMESPACE = "sourcegraph"
DATABASES = {"pgsql": "pgsql-auth", "codeIntelDB": "codeintel-auth", "codeInsightsDB": "codeinsights-auth"}
SHARED = {"prometheus.enabled": "false", "cadvisor.enabled": "false"}
SHARED |= {"storageClass.create": "false", "storageClass.name": "standard-rwo"}


class Helm:
    """`run` answers the finished process; `start` one that runs."""

    def __init__(self, cluster: Cluster, folder: Path, namespace: str = NAMESPACE) -> None:
        self.namespace = namespace
        self.values: dict[str, str] = {}  # every install and upgrade has them
        folder.mkdir(exist_ok=True)
        config = folder / "kubeconfig"
        config.write_text(cluster.kubeconfig)
        homes = {f"HELM_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "CONFIG", "DATA")}
        self.environment = {**os.environ, **homes, "KUBECONFIG": str(config)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(arguments), env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command(arguments), env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def install(self, *flags: str, **values: str) -> subprocess.CompletedProcess[str]:
        return self.run("install", "sourcegraph", str(CHART), *flags, *_set(self.values | values))

    def upgrade(self, *flags: str, **values: str) -> subprocess.CompletedProcess[str]:
        return self.run("upgrade", "sourcegraph", str(CHART), *flags, *_set(self.values | values))

    def status(self) -> str:
        found = self.run("status", "sourcegraph", "-o", "json")
        return json.loads(found.stdout)["info"]["status"] if found.returncode == 0 else "absent"

    def history(self) -> list[str]:
        return [entry["status"] for entry in json.loads(self.run("history", "sourcegraph", "-o", "json").stdout)]

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [helm_path(), *arguments, "--namespace", self.namespace]


def prepare(api, namespace: str = NAMESPACE) -> None:
    """The namespace exists, with the secrets of the databases."""
    api.post("/api/v1/namespaces", json={"metadata": {"name": namespace}})
    for name in DATABASES.values():
        fields = {"user": "sg", "password": "x", "database": "sg", "host": "10.0.0.3", "port": "5432"}
        api.post(f"/api/v1/namespaces/{namespace}/secrets", json=secret(name, **fields))


def version(tag: str) -> dict[str, str]:
    return {"sourcegraph.image.useGlobalTagAsDefault": "true", "sourcegraph.image.defaultTag": tag}


def _set(values: dict[str, str]) -> list[str]:
    given = {f"{key}.auth.existingSecret": name for key, name in DATABASES.items()} | values
    return [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
