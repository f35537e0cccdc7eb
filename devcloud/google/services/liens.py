"""Liens: what keeps a project from being deleted."""

from devcloud.clock import rfc3339
from devcloud.google import errors, resources, tenancy
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.projects import LIENS

_RESTRICTIONS = {"resourcemanager.projects.delete"}


@implements("cloudresourcemanager.liens.create")
def _create(call: Call) -> Json:
    parent = _parent(call, call.body.get("parent", ""))
    if not set(call.body.get("restrictions", ())) & _RESTRICTIONS:
        raise errors.invalid("restrictions must hold resourcemanager.projects.delete.", "lien.restrictions")
    if not call.body.get("reason") or not call.body.get("origin"):
        raise errors.invalid("A lien needs a reason and an origin.", "lien")
    name = f"liens/p{resources.new_id()}"
    return resources.add(
        call, LIENS, name, {**call.body, "name": name, "parent": parent, "createTime": rfc3339(call.at)}
    )


@implements("cloudresourcemanager.liens.list")
def _list(call: Call) -> Json:
    parent = _parent(call, call.get("parent", ""))
    return resources.page(
        call, "liens", [lien for lien in resources.below(call, LIENS, "") if lien["parent"] == parent]
    )


@implements("cloudresourcemanager.liens.delete")
def _delete(call: Call) -> Json:
    resources.need(call, LIENS, call["name"])
    call.cloud.store.delete(LIENS, call["name"])
    return {}


def _parent(call: Call, name: str) -> str:
    """The project by its number, however it was named."""
    project = tenancy.find_project(call.cloud, name.removeprefix("projects/"))
    if project is None:
        raise errors.forbidden("The caller does not have permission")
    return str(project["name"])
