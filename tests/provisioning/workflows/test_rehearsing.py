"""A stand-in made of last night's backup: restored, with a password of its own, upgraded, and gone without a trace."""

from typing import Any

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.graph import workflow_of
from provisioning.models import Instance, Kind, Operation, OperationKind
from provisioning.services import instance_upgrade, operation_request
from provisioning.spec import spec_of
from provisioning.steps import names
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import (
    assert_struck_at_every_point,
    assert_succeeded,
    crashes,
    in_place_of,
    run,
    twice,
)
from tests.provisioning.workflows.wishes import answering_version, newest, schema_of
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # see test_changes
]
OLD = "5.10.1"


@pytest.fixture
def source(running) -> dict[str, str]:
    return {"project": running.pk, "instance": f"sql-{running.pk}"}


@pytest.fixture
def night(devcloud, source):
    """A night passes, and Cloud SQL backs the databases up; answers the backup's id."""

    def night(**fields: Any) -> str:
        runs = api("sqladmin", "v1").backupRuns()
        operation = execute(runs.insert(**source, body={}))
        name = f"projects/{source['project']}/instances/{source['instance']}/backupRuns/"
        name += operation["backupContext"]["backupId"]
        asked = {"project": source["project"], "operation": operation["name"]}
        eventually(lambda: execute(api("sqladmin", "v1").operations().get(**asked))["status"] == "DONE")
        document = devcloud.control("GET", "snapshot")["sql.backupRuns"][name]
        document["body"] |= {"type": "AUTOMATED", **fields}
        devcloud.control("PATCH", "snapshot", {"sql.backupRuns": {name: document}})
        return str(operation["backupContext"]["backupId"])

    return night


@pytest.fixture
def stand_in(running) -> Instance:
    return Instance.objects.create(
        organization=running.organization,
        slug="rehearsal-1",
        domain="rehearsal-1.sourcegraph.localhost",
        kind=Kind.REHEARSAL,
        region=running.region,
        size=running.size,
        release=running.release,
        admin_email=running.admin_email,
        created_by=running.created_by,
    )


@pytest.fixture
def rehearse(stand_in, source, by_owner):
    """Asked for, with these inputs beside whose backup it is."""

    def rehearse(**inputs: str) -> Operation:
        asked = {"backup": {**source, **inputs}}
        return operation_request(instance=stand_in, kind=OperationKind.REHEARSE, actor=by_owner, inputs=asked)

    return rehearse


def server_of(instance: Instance) -> dict[str, Any]:
    place = {"project": instance.pk, "instance": names.sql_instance(spec_of(instance))}
    return execute(api("sqladmin", "v1").instances().get(**place))


def outputs_of(operation: Operation, step: str) -> dict[str, Any]:
    outputs: dict[str, Any] = operation.steps.get(name=step).outputs
    return outputs


def test_last_nights_backup_is_brought_up_upgraded_and_torn_down(
    running, stand_in, rehearse, night, by_owner, devcloud
):
    night(startTime="2026-01-01T03:00:00.000Z")
    backup = night()
    operation = run(rehearse())
    assert_succeeded(operation)
    assert outputs_of(operation, "last-backup")["backup"] == backup
    stand_in.refresh_from_db()
    assert (stand_in.status, answering_version(stand_in), schema_of(stand_in)) == ("running", OLD, OLD)
    assert_succeeded(run(instance_upgrade(instance=stand_in, release=newest(), actor=by_owner)))
    assert (schema_of(stand_in), schema_of(running)) == (newest().app_version, OLD)
    assert_succeeded(run(operation_request(instance=stand_in, kind=OperationKind.TEARDOWN, actor=by_owner)))
    assert left_of(stand_in.pk, devcloud) == []
    assert answering_version(running) == OLD


def test_the_account_has_a_password_of_its_own_once_the_backup_is_restored(rehearse, night, stand_in):
    night()
    assert_succeeded(run(rehearse()))
    place = {"project": stand_in.pk, "instance": names.sql_instance(spec_of(stand_in))}
    found = execute(api("sqladmin", "v1").operations().list(**place))["items"]
    deeds = [operation["operationType"] for operation in sorted(found, key=lambda operation: operation["insertTime"])]
    assert deeds.index("RESTORE_VOLUME") < deeds.index("UPDATE_USER")


def test_a_disk_that_has_grown_with_its_data_is_grown_first(rehearse, night, source, stand_in):
    body = {"settings": {"dataDiskSizeGb": "77"}}
    execute(api("sqladmin", "v1").instances().patch(**source, body=body))
    instances = api("sqladmin", "v1").instances()
    eventually(lambda: execute(instances.get(**source))["settings"]["dataDiskSizeGb"] == "77")
    night()
    assert_succeeded(run(rehearse()))
    assert server_of(stand_in)["settings"]["dataDiskSizeGb"] == "77"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"status": "FAILED"}, "has no automated backup. Wait for a night"),
        ({"type": "ON_DEMAND"}, "has no automated backup. Wait for a night"),
        ({"startTime": "2026-01-01T03:00:00.000Z"}, "is of 2026-01-01T03:00:00.000Z. Find out why"),
    ],
)
def test_a_backup_that_proves_nothing_is_refused(rehearse, night, fields, says):
    night(**fields)
    operation = run(rehearse())
    assert operation.status == "failed"
    assert says in operation.error


def test_one_that_is_named_is_taken(rehearse, night):
    older, _newer = night(), night()
    operation = run(rehearse(id=older))
    assert_succeeded(operation)
    assert outputs_of(operation, "last-backup")["backup"] == older


def test_every_deed_may_be_done_twice_and_a_crash_at_any_point_loses_nothing(rehearse, night, stand_in):
    night()
    operation, trouble = rehearse(), crashes()
    with in_place_of(twice(workflow_of(OperationKind.REHEARSE))):
        assert_succeeded(run(operation, trouble))
    assert_struck_at_every_point(trouble, operation)
    assert schema_of(stand_in) == OLD
