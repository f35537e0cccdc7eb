"""The methods of every service that read long-running operations."""

from devcloud.google import operations
from devcloud.google.call import Call, Json, implements
from devcloud.google.errors import invalid, not_found
from devcloud.google.operation_forms import write
from devcloud.google.resources import page


@implements(
    "cloudresourcemanager.operations.get",
    "serviceusage.operations.get",
    "servicenetworking.operations.get",
    "gkebackup.projects.locations.operations.get",
    "container.projects.locations.operations.get",
    "sql.operations.get",
    "compute.globalOperations.get",
    "compute.regionOperations.get",
    "compute.zoneOperations.get",
    "compute.globalOperations.wait",
    "compute.regionOperations.wait",
    "compute.zoneOperations.wait",
)
def _get(call: Call) -> Json:
    """Waiting is best effort: it may return at once and not done, and here it always does."""
    name = _name(call)
    if name == "operations/noop.DONE_OPERATION":
        raise invalid("The operation id is not valid: noop.DONE_OPERATION", "name")
    record = operations.find(call.cloud, call.method.service, name)
    if record is None:
        raise not_found(name)
    return write(call, record)


@implements(
    "container.projects.locations.operations.list",
    "sql.operations.list",
    "compute.globalOperations.list",
    "compute.regionOperations.list",
    "compute.zoneOperations.list",
)
def _list(call: Call) -> Json:
    service = call.method.service
    prefix = call["parent"].removesuffix("-") if service == "container" else _name(call)
    written = [write(call, record) for record in operations.below(call.cloud, service, prefix)]
    if "instance" in call.parameters:
        written = [operation for operation in written if operation["targetId"] == call["instance"]]
    return page(call, "operations" if service == "container" else "items", written)


def _name(call: Call) -> str:
    """The operation's full name, whether the method takes it whole or in parts."""
    if "name" in call.parameters:
        return call["name"]
    place = [part for key in ("region", "zone") if key in call.parameters for part in (f"{key}s", call[key])]
    if call.method.service == "compute":
        place = place or ["global"]
    return "/".join(["projects", call.project, *place, "operations", call.get("operation", "")])
