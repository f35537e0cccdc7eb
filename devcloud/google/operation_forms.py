"""One operation in the form of each service: `done` for the newer APIs, `status` for compute, container and SQL."""

from collections.abc import Callable, Mapping

from devcloud.clock import rfc3339
from devcloud.google.call import Call, Json
from devcloud.google.errors import http_phrase
from devcloud.google.resources import PENDING_SHARE

USER = "portal@portal-host.iam.gserviceaccount.com"

# google.rpc.Code
_CODES = {
    "CANCELLED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14,
}  # fmt: skip


def write(call: Call, record: Json) -> Json:
    """The operation as its service writes it now."""
    return _FORMS.get(record["service"], _newer)(call, record)


def _newer(_call: Call, record: Json) -> Json:
    answer: Json = {"name": record["name"], "metadata": record["details"].get("metadata", {})}
    if not record["done"]:
        return answer  # `done` is absent while it is false
    answer["done"] = True
    if "error" in record:
        answer["error"] = _rpc_error(record)
    else:
        kind = record["details"].get("response_type", "google.protobuf.Empty")
        answer["response"] = {"@type": f"type.googleapis.com/{kind}", **(record["response"] or {})}
    return answer


def _compute(call: Call, record: Json) -> Json:
    answer: Json = {
        "kind": "compute#operation",
        "id": record["id"],
        "name": record["name"].rpartition("/")[2],
        "operationType": record["kind"],
        "targetLink": link(call, record["target"]),
        "targetId": record["id"],
        "status": _status(call, record),
        "user": USER,
        "progress": 100 if record["done"] else 0,
        "insertTime": rfc3339(record["started_at"]),
        "startTime": rfc3339(record["started_at"]),
        "selfLink": link(call, record["name"]),
        **_end_time(record),
    }
    _project, _id, scope, *place = record["name"].split("/")
    if scope != "global":
        answer[scope.removesuffix("s")] = link(call, f"projects/{record['project']}/{scope}/{place[0]}")
    if request_id := record["details"]["request_id"]:
        answer["clientOperationId"] = request_id
    if "error" in record:
        answer["error"] = {"errors": [record["error"]]}
        answer |= {"httpErrorStatusCode": 400, "httpErrorMessage": http_phrase(400)}
    return answer


def _container(call: Call, record: Json) -> Json:
    _projects, _id, _locations, location, *_rest = record["name"].split("/")
    answer: Json = {
        "name": record["name"].rpartition("/")[2],
        "zone": location,
        "location": location,
        "operationType": record["kind"],
        "status": _status(call, record),
        "selfLink": f"{call.base_url}/v1/{record['name']}",
        "targetLink": f"{call.base_url}/v1/{record['target']}",
        "startTime": rfc3339(record["started_at"]),
        **_end_time(record),
    }
    if "error" in record:
        answer |= {"error": _rpc_error(record), "statusMessage": record["error"]["message"]}
    return answer


def _sql(call: Call, record: Json) -> Json:
    answer: Json = {
        "kind": "sql#operation",
        "name": record["name"].rpartition("/")[2],
        "operationType": record["kind"],
        "status": _status(call, record),
        "user": USER,
        "insertTime": rfc3339(record["started_at"]),
        "startTime": rfc3339(record["started_at"]),
        "targetId": record["target"].split("/")[3],
        "targetLink": f"{call.base_url}/v1/{record['target']}",
        "targetProject": record["project"],
        "selfLink": f"{call.base_url}/v1/{record['name']}",
        **record["details"],
        **_end_time(record),
    }
    if "error" in record:
        answer["error"] = {"kind": "sql#operationErrors", "errors": [{"kind": "sql#operationError", **record["error"]}]}
    return answer


_FORMS: Mapping[str, Callable[[Call, Json], Json]] = {"compute": _compute, "container": _container, "sqladmin": _sql}


def link(call: Call, name: str) -> str:
    """A compute resource's selfLink."""
    return f"{call.base_url}/compute/v1/{name}"


def _status(call: Call, record: Json) -> str:
    if record["done"]:
        return "DONE"
    share = (call.at - record["started_at"]) / max(record["ends_at"] - record["started_at"], 0.001)
    return "RUNNING" if share >= PENDING_SHARE else "PENDING"


def _end_time(record: Json) -> Json:
    return {"endTime": rfc3339(record["ends_at"])} if record["done"] else {}


def _rpc_error(record: Json) -> Json:
    error = record["error"]
    return {"code": _CODES.get(error["code"], _CODES["INTERNAL"]), "message": error["message"]}
