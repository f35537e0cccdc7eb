"""Discovery and OpenAPI documents: made once, answered as bytes."""

import hashlib
from functools import cache

import msgspec

from devcloud.kubernetes.failures import JSON
from devcloud.kubernetes.kinds import SHORT_NAMES, VERBS, Kind, groups

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# The smallest OpenAPI document in protobuf: field 1 (swagger) = "2.0".
_EMPTY_OPENAPI_V2 = b"\x0a\x032.0"
_AGGREGATED_SINCE = 26
_PATCH_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def offers_aggregation(minor: int) -> bool:
    return minor >= _AGGREGATED_SINCE


@cache
def aggregated(root: str) -> bytes:
    """The aggregated discovery of /api or /apis."""
    found = {group: versions for group, versions in groups().items() if (group == "") == (root == "api")}
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [_aggregated_version(version, kinds) for version, kinds in versions.items()],
        }
        for group, versions in found.items()
    ]
    return _encode(
        {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}
    )


@cache
def plain(root: str) -> bytes:
    """The discovery of /api or /apis as older clients read it."""
    if root == "api":
        return _encode({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
    listed = []
    for group, versions in groups().items():
        if group:
            spelled = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
            listed.append({"name": group, "versions": spelled, "preferredVersion": spelled[0]})
    return _encode({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})


@cache
def resources(group: str, version: str) -> bytes | None:
    """The resources of one group version; None when there is none such."""
    kinds = groups().get(group, {}).get(version)
    if kinds is None:
        return None
    listed = [entry for kind in kinds for entry in _plain_resources(kind)]
    name = f"{group}/{version}" if group else version
    return _encode({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed})


@cache
def openapi_index(cluster_path: str) -> bytes:
    """The index of /openapi/v3; the hashes let a client keep what it has."""
    paths = {}
    for group, versions in groups().items():
        for version in versions:
            name = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = hashlib.sha256(openapi_group(group, version) or b"").hexdigest().upper()
            paths[name] = {"serverRelativeURL": f"{cluster_path}/openapi/v3/{name}?hash={digest}"}
    return _encode({"paths": paths})


@cache
def openapi_group(group: str, version: str) -> bytes | None:
    """The OpenAPI document of one group version: each kind with the parameters of its PATCH.

    Clients look here for one thing: whether the server itself checks fields (`fieldValidation`). It does.
    """
    kinds = groups().get(group, {}).get(version)
    if kinds is None:
        return None
    paths, schemas = {}, {}
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        paths[f"{kind.path()}/{{name}}"] = {
            "patch": {
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": gvk,
                "parameters": [
                    {"name": name, "in": "query", "schema": {"type": "string"}} for name in _PATCH_PARAMETERS
                ],
                "responses": {},
            }
        }
        schemas[f"{kind.group or 'core'}.{kind.version}.{kind.kind}"] = {
            "type": "object",
            "x-kubernetes-group-version-kind": [gvk],
        }
    document = {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}}
    return _encode({**document, "paths": paths, "components": {"schemas": schemas}})


def openapi_v2(accept: str) -> tuple[str, bytes]:
    """Media type and bytes of the old document: valid, and empty; nobody needs it where the new one is served."""
    if "protobuf" in accept:
        return OPENAPI_V2_PROTOBUF, _EMPTY_OPENAPI_V2
    return "application/json", _encode(
        {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1"}, "paths": {}}
    )


def version(minor_version: str) -> JSON:
    major, _, minor = minor_version.partition(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{minor_version}.0-gke.1000000",
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.24",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def _aggregated_version(version_name: str, kinds: list[Kind]) -> JSON:
    return {
        "version": version_name,
        "freshness": "Current",
        "resources": [
            {
                "resource": kind.plural,
                "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
                "scope": "Namespaced" if kind.namespaced else "Cluster",
                "singularResource": kind.kind.lower(),
                "verbs": VERBS,
                **({"shortNames": [SHORT_NAMES[kind.plural]]} if kind.plural in SHORT_NAMES else {}),
                "subresources": [
                    {
                        "subresource": name,
                        "responseKind": {"group": "", "version": "", "kind": kind.kind},
                        "verbs": ["get", "patch", "update"],
                    }
                    for name in kind.subresources
                ],
            }
            for kind in kinds
        ],
    }


def _plain_resources(kind: Kind) -> list[JSON]:
    entry: JSON = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
    }
    if kind.plural in SHORT_NAMES:
        entry["shortNames"] = [SHORT_NAMES[kind.plural]]
    inner = [
        {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": ["get", "patch", "update"],
        }
        for name in kind.subresources
    ]
    return [entry, *inner]


def _encode(document: JSON) -> bytes:
    return msgspec.json.encode(document)
