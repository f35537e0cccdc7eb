"""Cloud SQL: databases and users of an instance."""

from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.databases import check_runs, need, need_idle, start
from devcloud.google.services.sql_replicas import check_no_replica

DATABASES = "sql.databases"
USERS = "sql.users"


@implements("sql.databases.insert")
def _insert_database(call: Call) -> Json:
    check_no_replica(need_idle(call))
    short = _required(call, "name")
    body = {
        "charset": "UTF8",
        "collation": "en_US.UTF8",
        **call.body,
        "kind": "sql#database",
        "instance": call["instance"],
    }
    return _insert(call, DATABASES, _name(call, f"databases/{short}"), body, ("CREATE_DATABASE", "sql.database"))


@implements("sql.databases.get")
def _get_database(call: Call) -> Json:
    need(call)
    return resources.need(call, DATABASES, _name(call, f"databases/{call['database']}"))


@implements("sql.databases.delete")
def _delete_database(call: Call) -> Json:
    return _delete(call, DATABASES, f"databases/{call['database']}", "DELETE_DATABASE", "delete.sql.database")


@implements("sql.users.insert")
def _insert_user(call: Call) -> Json:
    check_no_replica(need_idle(call))
    short = _required(call, "name")
    if call.body.get("type", "BUILT_IN") == "BUILT_IN":
        _required(call, "password")
    body = {"kind": "sql#user", "instance": call["instance"], **_without_password(call.body)}
    return _insert(call, USERS, _name(call, f"users/{short}"), body, ("CREATE_USER", "sql.user"))


@implements("sql.users.update")
def _update_user(call: Call) -> Json:
    """A new password; it is kept nowhere, so nothing of the user's entry changes."""
    check_no_replica(need_idle(call))
    name = _name(call, f"users/{call.get('name', '')}")
    resources.need(call, USERS, name)
    changes = _without_password(call.body)
    return start(call, name, "UPDATE_USER", "sql.user", operations.changed(USERS, name, **changes))


@implements("sql.users.delete")
def _delete_user(call: Call) -> Json:
    return _delete(call, USERS, f"users/{call.get('name', '')}", "DELETE_USER", "delete.sql.user")


@implements("sql.databases.list", "sql.users.list")
def _list(call: Call) -> Json:
    """A stopped instance does not tell: github.com/hashicorp/terraform-provider-google/issues/7810, 13123."""
    check_runs(need(call))
    kind = call.method.id.split(".")[1]
    return resources.page(call, "items", resources.below(call, f"sql.{kind}", _name(call, f"{kind}/")))


def _insert(call: Call, collection: str, name: str, body: Json, work: tuple[str, str]) -> Json:
    """It can't be seen before its operation is done."""
    if call.cloud.store.get(collection, name):
        raise errors.taken(name)
    kind, duration = work
    entry = {"body": body, "visible_at": call.at + call.cloud.profile.seconds(duration), "ready": False}
    call.cloud.store.put(collection, name, entry)
    return start(call, name, kind, duration, operations.changed(collection, name), operations.gone(collection, name))


def _delete(call: Call, collection: str, short: str, kind: str, duration: str) -> Json:
    check_no_replica(need_idle(call))
    name = _name(call, short)
    resources.need(call, collection, name)
    return start(call, name, kind, duration, operations.gone(collection, name))


def _name(call: Call, short: str) -> str:
    return f"projects/{call.project}/instances/{call['instance']}/{short}"


def _required(call: Call, field: str) -> str:
    if not call.body.get(field):
        raise errors.GoogleError(400, "required", f"Missing parameter: {field}.")
    return str(call.body[field])


def _without_password(body: Json) -> Json:
    return {key: value for key, value in body.items() if key != "password"}
