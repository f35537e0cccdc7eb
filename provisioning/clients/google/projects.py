"""Whether a project is there, and whether a service of it is on: what tells "gone" from "not yet" and "may not"."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from provisioning.clients.google.errors import Forbidden, NotFound
from provisioning.clients.google.session import api, execute
from provisioning.outcomes import Refused

ACTIVE = "ACTIVE"
SEE_PROJECTS = "resourcemanager.projects.get"


def project_of(project_id: str) -> Mapping[str, Any] | None:
    """The project, deleted ones included for thirty days; None when there is none.

    Google answers 403 for a project that never was, so as not to tell which ids exist. It answers the same when the
    portal has lost its rights: then this raises Refused, lest a teardown take that for proof that nothing is left.
    """
    try:
        return execute(api("cloudresourcemanager", "v3").projects().get(name=f"projects/{project_id}"))
    except Forbidden as forbidden:
        if not _may_see_projects():
            raise Refused(
                f"The portal may no longer see the projects in {settings.GOOGLE_PARENT}.",
                "Give its service account back its roles there, then retry the step.",
            ) from forbidden
        return None
    except NotFound:
        return None


def _may_see_projects() -> bool:
    """Whether the portal has its rights on the folder or organization that all projects are made in."""
    parent = settings.GOOGLE_PARENT
    if not parent:
        return True
    collection = getattr(api("cloudresourcemanager", "v3"), parent.partition("/")[0])()
    answer = execute(collection.testIamPermissions(resource=parent, body={"permissions": [SEE_PROJECTS]}))
    return SEE_PROJECTS in answer.get("permissions", ())


def is_gone(project_id: str) -> bool:
    """Whether nothing of the project can be used any more: there is none, or it is being deleted."""
    project = project_of(project_id)
    return project is None or project["state"] != ACTIVE


def service_state(project_id: str, service: str) -> tuple[str, str]:
    """ENABLED or DISABLED, and the number of the project that was asked about."""
    name = f"projects/{project_id}/services/{service}"
    answer = execute(api("serviceusage", "v1").services().get(name=name))
    return str(answer.get("state", "")), str(answer.get("parent", "")).removeprefix("projects/")
