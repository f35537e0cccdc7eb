"""Secret Manager: secrets and their numbered versions. Names carry the project's number, as at Google."""

import base64
import re

from devcloud.clock import rfc3339
from devcloud.google import errors, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.checksums import crc32c
from devcloud.google.services.projects import check_labels

SECRETS = "secretmanager.secrets"
VERSIONS = "secretmanager.versions"

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_MAX_BYTES = 64 * 1024


@implements("secretmanager.projects.secrets.create")
def _create(call: Call) -> Json:
    secret_id = call.get("secretId", "")
    if not _ID.fullmatch(secret_id):
        raise errors.invalid("The provided Secret ID does not match the expected format [[a-zA-Z_0-9]+].", "secret_id")
    if not call.body.get("replication"):
        raise errors.invalid("The replication policy must be given.", "secret.replication")
    check_labels(call.body.get("labels", {}))
    name = f"{call['parent']}/secrets/{secret_id}"
    if call.cloud.store.get(SECRETS, name):
        raise errors.GoogleError(409, "alreadyExists", f"Secret [{_numbered(call, name)}] already exists.")
    body = {**call.body, "name": _numbered(call, name), "createTime": rfc3339(call.at), "etag": f'"{resources.etag()}"'}
    return resources.add(call, SECRETS, name, body)


@implements("secretmanager.projects.secrets.get")
def _get(call: Call) -> Json:
    return _need(call, call["name"])


@implements("secretmanager.projects.secrets.list")
def _list(call: Call) -> Json:
    return resources.page(call, "secrets", resources.below(call, SECRETS, f"{call['parent']}/secrets/"))


@implements("secretmanager.projects.secrets.patch")
def _patch(call: Call) -> Json:
    _need(call, call["name"])
    if not call.get("updateMask"):
        raise errors.invalid("An update mask must be given.", "update_mask")
    check_labels(call.body.get("labels", {}))
    return resources.replace(call.cloud, SECRETS, call["name"], resources.masked(call))


@implements("secretmanager.projects.secrets.delete")
def _delete(call: Call) -> Json:
    name = call["name"]
    _need(call, name)
    for version, _entry in call.cloud.store.items(VERSIONS, f"{name}/versions/"):
        call.cloud.store.delete(VERSIONS, version)
    call.cloud.store.delete(SECRETS, name)
    call.cloud.store.delete(policies.POLICIES, name)
    return {}


@implements("secretmanager.projects.secrets.getIamPolicy")
def _get_policy(call: Call) -> Json:
    _need(call, call["resource"])
    return policies.get_policy(call.cloud, call["resource"])


@implements("secretmanager.projects.secrets.setIamPolicy")
def _set_policy(call: Call) -> Json:
    _need(call, call["resource"])
    return policies.set_policy(call, call["resource"])


@implements("secretmanager.projects.secrets.addVersion")
def _add_version(call: Call) -> Json:
    """Each call makes a new version: this is not idempotent."""
    parent = call["parent"]
    _need(call, parent)
    payload = call.body["payload"]
    data = base64.b64decode(payload.get("data", "").replace("-", "+").replace("_", "/"))
    if not data or len(data) > _MAX_BYTES:
        raise errors.invalid(f"The payload must have 1 to {_MAX_BYTES} bytes.", "payload.data")
    checksum = crc32c(data)
    if "dataCrc32c" in payload and int(payload["dataCrc32c"]) != checksum:
        raise errors.invalid("The checksum does not fit the payload.", "payload.data_crc32c")
    number = len(call.cloud.store.items(VERSIONS, f"{parent}/versions/")) + 1
    name = f"{parent}/versions/{number:06}"
    body = {
        "name": f"{_numbered(call, parent)}/versions/{number}",
        "createTime": rfc3339(call.at),
        "state": "ENABLED",
        "etag": f'"{resources.etag()}"',
        "clientSpecifiedPayloadChecksum": "dataCrc32c" in payload,
    }
    resources.add(call, VERSIONS, name, body)
    kept = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(checksum)}
    call.cloud.store.put("secretmanager.payloads", name, kept)
    return body


@implements("secretmanager.projects.secrets.versions.get")
def _get_version(call: Call) -> Json:
    return _need(call, _version_name(call))


@implements("secretmanager.projects.secrets.versions.list")
def _list_versions(call: Call) -> Json:
    """The newest first."""
    _need(call, call["parent"])
    return resources.page(call, "versions", resources.below(call, VERSIONS, f"{call['parent']}/versions/")[::-1])


@implements("secretmanager.projects.secrets.versions.access")
def _access(call: Call) -> Json:
    name = _version_name(call)
    version = _need(call, name)
    if version["state"] != "ENABLED":
        raise errors.precondition(f"Secret Version [{version['name']}] is in {version['state']} state.")
    return {"name": version["name"], "payload": call.cloud.store.get("secretmanager.payloads", name)}


@implements("secretmanager.projects.secrets.versions.destroy")
def _destroy(call: Call) -> Json:
    name = _version_name(call)
    if _need(call, name)["state"] == "DESTROYED":
        raise errors.precondition("The secret version is destroyed already.")
    call.cloud.store.delete("secretmanager.payloads", name)
    return resources.replace(call.cloud, VERSIONS, name, {"state": "DESTROYED", "destroyTime": rfc3339(call.at)})


def _need(call: Call, name: str) -> Json:
    body = resources.find(call, VERSIONS if "/versions/" in name else SECRETS, name)
    if body is None:
        word = "Secret Version" if "/versions/" in name else "Secret"
        raise errors.GoogleError(404, "notFound", f"{word} [{_numbered(call, name)}] not found or has no versions.")
    return body


def _version_name(call: Call) -> str:
    """Versions sort by number in the store; `latest` is the highest."""
    parent, _, version = call["name"].rpartition("/")
    if version.isdigit():
        return f"{parent}/{int(version):06}"
    found = call.cloud.store.items(VERSIONS, f"{parent}/")
    return found[-1][0] if found and version == "latest" else call["name"]


def _numbered(call: Call, name: str) -> str:
    return f"projects/{call.project_number}/{name.split('/', 2)[2]}"
