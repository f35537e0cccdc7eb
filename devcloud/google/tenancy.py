"""Projects as every service sees them: which one a call is about, and whether it may be used."""

import re
from collections.abc import Mapping
from dataclasses import replace

from devcloud.cloud import Cloud
from devcloud.google import errors
from devcloud.google.call import Call, Json

PROJECTS = "cloudresourcemanager.projects"
NUMBERS = "cloudresourcemanager.numbers"
ENABLED = "serviceusage.services"

# These are asked in the name of the caller's own project, whose services are all enabled.
_ANSWER_ALWAYS = {"cloudresourcemanager", "cloudbilling", "serviceusage", "iamcredentials"}
# The parameters that hold a full name.
_NAMES = ("name", "parent", "resource")
_IN_NAME = re.compile(r"projects/([^/]+)(/.*)?")
_ACCOUNT = re.compile(r"/serviceAccounts/[^@]+@([a-z0-9-]+)\.iam\.gserviceaccount\.com$")


def find_project(cloud: Cloud, reference: str) -> Json | None:
    """The project by id or number, once its creation is done."""
    number = cloud.store.get(NUMBERS, reference)
    entry = cloud.store.get(PROJECTS, number["id"] if number else reference)
    return entry["body"] if entry and entry["ready"] else None


def number_of(project: Json) -> str:
    return str(project["name"]).removeprefix("projects/")


def is_enabled(cloud: Cloud, project_id: str, service: str) -> bool:
    return cloud.store.get(ENABLED, f"{project_id}/{service}") is not None


def placed(call: Call) -> Call:
    """The call with its project: names say the id, whatever the caller wrote. Raises GoogleError where the project
    can't be used, or where the service is not enabled in it.
    """
    if call.counted_for:
        _check_counted(call)
    if call.method.service == "cloudresourcemanager":
        return call
    reference = _reference(call)
    if not reference:
        return call
    project = find_project(call.cloud, reference)
    if project is None:
        raise _unknown(call, reference)
    if project["state"] != "ACTIVE":
        raise errors.forbidden(f"Project '{reference}' has been deleted or is pending deletion.", "CONSUMER_INVALID")
    project_id = project["projectId"]
    if call.method.service not in _ANSWER_ALWAYS:
        _check_enabled(call, project)
    parameters = dict(call.parameters)
    parameters |= {name: _renamed(call[name], project_id) for name in _NAMES if name in parameters}
    if "project" in parameters:
        parameters["project"] = project_id
    return replace(call, project=project_id, project_number=number_of(project), parameters=parameters)


def _reference(call: Call) -> str:
    if "project" in call.parameters:
        return call["project"]
    body = call.body
    names = [
        *(call.get(name) for name in _NAMES),
        call.get("network"),
        body.get("network"),
        body.get("consumerNetwork"),
    ]
    for name in names:
        found = _IN_NAME.fullmatch(name) if isinstance(name, str) else None
        if found and found[1] != "-":
            return found[1]
        account = _ACCOUNT.search(name) if found else None
        if account:
            return account[1]
    return ""


def _renamed(value: str, project_id: str) -> str:
    found = _IN_NAME.fullmatch(value)
    return f"projects/{project_id}{found[2] or ''}" if found else value


def _unknown(call: Call, reference: str) -> errors.GoogleError:
    if call.method.service in {"compute", "sqladmin", "dns", "storage"}:
        return errors.not_found(f"projects/{reference}")
    return errors.forbidden(f"Permission denied on resource project {reference}.", "CONSUMER_INVALID")


def _check_counted(call: Call) -> None:
    """The project whose quota the call is to use is the caller's to use, and has the service."""
    project = find_project(call.cloud, call.counted_for)
    if project is None or project["state"] != "ACTIVE":
        message = (
            f"Caller does not have required permission to use project {call.counted_for}. Grant the caller the "
            "roles/serviceusage.serviceUsageConsumer role, or a custom role with serviceusage.services.use."
        )
        raise errors.forbidden(message, "USER_PROJECT_DENIED")
    _check_enabled(call, project)


def _check_enabled(call: Call, project: Json) -> None:
    service = f"{call.method.service}.googleapis.com"
    enabled = call.cloud.store.get(ENABLED, f"{project['projectId']}/{service}")
    if enabled and enabled["enabled_at"] + call.cloud.profile.seconds("services.propagation") <= call.at:
        return
    number = number_of(project)
    raise _disabled(call.method.title, service, number)


def _disabled(title: str, service: str, number: str) -> errors.GoogleError:
    message = (
        f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting "
        f"https://console.developers.google.com/apis/api/{service}/overview?project={number} then retry. If you "
        "enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    )
    metadata: Mapping[str, str] = {"service": service, "consumer": f"projects/{number}"}
    return errors.GoogleError(403, "accessNotConfigured", message, info="SERVICE_DISABLED", metadata=metadata)
