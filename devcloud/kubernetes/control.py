"""What may be asked of the clusters beside the Kubernetes API: bring one, and make workloads misbehave."""

import secrets
import uuid
from http import HTTPStatus
from typing import Any

import msgspec
import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcloud.clock import now
from devcloud.cloud import Cloud
from devcloud.kubernetes.clusters import (
    ClusterRecord,
    cluster_ids,
    cluster_record,
    create_cluster,
    delete_cluster,
    open_cluster,
)
from devcloud.kubernetes.controllers.context import BEHAVIOURS
from devcloud.kubernetes.failures import JSON

BYOK_OWNER = "byok"
_ALL_BEHAVIOURS = ("crash_loop", "never_ready", "out_of_memory", "job_fails", "slow", "normal")
_DEFAULT_VERSION = "1.33"


def control_routes(cloud: Cloud) -> list[Route]:
    """Routes below /_control/kubernetes, to be mounted beside the others of the control API."""

    async def clusters(request: Request) -> Response:
        if request.method == "GET":
            records = [cluster_record(cloud, cluster_id) for cluster_id in cluster_ids(cloud)]
            return JSONResponse({"clusters": [_described(cloud, record) for record in records if record]})
        return _bring(cloud, await _body(request))

    async def cluster(request: Request) -> Response:
        record = cluster_record(cloud, request.path_params["id"])
        if record is None:
            return JSONResponse({"error": "There is no such cluster."}, HTTPStatus.NOT_FOUND)
        if request.method == "DELETE":
            delete_cluster(cloud, record.id)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return JSONResponse(_described(cloud, record))

    async def behaviour(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"behaviours": [told for _, told in cloud.store.items(BEHAVIOURS)]})
        return _behave(cloud, await _body(request))

    return [
        Route("/_control/kubernetes/clusters", clusters, methods=["GET", "POST"]),
        Route("/_control/kubernetes/clusters/{id}", cluster, methods=["GET", "DELETE"]),
        Route("/_control/kubernetes/behaviour", behaviour, methods=["GET", "POST"]),
    ]


def kubeconfig(cloud: Cloud, cluster_id: str, token: str) -> str:
    """The YAML text with which kubectl and Helm reach this cluster."""
    server = f"{cloud.addresses.https_url}/clusters/{cluster_id}"
    authority = msgspec.to_builtins(cloud.certificate_authority.encode())  # bytes become base64
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_id, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": cluster_id, "user": {"token": token}}],
        "contexts": [{"name": cluster_id, "context": {"cluster": cluster_id, "user": cluster_id}}],
        "current-context": cluster_id,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _bring(cloud: Cloud, form: JSON) -> Response:
    """A cluster that somebody brings: its own token, no Google project. `namespace` limits what the token may write."""
    cluster_id = str(form.get("id") or f"byok-{uuid.uuid4().hex[:8]}")
    token = str(form.get("token") or secrets.token_urlsafe(24))
    create_cluster(
        cloud,
        cluster_id,
        owner=BYOK_OWNER,
        minor_version=str(form.get("minor_version") or _DEFAULT_VERSION),
        ready_at=now(),
        token=token,
        rights=str(form.get("namespace") or "*"),
    )
    return Response(kubeconfig(cloud, cluster_id, token), HTTPStatus.CREATED, media_type="application/yaml")


def _behave(cloud: Cloud, form: JSON) -> Response:
    """Workloads of this kind and name behave so from now on; `normal` ends it."""
    told = {"cluster": "*", "name": "*", "image_tag": "", **form}
    missing = [field for field in ("kind", "behaviour") if field not in told]
    if missing or told["behaviour"] not in _ALL_BEHAVIOURS:
        sentence = f"Needed: kind, and behaviour as one of {', '.join(_ALL_BEHAVIOURS)}."
        return JSONResponse({"error": sentence}, HTTPStatus.BAD_REQUEST)
    key = f"{told['cluster']}|{told['kind']}|{told['name']}|{told['image_tag']}"
    if told["behaviour"] == "normal":
        cloud.store.delete(BEHAVIOURS, key)
    else:
        cloud.store.put(BEHAVIOURS, key, told)
    for cluster_id in cluster_ids(cloud):
        cluster = open_cluster(cloud, cluster_id)
        if cluster and told["cluster"] in {"*", cluster_id}:
            cluster.controllers.reconsider()
    return JSONResponse(told)


def _described(cloud: Cloud, record: ClusterRecord) -> dict[str, Any]:
    described = {
        "id": record.id,
        "owner": record.owner,
        "minor_version": record.minor_version,
        "ready_at": record.ready_at,
        "nodes": record.nodes,
        "server": f"{cloud.addresses.https_url}/clusters/{record.id}",
    }
    if record.token:
        described["kubeconfig"] = kubeconfig(cloud, record.id, record.token)
    return described


async def _body(request: Request) -> JSON:
    try:
        decoded = msgspec.json.decode(await request.body() or b"{}")
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
