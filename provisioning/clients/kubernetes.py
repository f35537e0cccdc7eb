"""Kubernetes through lightkube: a client per call, from a kubeconfig that is never written down."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from django.conf import settings
from lightkube.config.client_adapter import Client as HttpClient
from lightkube.config.client_adapter import ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import PersistentVolume

FIELD_MANAGER = "sourcegraph-cloud-portal"
CONTEXT = "portal"
NO_ANSWER = httpx2.TransportError  # refused, reset, timed out, or not who it should be
TOO_LATE = httpx2.TimeoutException  # of those, the one that waiting longer might help
REFUSED = ApiError  # the API server's own word against a call
VERSION = re.compile(r"v(\d+)\.(\d+)")


def kubeconfig(server: str, certificate: str, token: str) -> dict[str, Any]:
    """A kubeconfig for a server, its CA (base64 of PEM) and a short-lived token. Field names as kubectl writes them."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": certificate}},
        ],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
    }


@contextmanager
def connected(document: Mapping[str, Any], *, timeout_seconds: float | None = None) -> Iterator[Client]:
    """A client for the cluster that the kubeconfig names, closed afterwards. It waits as long as for Google, unless
    said otherwise.
    """
    timeout = httpx2.Timeout(timeout_seconds or settings.GOOGLE_TIMEOUT_SECONDS)
    config = KubeConfig.from_dict(dict(document))
    with Client(config=config, timeout=timeout, field_manager=FIELD_MANAGER) as client:
        yield client


@contextmanager
def suppressed(*harmless: Callable[[ApiError], bool]) -> Iterator[None]:
    """Refusals that any of the predicates calls harmless are taken for success."""
    try:
        yield
    except ApiError as error:
        if not any(test(error) for test in harmless):
            raise


def volumes_of(cluster: Client) -> list[PersistentVolume]:
    """All persistent volumes of the cluster, whosever; none where we may not list them."""
    try:
        return list(cluster.list(PersistentVolume))
    except ApiError as error:
        if is_forbidden(error):
            return []
        raise


def name_of(item: Any) -> str:
    """The name of any object."""
    return str(item.metadata.name)


def is_absent(error: ApiError) -> bool:
    return error.status.code == 404


def is_unknown(error: ApiError) -> bool:
    """The API server does not know who we are: the token is too old, or another server's."""
    return error.status.code == 401


def is_taken(error: ApiError) -> bool:
    return error.status.code == 409


def is_forbidden(error: ApiError) -> bool:
    return error.status.code == 403


def server_version(document: Mapping[str, Any]) -> tuple[int, int]:
    """Major and minor version of the cluster's API server."""
    config = KubeConfig.from_dict(dict(document)).get(CONTEXT)
    if config is None:
        raise LookupError(f"The kubeconfig has no context {CONTEXT}.")
    with HttpClient(config, ConnectionParams(timeout=httpx2.Timeout(settings.GOOGLE_TIMEOUT_SECONDS))) as http:
        answer = http.get("/version")
        answer.raise_for_status()
        found = VERSION.match(answer.json()["gitVersion"])
    if found is None:
        raise LookupError("The cluster's API server does not tell its version.")
    return int(found[1]), int(found[2])
