"""Cloud SQL's proxy: pods behind a Service that lead to a server which lets nobody in by address."""

from collections.abc import Iterator

from devcloud.kubernetes.controllers.context import Context, is_ready
from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import kind_named

_IMAGE = "cloud-sql-proxy"
_ROLE = "roles/cloudsql.client"


def server_behind(context: Context, namespace: str, service: str) -> str | None:
    """The full name of the server that the proxy of this Service lets in to; empty while it lets nobody in.

    None where there is no such Service, or none of a proxy.
    """
    found = context.objects.get(kind_named("services"), namespace, service)
    proxies = list(_proxies(context, namespace, found["spec"].get("selector", {}))) if found else []
    if not proxies:
        return None
    leads_to = (_server(pod) for pod in proxies if is_ready(pod))
    return next((server for server in leads_to if _is_open(context, server)), "")


def is_stopped(server: JSON) -> bool:
    """Whether its owner has switched it off: it keeps its addresses, and nobody answers there."""
    return bool(server["settings"].get("activationPolicy") == "NEVER")


def _proxies(context: Context, namespace: str, selector: JSON) -> Iterator[JSON]:
    for pod in context.objects.each(kind_named("pods")):
        labels = pod["metadata"].get("labels", {})
        if pod["metadata"]["namespace"] == namespace and selector and selector.items() <= labels.items():
            yield from (pod for container in pod["spec"]["containers"] if f"/{_IMAGE}:" in container["image"])


def _server(pod: JSON) -> str:
    """From its last argument, PROJECT:REGION:INSTANCE."""
    project, _region, instance = pod["spec"]["containers"][0]["args"][-1].split(":")
    return f"projects/{project}/instances/{instance}"


def _is_open(context: Context, server: str) -> bool:
    """The server runs and has a public address, and the pods are who may open connections: the nodes' account."""
    entry = context.cloud.store.get("sql.instances", server)
    if entry is None or is_stopped(entry["body"]):
        return False
    kinds = {address["type"] for address in entry["body"].get("ipAddresses", ())}
    return "PRIMARY" in kinds and all(_may_connect(context, pool, server) for pool in _pools(context))


def _pools(context: Context) -> Iterator[JSON]:
    project, location, cluster = context.cluster_id.split(".")
    prefix = f"projects/{project}/locations/{location}/clusters/{cluster}/nodePools/"
    yield from (entry["body"] for _name, entry in context.cloud.store.items("container.nodePools", prefix))


def _may_connect(context: Context, pool: JSON, server: str) -> bool:
    """With GKE's metadata server a pod is no longer its node's account, and nobody has granted it anything."""
    config = pool["config"]
    policy = context.cloud.store.get("iam.policies", "/".join(server.split("/")[:2])) or {}
    member = f"serviceAccount:{config['serviceAccount']}"
    granted = any(each["role"] == _ROLE and member in each["members"] for each in policy.get("bindings", ()))
    return granted and config.get("workloadMetadataConfig", {}).get("mode") != "GKE_METADATA"
