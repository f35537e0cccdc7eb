"""Where an instance's secrets are kept: Google Secret Manager, or a Secret in the cluster that somebody brought.

A secret is written once. Its first version is the truth: that one is readable at once everywhere, while "the latest"
may lag for minutes, and a password generated a second time would lock the first one out.
"""

import base64
from collections.abc import Mapping
from typing import Any, Protocol

from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from provisioning.clients.google import AlreadyExists, NotFound, api, execute
from provisioning.clients.kubernetes import is_absent, is_taken, suppressed


class SecretStore(Protocol):
    """Keeps secrets of one instance by name."""

    def read(self, name: str) -> str | None:
        """The secret, or None when there is none."""
        ...

    def write(self, name: str, value: str) -> None:
        """The secret stands, unless it stood before: then that one stays."""
        ...


class GoogleSecrets:
    """Secret Manager in the instance's project."""

    def __init__(self, project: str, labels: Mapping[str, str]) -> None:
        self._project = project
        self._labels = dict(labels)

    def read(self, name: str) -> str | None:
        first = f"projects/{self._project}/secrets/{name}/versions/1"
        try:
            answer = execute(_secrets().versions().access(name=first))
        except NotFound as error:
            if type(error) is not NotFound:
                raise
            return None
        return base64.b64decode(answer["payload"]["data"]).decode()

    def write(self, name: str, value: str) -> None:
        parent = f"projects/{self._project}"
        body = {"replication": {"automatic": {}}, "labels": self._labels}
        try:
            execute(_secrets().create(parent=parent, secretId=name, body=body))
        except AlreadyExists:
            if self.read(name) is not None:
                return
        payload = {"payload": {"data": base64.b64encode(value.encode()).decode()}}
        execute(_secrets().addVersion(parent=f"{parent}/secrets/{name}", body=payload))


class KubernetesSecrets:
    """One Secret for each in a namespace of the cluster."""

    def __init__(self, cluster: Client, namespace: str, labels: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._labels = dict(labels)

    def read(self, name: str) -> str | None:
        try:
            found = self._cluster.get(Secret, name, namespace=self._namespace)
        except ApiError as error:
            if is_absent(error):
                return None
            raise
        return base64.b64decode((found.data or {})["value"]).decode()

    def write(self, name: str, value: str) -> None:
        metadata = ObjectMeta(name=name, namespace=self._namespace, labels=self._labels)
        with suppressed(is_taken):
            self._cluster.create(Secret(metadata=metadata, stringData={"value": value}))


def _secrets() -> Any:
    return api("secretmanager", "v1").projects().secrets()
