"""Cloud SQL: a database of an instance is written into a bucket, as the instance's own account."""

import gzip
import json
import re

from devcloud.cloud import Cloud
from devcloud.google import errors, operations
from devcloud.google.call import Call, Json, implements
from devcloud.google.services.bucket_policies import CREATE, DELETE, missing
from devcloud.google.services.buckets import BUCKETS
from devcloud.google.services.databases import instance_of, need_idle, start
from devcloud.google.services.objects import put_object
from devcloud.google.services.sql_backups import copy_of
from devcloud.google.services.sql_contents import DATABASES

_URI = re.compile(r"gs://([^/]+)/(.+)")


@implements("sql.instances.export")
def _export(call: Call) -> Json:
    """As it runs: one database at a time.

    That `storage.objects.delete` is asked for, too: terraform-google-modules/terraform-google-sql-db issue 599, and
    that it is asked for before anything is done.
    """
    instance, context = need_idle(call), call.body.get("exportContext", {})
    if context.get("fileType") != "SQL":
        raise errors.invalid(f"devcloud exports SQL alone, not {context.get('fileType')}.")
    bucket, name = _destination(call, context)
    _check_database(call, context)
    lacks = missing(call.cloud, bucket, name, instance["serviceAccountEmailAddress"], (CREATE, DELETE))
    if lacks:
        account = instance["serviceAccountEmailAddress"]
        message = f"gs://{bucket}/: Access denied for service account {account}, permissions missing are: {lacks}"
        raise errors.GoogleError(403, "notAuthorized", message)
    held = json.dumps(copy_of(call.cloud, instance_of(call), instance), sort_keys=True)
    dump = f"--\n-- PostgreSQL database dump\n--\n\n-- {context['databases'][0]}: {held}\n"
    outcome = ("sql.exported", {"bucket": bucket, "name": name, "dump": dump})
    details = {"exportContext": {"kind": "sql#exportContext", **context}}
    return start(call, instance_of(call), "EXPORT", "sql.export", outcome, None, details)


@operations.outcome("sql.exported")
def _exported(cloud: Cloud, at: float, arguments: Json) -> None:
    if cloud.store.get(BUCKETS, arguments["bucket"]) is None:
        raise operations.OperationError("ERROR_RDBMS", f"The bucket {arguments['bucket']} does not exist.")
    dump, name = arguments["dump"].encode(), arguments["name"]
    put_object(cloud, at, arguments["bucket"], name, gzip.compress(dump, mtime=0) if name.endswith(".gz") else dump)


def _destination(call: Call, context: Json) -> tuple[str, str]:
    found = _URI.fullmatch(context.get("uri", ""))
    if found is None:
        raise errors.invalid("Invalid request: Invalid or missing URI of the export file.")
    if call.cloud.store.get(BUCKETS, found[1]) is None:
        raise errors.GoogleError(404, "notFound", f"The specified bucket {found[1]} does not exist.")
    return found[1], found[2]


def _check_database(call: Call, context: Json) -> None:
    """PostgreSQL: exactly one, and it is there."""
    named = context.get("databases", [])
    if len(named) != 1:
        raise errors.invalid("Invalid request: Exactly one database must be specified.")
    entry = call.cloud.store.get(DATABASES, f"{instance_of(call)}/databases/{named[0]}")
    if entry is None or not entry["ready"]:
        raise errors.invalid(f"Invalid request: The database {named[0]} does not exist.")
