"""The job in an instance that counts how it is used and tells the numbers, once an hour (decision 15).

It sees the application's own database and nothing else, may change nothing there, and has no account in the cluster.
`psql` and `wget` are in one small image: https://hub.docker.com/_/postgres, alpine; its wget checks certificates, by
Alpine's ssl_client, and fails for any status but a good one.
"""

from typing import Any, Final
from zlib import crc32

from django.conf import settings
from django.urls import reverse

from provisioning.fleet.architectures import architecture_of
from provisioning.fleet.figures import counting_statement
from provisioning.fleet.pings import ping_token
from provisioning.models import Kind
from provisioning.spec import InstanceSpec
from provisioning.steps import names

IMAGE: Final = "index.docker.io/library/postgres:17.6-alpine3.22"
USER: Final = 70  # its postgres
NAME: Final = "usage"
APP: Final = {"app": NAME}
RESOURCES: Final = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}}
# Numbers alone leave: the answer is one line of JSON. Nothing is tried again within the hour; the next count is newer.
# Only options that every build of BusyBox has; the job's deadline is what ends a call that hangs.
SCRIPT: Final = """set -eu
figures="$(psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command="$STATEMENT")"
wget -q -O /dev/null --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" \\
    --post-data "$figures" "$ADDRESS"
"""
READ_ONLY: Final = "-c default_transaction_read_only=on -c statement_timeout=60000"
MOST_SECONDS: Final = 300  # a pod without a node, as in a suspended instance, is given up
LATEST_SECONDS: Final = 1_800  # a count that could not begin by then waits for the next hour
KEYS: Final = ("user", "password", "database", "host", "port")


def does_ping(spec: InstanceSpec) -> bool:
    """Whether the instance tells how it is used. A rehearsal's data is a copy of somebody else's."""
    return architecture_of(spec.architecture).usage_pings and spec.kind != Kind.REHEARSAL


def usage_resources(spec: InstanceSpec) -> list[dict[str, Any]]:
    """The CronJob; nothing where the instance does not tell."""
    return [_cron_job(spec)] if does_ping(spec) else []


def ping_fields(spec: InstanceSpec) -> dict[str, str]:
    """What the Secret `usage-ping` holds: whom it tells, and what it is let in by. Neither is in the chart's values."""
    return {"address": f"{settings.PORTAL_URL}{reverse('usage_ping')}", "token": ping_token(spec.id)}


def _cron_job(spec: InstanceSpec) -> dict[str, Any]:
    metadata = {"labels": {**spec.labels, **APP}}
    pod = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [_container(spec)]}
    job = {"backoffLimit": 0, "activeDeadlineSeconds": MOST_SECONDS, "template": {"metadata": metadata, "spec": pod}}
    schedule = {
        "schedule": f"{_minute(spec)} * * * *",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": LATEST_SECONDS,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": metadata, "spec": job},
    }
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": NAME, **metadata}, "spec": schedule}


def _minute(spec: InstanceSpec) -> int:
    """Its own, so that a fleet does not call all at once."""
    return crc32(spec.id.encode()) % 60


def _container(spec: InstanceSpec) -> dict[str, Any]:
    own = [_secret(name.upper(), names.USAGE_PING, name) for name in ("address", "token")]
    statement = counting_statement(spec.architecture)
    plain = [{"name": "STATEMENT", "value": statement}, {"name": "PGOPTIONS", "value": READ_ONLY}]
    return {
        "name": NAME,
        "image": IMAGE,
        "command": ["/bin/sh", "-c", SCRIPT],
        "env": [*(_secret(f"PG{key.upper()}", names.database_secret("pgsql"), key) for key in KEYS), *own, *plain],
        "resources": RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _secret(variable: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
