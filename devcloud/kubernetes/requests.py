"""What a request means: which kind, namespace, name and verb, and who asks."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
import yaml
from starlette.types import Receive, Scope

from devcloud.clock import now
from devcloud.cloud import Cloud
from devcloud.kubernetes.clusters import ClusterRecord
from devcloud.kubernetes.failures import (
    bad_request,
    forbidden,
    no_such_path,
    too_large,
    unauthorized,
    unsupported_media,
)
from devcloud.kubernetes.kinds import Kind, all_kinds
from devcloud.kubernetes.protobuf import decode_protobuf

ACCESS_TOKENS = "access_tokens"
_CLUSTER = re.compile(r"/clusters/([^/]+)(/.*)?$")
_BODY_LIMIT = 3 * 1024 * 1024
_READING = {"get", "list", "watch"}
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Route:
    """What a path below /api or /apis names. Empty texts where it names none."""

    kind: Kind
    namespace: str
    name: str
    subresource: str


@dataclass(frozen=True)
class Request:
    """One request to one cluster; `path` is below the cluster."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    scope: Scope
    receive: Receive

    def flag(self, name: str) -> bool:
        return self.query.get(name) in {"true", "1"}

    async def body(self) -> bytes:
        """Raises Refusal (413)."""
        body = b""
        while True:
            message = await self.receive()
            body += bytes(message.get("body", b""))
            if len(body) > _BODY_LIMIT:
                raise too_large()
            if not message.get("more_body"):
                return body


def split_cluster(path: str) -> tuple[str, str]:
    """The cluster's id and the path inside it; empty texts where the path names no cluster."""
    found = _CLUSTER.search(path)
    return (found[1], found[2] or "/") if found else ("", "")


def read_request(scope: Scope, receive: Receive, path: str) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = {
        name: values[-1] for name, values in parse_qs(scope["query_string"].decode(), keep_blank_values=True).items()
    }
    return Request(scope["method"], path, query, headers, scope, receive)


def decode(body: bytes, media: str) -> object:
    """The body as JSON, or as YAML where that is what it is. Raises Refusal (400, 415)."""
    if media == "application/vnd.kubernetes.protobuf":
        return decode_protobuf(body)
    if "cbor" in media:
        raise unsupported_media("application/json, application/yaml")
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        if "yaml" not in media:
            raise bad_request(f"error decoding the body: {error}") from error
    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def route(path: str) -> Route:
    """Raises Refusal (404) for a path or kind that is not served."""
    parts = path.strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    kind = all_kinds().get((group, version, rest[0]))
    if kind is None or (namespace and not kind.namespaced):
        raise no_such_path()
    name, subresource = (*rest[1:], "", "")[:2]
    return Route(kind, namespace, name, subresource)


def check_access(cloud: Cloud, record: ClusterRecord, authorization: str) -> str:
    """Who asks. Raises Refusal (401) unless the bearer's token opens this cluster."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized()
    if record.token and token == record.token:
        return f"system:serviceaccount:default:{record.id}"
    known = cloud.store.get(ACCESS_TOKENS, token)
    if known is None or known["project"] != record.owner or known["expires_at"] <= now():
        raise unauthorized()
    return str(known["email"])


def check_rights(record: ClusterRecord, user: str, where: Route, method: str) -> None:
    """Raises Refusal (403) where the cluster's token may write in one namespace only, and this is elsewhere."""
    if record.rights in {"*", where.namespace}:
        return
    verb = _VERBS.get(method, method.lower())
    if where.kind.namespaced or verb not in _READING:
        raise forbidden(user, verb, where.kind.plural, where.kind.group)
