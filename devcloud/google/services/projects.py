"""Cloud Resource Manager and Cloud Billing: projects, who may use them, and who pays for them."""

import re
from typing import Any

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, filters, operations, policies, resources, tenancy
from devcloud.google.call import Call, Json, implements
from devcloud.google.operation_forms import write
from devcloud.google.operations import Work

BILLING_ACCOUNTS = "cloudbilling.accounts"
BILLING_LINKS = "cloudbilling.projects"
LIENS = "cloudresourcemanager.liens"

_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_PARENT = re.compile(r"(folders|organizations)/\d+")
_CHANGEABLE = {"displayName", "labels"}
_TYPE = "google.cloud.resourcemanager.v3.Project"
_OWNER = "serviceAccount:portal@portal-host.iam.gserviceaccount.com"


@implements("cloudresourcemanager.projects.create")
def _create(call: Call) -> Json:
    project_id = call.body.get("projectId", "")
    _check(call.body)
    number = resources.new_id()[:12]
    body = {
        **call.body,
        "name": f"projects/{number}",
        "state": "ACTIVE",
        "createTime": rfc3339(call.at),
        "etag": resources.etag(),
    }
    seconds = call.cloud.profile.seconds("project")
    if call.cloud.store.get(tenancy.PROJECTS, project_id):
        raise errors.GoogleError(409, "alreadyExists", "Requested entity already exists")
    resources.add(call, tenancy.PROJECTS, project_id, body, seconds=seconds)
    call.cloud.store.put(tenancy.NUMBERS, number, {"id": project_id})
    policies.grant(call.cloud, f"projects/{project_id}", "roles/owner", _OWNER)
    done = operations.changed(tenancy.PROJECTS, project_id)
    return _operation(call, "cp", project_id, seconds, done, operations.gone(tenancy.PROJECTS, project_id))


@implements("cloudresourcemanager.projects.get")
def _get(call: Call) -> Json:
    return _need(call, call["name"])


@implements("cloudresourcemanager.projects.search")
def _search(call: Call) -> Json:
    """Projects whose creation is done, deleted ones included until they are purged."""
    entries = call.cloud.store.items(tenancy.PROJECTS)
    projects = [{**entry["body"], "id": name} for name, entry in entries if entry["ready"]]
    matches = filters.parse(call.get("query", ""))
    found = [{key: value for key, value in project.items() if key != "id"} for project in projects if matches(project)]
    return resources.page(call, "projects", found)


@implements("cloudresourcemanager.projects.patch")
def _patch(call: Call) -> Json:
    """Of a project, only its name and its labels can be changed so."""
    project = _need(call, call["name"])
    changes = resources.masked(call)
    fixed = {field for field in set(changes) - _CHANGEABLE if changes[field] != project.get(field)}
    if fixed and call.get("updateMask"):
        raise errors.invalid(f"Invalid field in the update mask: {min(fixed)}.", "update_mask")
    changes = {field: value for field, value in changes.items() if field in _CHANGEABLE}
    _check({**project, **changes})
    return _change(call, project, "up", "project.update", {**changes, "etag": resources.etag()})


@implements("cloudresourcemanager.projects.delete")
def _delete(call: Call) -> Json:
    """The project is soft-deleted: it can be undeleted for 30 days, and its id never comes back."""
    project = _need(call, call["name"])
    if project["state"] != "ACTIVE":
        raise errors.precondition("Project not active")
    number = tenancy.number_of(project)
    for _name, lien in call.cloud.store.items(LIENS):
        if lien["body"]["parent"] == f"projects/{number}":
            raise errors.precondition(
                f"A lien to prevent deletion was placed on the project by [{lien['body']['origin']}]. "
                "Remove the lien to allow deletion."
            )
    changes = {"state": "DELETE_REQUESTED", "deleteTime": rfc3339(call.at), "etag": resources.etag()}
    return _change(call, project, "dp", "delete.project", changes)


@implements("cloudresourcemanager.folders.testIamPermissions", "cloudresourcemanager.organizations.testIamPermissions")
def _test_permissions(call: Call) -> Json:
    """The portal owns what is above its projects; a fault rule takes that away."""
    return {"permissions": call.body.get("permissions", [])}


@implements("cloudresourcemanager.projects.undelete")
def _undelete(call: Call) -> Json:
    project = _need(call, call["name"])
    if project["state"] != "DELETE_REQUESTED":
        raise errors.precondition("Project is not pending deletion")
    # Its billing is not linked again by itself.
    call.cloud.store.delete(BILLING_LINKS, project["projectId"])
    return _change(call, project, "up", "project", {"state": "ACTIVE", "deleteTime": None})


@implements("cloudresourcemanager.projects.getIamPolicy")
def _get_policy(call: Call) -> Json:
    return policies.get_policy(call.cloud, _policy_name(call))


@implements("cloudresourcemanager.projects.setIamPolicy")
def _set_policy(call: Call) -> Json:
    return policies.set_policy(call, _policy_name(call))


@implements("cloudbilling.projects.getBillingInfo")
def _get_billing(call: Call) -> Json:
    link = call.cloud.store.get(BILLING_LINKS, call.project)
    account = link["account"] if link else ""
    return {
        "name": f"projects/{call.project}/billingInfo",
        "projectId": call.project,
        "billingAccountName": account,
        "billingEnabled": bool(account),
    }


@implements("cloudbilling.projects.updateBillingInfo")
def _update_billing(call: Call) -> Json:
    account = call.body.get("billingAccountName", "")
    if account and not call.cloud.store.get(BILLING_ACCOUNTS, account):
        raise errors.forbidden(f"The caller does not have permission on billing account {account}.")
    call.cloud.store.put(BILLING_LINKS, call.project, {"account": account})
    return _get_billing(call)


def pays(cloud: Cloud, project_id: str) -> bool:
    """Whether a billing account is linked to the project."""
    return bool((cloud.store.get(BILLING_LINKS, project_id) or {}).get("account"))


def _need(call: Call, name: str) -> Json:
    """Raises 403 for an unknown project, as Google does: it doesn't say which ids exist."""
    project = tenancy.find_project(call.cloud, name.removeprefix("projects/"))
    if project is None:
        raise errors.forbidden("The caller does not have permission")
    return project


def _policy_name(call: Call) -> str:
    project = _need(call, call["resource"])
    if project["state"] != "ACTIVE":
        raise errors.forbidden("The caller does not have permission")
    return f"projects/{project['projectId']}"


def _check(body: Json) -> None:
    project_id: str = body.get("projectId", "")
    if not _ID.fullmatch(project_id):
        raise errors.invalid(
            f'project_id "{project_id}" must be 6 to 30 lowercase letters, digits or hyphens, start with a letter '
            "and not end with a hyphen.",
            "project.project_id",
        )
    if body.get("parent") and not _PARENT.fullmatch(body["parent"]):
        raise errors.invalid(f"Invalid parent: {body['parent']}", "project.parent")
    if not 4 <= len(body.get("displayName", project_id)) <= 30:
        raise errors.invalid("The display name must be 4 to 30 characters.", "project.display_name")
    check_labels(body.get("labels", {}))


def check_labels(labels: dict[str, Any]) -> None:
    """Raises GoogleError 400 for a label that Google would not take."""
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise errors.invalid(f"Invalid label '{key}': '{value}'.", "labels")


def _change(call: Call, project: Json, prefix: str, duration: str, changes: Json) -> Json:
    outcome = operations.changed(tenancy.PROJECTS, project["projectId"], **changes)
    return _operation(call, prefix, project["projectId"], call.cloud.profile.seconds(duration), outcome, None)


def _operation(
    call: Call,
    prefix: str,
    project_id: str,
    seconds: float,
    outcome: tuple[str, Json],
    failure: tuple[str, Json] | None,
) -> Json:
    return write(
        call,
        operations.start(
            call,
            Work(
                name=f"operations/{prefix}.{resources.new_id()}",
                kind=call.method.id,
                target=f"projects/{project_id}",
                seconds=seconds,
                outcome=outcome,
                failure=failure,
                details={"response_type": _TYPE},
            ),
        ),
    )
