"""Whether a project is there, and whether a service of it is on: what tells "gone" from "not yet" and "may not"."""

from collections.abc import Mapping
from typing import Any

from provisioning.clients.google.errors import Forbidden, NotFound
from provisioning.clients.google.session import api, execute

ACTIVE = "ACTIVE"


def project_of(project_id: str) -> Mapping[str, Any] | None:
    """The project, deleted ones included for thirty days; None when there is none.

    Google answers 403 for a project that never was, so as not to tell which ids exist.
    """
    try:
        return execute(api("cloudresourcemanager", "v3").projects().get(name=f"projects/{project_id}"))
    except (Forbidden, NotFound):
        return None


def is_gone(project_id: str) -> bool:
    """Whether nothing of the project can be used any more: there is none, or it is being deleted."""
    project = project_of(project_id)
    return project is None or project["state"] != ACTIVE


def service_state(project_id: str, service: str) -> tuple[str, str]:
    """ENABLED or DISABLED, and the number of the project that was asked about."""
    name = f"projects/{project_id}/services/{service}"
    answer = execute(api("serviceusage", "v1").services().get(name=name))
    return str(answer.get("state", "")), str(answer.get("parent", "")).removeprefix("projects/")
