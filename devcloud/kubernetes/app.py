"""The API servers of all clusters, as one ASGI app: /clusters/<cluster id>/…"""

from collections.abc import Callable
from http import HTTPStatus

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from devcloud.calls import TRANSPORT, answer, reset_connection
from devcloud.clock import now
from devcloud.cloud import Cloud
from devcloud.faults import Effect
from devcloud.kubernetes import documents
from devcloud.kubernetes.answers import answer_objects, as_json, minor_of
from devcloud.kubernetes.clusters import Cluster, cluster_record, open_cluster
from devcloud.kubernetes.failures import Refusal, no_such_path
from devcloud.kubernetes.requests import Request, check_access, check_rights, decode, read_request, route, split_cluster
from devcloud.lost import is_cluster_lost

_PROBES = {"/healthz", "/readyz", "/livez"}
_OPENAPI_V3_SINCE = 24
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def create_kubernetes(cloud: Cloud) -> ASGIApp:
    """The app. A cluster that is not there (not yet, or no longer) resets the connection: on Google's side nobody would
    listen at its address any more, and clients tell that apart from any answer.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        cluster_id, path = split_cluster(scope["path"])
        cluster = open_cluster(cloud, cluster_id)
        if cluster is None or cluster.record.ready_at > now() or is_cluster_lost(cloud, cluster_id):
            await _nobody_there(scope, receive, send)
            return
        request = read_request(scope, receive, path)

        async def perform(_: Effect | None) -> Response:
            try:
                return await _answer(cloud, cluster, request)
            except Refusal as refusal:
                return Response(refusal.body(), refusal.code, media_type="application/json")

        method = f"{request.method} {_subject(path)}"
        await answer(
            cloud.faults, (scope, receive, send), service="kubernetes", method=method, perform=perform, refuse=_refuse
        )

    return app


async def _answer(cloud: Cloud, cluster: Cluster, request: Request) -> Response:
    if request.path in _PROBES:
        return PlainTextResponse("ok")
    if request.path == "/version":
        return as_json(documents.version(cluster.record.minor_version))
    user = check_access(cloud, cluster.record, request.headers.get("authorization", ""))
    if document := _document(cluster, request):
        return document
    if request.path == _REVIEW:
        return await _review(cluster, request)
    if not request.path.startswith(("/api/v1/", "/apis/")) or len(request.path.strip("/").split("/")) < 3:
        raise no_such_path()
    where = route(request.path)
    check_rights(cluster.record, user, where, request.method)
    return await answer_objects(cluster, where, request, _alive(cloud, cluster))


def _document(cluster: Cluster, request: Request) -> Response | None:
    """Discovery and OpenAPI, where that is what was asked for."""
    parts = request.path.strip("/").split("/")
    accept = request.headers.get("accept", "")
    match parts:
        case ["api" | "apis" as root]:
            if "APIGroupDiscoveryList" in accept and documents.offers_aggregation(minor_of(cluster)):
                return Response(documents.aggregated(root), media_type=documents.AGGREGATED)
            return Response(documents.plain(root), media_type="application/json")
        case ["api", _] | ["apis", _, _]:
            group = parts[1] if len(parts) == len(("apis", "group", "version")) else ""
            return _found(documents.resources(group, parts[-1]))
        case ["openapi", "v2"]:
            media, body = documents.openapi_v2(accept)
            return Response(body, media_type=media)
        case ["openapi", "v3", *rest] if minor_of(cluster) >= _OPENAPI_V3_SINCE:
            return _openapi(cluster, rest)
    return None


def _openapi(cluster: Cluster, rest: list[str]) -> Response:
    match rest:
        case []:
            return Response(documents.openapi_index(f"/clusters/{cluster.record.id}"), media_type="application/json")
        case ["api", version]:
            return _found(documents.openapi_group("", version), "public, max-age=31536000, immutable")
        case ["apis", group, version]:
            return _found(documents.openapi_group(group, version), "public, max-age=31536000, immutable")
    raise no_such_path()


def _found(document: bytes | None, cache: str = "no-cache, private") -> Response:
    if document is None:
        raise no_such_path()
    return Response(document, media_type="application/json", headers={"Cache-Control": cache})


async def _review(cluster: Cluster, request: Request) -> Response:
    """Whether the asker may do something (SelfSubjectAccessReview)."""
    body = decode(await request.body(), request.headers.get("content-type", ""))
    review = body if isinstance(body, dict) else {}
    asked = review.get("spec", {}).get("resourceAttributes", {})
    allowed = cluster.record.rights in {"*", asked.get("namespace")}
    return as_json({**review, "status": {"allowed": allowed}}, HTTPStatus.CREATED)


def _alive(cloud: Cloud, cluster: Cluster) -> Callable[[], bool]:
    def alive() -> bool:
        record = cluster_record(cloud, cluster.record.id)
        return record is not None and record.incarnation == cluster.record.incarnation

    return alive


def _subject(path: str) -> str:
    """What a call is about, for fault rules and the journal: such as deployments, else the path's first part."""
    try:
        where = route(path)
    except (Refusal, IndexError):
        return path.strip("/").partition("/")[0] or "/"
    return f"{where.kind.plural}/{where.subresource}" if where.subresource else where.kind.plural


def _refuse(effect: Effect) -> Response:
    status = Refusal(effect.status, effect.reason, effect.message).status()
    return Response(msgspec.json.encode(status), effect.status, media_type="application/json")


async def _nobody_there(scope: Scope, receive: Receive, send: Send) -> None:
    if TRANSPORT in scope:
        await reset_connection(scope)
    else:
        await PlainTextResponse("no such cluster", HTTPStatus.SERVICE_UNAVAILABLE)(scope, receive, send)
