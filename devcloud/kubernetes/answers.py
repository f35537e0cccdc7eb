"""What the API server answers, verb by verb, once a request is known to be allowed."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from devcloud.clock import now
from devcloud.kubernetes.clusters import Cluster
from devcloud.kubernetes.failures import JSON, bad_request, method_not_allowed, no_such_path
from devcloud.kubernetes.logs import answer_log
from devcloud.kubernetes.objects import copy_of
from devcloud.kubernetes.requests import Request, Route, decode
from devcloud.kubernetes.selectors import matcher
from devcloud.kubernetes.watching import Watch
from devcloud.kubernetes.writes import APPLY, Manner, Place, create, delete, patch, replace

_STRICT_SINCE = 25
_SCALABLE = {"Deployment", "StatefulSet", "ReplicaSet"}


def as_json(value: Any, status: int = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def answer_objects(cluster: Cluster, where: Route, request: Request, alive: Callable[[], bool]) -> Response:
    """The answer to a request about objects. Raises Refusal."""
    if where.subresource and where.subresource not in where.kind.subresources:
        raise no_such_path()
    if where.subresource == "log":
        if request.method != "GET":
            raise method_not_allowed()
        return answer_log(_place(cluster, where).current(), request, now())
    if where.subresource == "scale":
        return await _scale(cluster, where, request)
    if request.method == "GET":
        if where.name:
            return as_json(_place(cluster, where).current())
        return _watch(cluster, where, request, alive) if request.flag("watch") else _list(cluster, where, request)
    return await _write(cluster, where, request)


def minor_of(cluster: Cluster) -> int:
    return int(cluster.record.minor_version.rpartition(".")[2])


async def _write(cluster: Cluster, where: Route, request: Request) -> Response:
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    raw = await request.body()
    body: Any = decode(raw, media) if raw else {}
    place, manner = _place(cluster, where), _manner(cluster, where, request, media)
    if where.subresource == "eviction":
        delete(place, {}, manner)
        value, status = {"kind": "Status", "apiVersion": "v1", "status": "Success"}, HTTPStatus.CREATED
    elif request.method == "POST" and not where.name:
        value, status = create(place, body, manner), HTTPStatus.CREATED
    elif request.method == "PUT" and where.name:
        value, status = replace(place, body, manner), HTTPStatus.OK
    elif request.method == "PATCH" and where.name:
        value, new = patch(place, media, body, manner)
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
    elif request.method == "DELETE":
        value, status = _delete(cluster, where, request, body, manner), HTTPStatus.OK
    else:
        raise method_not_allowed()
    cluster.controllers.settle()
    return as_json(value, status)


def _delete(cluster: Cluster, where: Route, request: Request, body: Any, manner: Manner) -> JSON:
    options = {**body} if isinstance(body, dict) else {}
    if "propagationPolicy" in request.query:
        options["propagationPolicy"] = request.query["propagationPolicy"]
    if where.name:
        return delete(_place(cluster, where), options, manner)
    matches = matcher(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    for value in [item for item in cluster.objects.each(where.kind, where.namespace) if matches(item)]:
        delete(
            Place(cluster.objects, where.kind, value["metadata"].get("namespace", ""), value["metadata"]["name"]),
            options,
            manner,
        )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _place(cluster: Cluster, where: Route) -> Place:
    if where.kind.namespaced and not where.namespace:
        raise method_not_allowed()
    return Place(cluster.objects, where.kind, where.namespace, where.name)


def _manner(cluster: Cluster, where: Route, request: Request, media: str) -> Manner:
    manager = request.query.get("fieldManager")
    if not manager and media == APPLY:
        raise bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    minor = minor_of(cluster)
    return Manner(
        manager=manager or request.headers.get("user-agent", "unknown").partition("/")[0],
        force=request.flag("force"),
        strict=request.query.get("fieldValidation") == "Strict" and minor >= _STRICT_SINCE,
        dry_run="dryRun" in request.query,
        minor=minor,
        subresource=where.subresource,
    )


def _list(cluster: Cluster, where: Route, request: Request) -> Response:
    matches = matcher(request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    items = [value for value in cluster.objects.each(where.kind, where.namespace) if matches(value)]
    start, limit = _number(request, "continue"), _number(request, "limit")
    metadata: JSON = {"resourceVersion": str(cluster.objects.version)}
    page = items[start : start + limit] if limit else items[start:]
    if start + len(page) < len(items):
        metadata |= {"continue": str(start + len(page)), "remainingItemCount": len(items) - start - len(page)}
    if "as=PartialObjectMetadataList" in request.headers.get("accept", ""):
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        page = [{**partial, "metadata": item["metadata"]} for item in page]
        return as_json(
            {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": page}
        )
    kind = where.kind
    return as_json({"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": page})


def _watch(cluster: Cluster, where: Route, request: Request, alive: Callable[[], bool]) -> Response:
    query = request.query
    initial = query.get("sendInitialEvents") == "true"
    if initial and query.get("resourceVersionMatch") != "NotOlderThan":
        raise bad_request("sendInitialEvents is forbidden unless resourceVersionMatch is NotOlderThan")
    asked = query.get("resourceVersion", "")
    watch = Watch(
        objects=cluster.objects,
        kind=where.kind,
        namespace=where.namespace,
        matches=matcher(query.get("labelSelector", ""), _fields(where, query)),
        version=None if initial or asked in {"", "0"} else _number(request, "resourceVersion"),
        initial_events_end=initial and request.flag("allowWatchBookmarks"),
        bookmarks=request.flag("allowWatchBookmarks"),
        seconds=_number(request, "timeoutSeconds") or None,
        alive=alive,
    )
    return StreamingResponse(watch.lines(), media_type="application/json")


def _number(request: Request, name: str) -> int:
    """A query parameter that counts; 0 where it is absent. Raises Refusal (400)."""
    text = request.query.get(name) or "0"
    if not text.isdecimal():
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a whole number")
    return int(text)


def _fields(where: Route, query: dict[str, str]) -> str:
    named = f"metadata.name={where.name}" if where.name else ""
    return ",".join(part for part in (query.get("fieldSelector", ""), named) if part)


async def _scale(cluster: Cluster, where: Route, request: Request) -> Response:
    """The replica count alone, as `kubectl scale` reads and writes it."""
    if where.kind.kind not in _SCALABLE:
        raise no_such_path()
    place = _place(cluster, where)
    if request.method in {"PUT", "PATCH"}:
        media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
        body: Any = decode(await request.body(), media)
        replicas = body.get("spec", {}).get("replicas")
        changed = copy_of(place.current())
        changed["spec"]["replicas"] = replicas
        replace(place, changed, _manner(cluster, where, request, ""))
        cluster.controllers.settle()
    value = place.current()
    metadata = {
        key: value["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    }
    status = {"replicas": value.get("status", {}).get("replicas", 0)}
    spec = {"replicas": value["spec"]["replicas"]}
    return as_json(
        {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}
    )
