"""Switched off, left alone, switched on again, or torn down as it is."""

import time
from typing import Any

import pytest

from portal.core.audit import Actor
from portal.core.models import AuditEvent
from provisioning.clients.google import api, execute
from provisioning.engine import graph
from provisioning.engine.survey import Verdict
from provisioning.fleet.final_backups import final_backup_of
from provisioning.management.terminal import plan_now
from provisioning.models import Instance, Operation, OperationKind, Survey
from provisioning.selectors import certificate_of, findings_of
from provisioning.services import (
    drift_check_request,
    instance_end,
    instance_resume,
    instance_suspend,
    operation_request,
    operation_retry,
    operation_skip,
    operation_undo,
    resumed,
    suspended,
)
from provisioning.services.surveys import surveys_go_on
from provisioning.spec import spec_of
from provisioning.steps import names
from provisioning.workflows.suspend import SUSPEND
from tests.provisioning.driving import states
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import assert_succeeded, changes, failing_at, in_place_of, run
from tests.provisioning.workflows.wishes import answering_version, assert_as_its_spec_says, suspend
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]
PAID = "They have paid."
WORK = {Verdict.MISSING, Verdict.DIFFERS}


@pytest.fixture
def asleep(running: Instance, by_owner) -> Instance:
    suspend(running, by_owner)
    return running


def resume(instance: Instance, actor) -> Operation:
    return run(instance_resume(instance=instance, actor=actor, reason=PAID))


def pools() -> Any:
    return api("container", "v1").projects().locations().clusters().nodePools()


def nodes(instance: Instance) -> int:
    path = f"{names.cluster_path(spec_of(instance))}/nodePools/{names.NODE_POOL}"
    return int(execute(pools().get(name=path)).get("initialNodeCount", 0))


def place(instance: Instance) -> dict[str, str]:
    return {"project": instance.pk, "instance": names.sql_instance(spec_of(instance))}


def server(instance: Instance) -> tuple[str, str]:
    """Whether it is switched on, and what it says of itself."""
    found = execute(api("sqladmin", "v1").instances().get(**place(instance)))
    return found["settings"]["activationPolicy"], found["state"]


def leads_to(instance: Instance) -> str:
    """Where the instance's name leads."""
    zone = {"project": "portal-host", "managedZone": "instances"}
    records = execute(api("dns", "v1").resourceRecordSets().list(**zone, name=f"{instance.domain}."))["rrsets"]
    return next(str(record["rrdatas"][0]) for record in records if record["type"] == "A")


def is_watched(instance: Instance) -> tuple[bool, bool]:
    """Whether Google looks at it, and whether somebody is woken."""
    monitoring = api("monitoring", "v3").projects()
    [check] = execute(monitoring.uptimeCheckConfigs().list(parent=f"projects/{instance.pk}"))["uptimeCheckConfigs"]
    [alert] = execute(monitoring.alertPolicies().list(name=f"projects/{instance.pk}"))["alertPolicies"]
    return not check.get("disabled", False), alert["enabled"]


def drift_of(instance: Instance) -> dict[str, str]:
    """What its drift check finds to differ, looked through anew."""
    survey, until = drift_check_request(instance=instance), time.monotonic() + 30
    while survey.status != Survey.Status.DONE and time.monotonic() < until:
        surveys_go_on(0.5)
        survey.refresh_from_db()
    assert survey.status == Survey.Status.DONE, survey.findings
    return {found.step: found.sentence for found in findings_of(survey) if found.verdict in WORK}


def test_it_is_switched_off_and_says_since_when_and_why(running, asleep, settings):
    assert (nodes(asleep), server(asleep)) == (0, ("NEVER", "RUNNABLE"))
    assert (leads_to(asleep), is_watched(asleep)) == (settings.SUSPENDED_PAGE_ADDRESS, (False, False))
    assert (asleep.status, asleep.suspended_because) == ("suspended", "trial-ended")
    assert asleep.suspended_at >= asleep.operations.get(kind="suspend").started_at
    event = AuditEvent.objects.get(action="instance.suspended")
    assert event.details == {"notice": "trial-ended"}
    assert_as_its_spec_says(asleep)


def test_it_comes_back_as_it_was(running, by_owner):
    before = (nodes(running), leads_to(running))
    suspend(running, by_owner)
    assert_succeeded(resume(running, by_owner))
    running.refresh_from_db()
    assert (nodes(running), leads_to(running)) == before
    assert (server(running), is_watched(running)) == (("ALWAYS", "RUNNABLE"), (True, True))
    assert (running.status, running.suspended_at, running.suspended_because) == ("running", None, "")
    assert AuditEvent.objects.filter(action="instance.resumed").exists()
    assert_as_its_spec_says(running)


def test_nobody_is_woken_first_and_the_database_comes_before_what_asks_it(running, by_owner, devcloud):
    def told(since: int) -> list[str]:
        made = [call["method"] for call in changes(devcloud.calls(since=since))]
        words = {"monitoring": "monitoring", "dns.changes": "dns", "setSize": "nodes", "sql.instances": "database"}
        named = [next(name for word, name in words.items() if word in method) for method in made]
        return list(dict.fromkeys(named))

    begun = devcloud.calls()[-1]["n"] if devcloud.calls() else 0
    suspend(running, by_owner)
    assert told(begun) == ["monitoring", "dns", "nodes", "database"]
    half_time = devcloud.calls()[-1]["n"]
    assert_succeeded(resume(running, by_owner))
    assert told(half_time) == ["database", "nodes", "dns", "monitoring"]


def test_it_is_torn_down_as_it_is_and_nothing_is_left(asleep, by_owner, devcloud):
    assert_succeeded(run(operation_request(instance=asleep, kind=OperationKind.TEARDOWN, actor=by_owner)))
    asleep.refresh_from_db()
    assert (asleep.status, asleep.suspended_at, asleep.suspended_because) == ("deleted", None, "")
    assert left_of(asleep.pk, devcloud) == []


def test_what_has_ended_is_torn_down_and_its_databases_are_kept(asleep, devcloud):
    operation = run(instance_end(instance=asleep, actor=Actor(None, "billing"), reason="The trial is over."))
    assert_succeeded(operation)
    assert left_of(asleep.pk, devcloud) == []
    kept = final_backup_of(asleep)
    assert kept is not None
    stored = execute(api("storage", "v1").objects().list(bucket="portal-backups", prefix=f"{asleep.pk}/"))["items"]
    assert kept.bytes == sum(int(item["size"]) for item in stored)
    assert len(stored) == len(names.DATABASES)
    certificate = certificate_of(asleep)
    assert certificate is not None
    [line] = [line for line in certificate.lines if line["resource"].startswith("gs://")]
    assert (line["resource"], line["title"]) == (kept.uri, "Final backup of the databases")
    assert f"{kept.bytes:,} bytes" in line["confirmed"]
    assert f"until {kept.kept_until:%-d %B %Y}" in line["confirmed"]
    assert line["deeds"][0] == "asked for the database server to run"


def test_where_none_can_be_made_nothing_has_been_removed(asleep, devcloud, settings, by_ada):
    settings.GOOGLE_BACKUP_BUCKET = "nobodys"
    operation = run(instance_end(instance=asleep, actor=Actor(None, "billing"), reason="The trial is over."))
    assert (operation.status, states(operation)["final-backup"]) == ("failed", "failed")
    assert "There is no bucket nobodys" in operation.error
    assert server(asleep) == ("NEVER", "RUNNABLE")
    operation_skip(operation=operation, step_name="final-backup", actor=by_ada, reason="They do not want it.")
    assert_succeeded(run(operation))
    assert left_of(asleep.pk, devcloud) == []


def test_it_is_torn_down_after_a_second_life(asleep, by_owner, devcloud):
    assert_succeeded(resume(asleep, by_owner))
    asleep.refresh_from_db()
    suspend(asleep, by_owner)
    assert_succeeded(run(operation_request(instance=asleep, kind=OperationKind.TEARDOWN, actor=by_owner)))
    assert left_of(asleep.pk, devcloud) == []


def test_an_autoscaler_that_somebody_switched_on_does_not_bring_nodes_back(running, by_owner):
    path = f"{names.cluster_path(spec_of(running))}/nodePools/{names.NODE_POOL}"
    scaling = {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}
    execute(pools().setAutoscaling(name=path, body={"autoscaling": scaling}))
    suspend(running, by_owner)
    found = execute(pools().get(name=path))
    assert (found["autoscaling"].get("enabled", False), nodes(running)) == (False, 0)


def test_without_a_page_the_name_stays(running, by_owner, settings):
    settings.SUSPENDED_PAGE_ADDRESS = ""
    before = leads_to(running)
    suspend(running, by_owner)
    assert leads_to(running) == before
    assert_succeeded(resume(running, by_owner))
    assert_as_its_spec_says(running)


class TestDrift:
    def test_is_told_against_the_suspension(self, asleep):
        assert drift_of(asleep) == {}
        servers = api("sqladmin", "v1").instances()
        execute(servers.patch(**place(asleep), body={"settings": {"activationPolicy": "ALWAYS"}}))
        eventually(lambda: server(asleep)[0] == "ALWAYS")
        assert drift_of(asleep) == {"database": "settings.activationPolicy is ALWAYS and should be NEVER."}


class TestPlans:
    def told(self, instance: Instance, kind: str, wanted) -> dict[str, str]:
        plan = plan_now(instance, kind, wanted)
        assert (plan.is_priced, plan.is_for_good) == (False, False)
        assert (plan.downtime_seconds is None) == (kind == OperationKind.SUSPEND)
        return {line.title: line.effect.value for line in plan.lines}

    NONE = dict.fromkeys(("Nodes of the executors", "Standby of the databases"), "keep")
    CHANGED = ("Uptime check and alert", "Domain name", "Nodes", "Database server")

    def test_of_a_suspension_name_what_is_switched_off(self, running):
        told = self.told(running, "suspend", suspended(running))
        only_seen = {"Point of return": "check", "Public IP address": "keep"} | self.NONE
        assert told == dict.fromkeys(self.CHANGED, "change") | only_seen

    def test_of_a_return_name_what_is_switched_on(self, asleep):
        told = self.told(asleep, "resume", resumed(asleep))
        watched = dict.fromkeys(("Start of the application", "Health check from outside"), "check")
        kept = {"Public IP address": "keep"} | self.NONE
        assert told == dict.fromkeys(self.CHANGED, "change") | watched | kept


class TestAReturnThatFails:
    @pytest.fixture
    def failed(self, asleep, by_owner) -> Operation:
        with in_place_of(failing_at("health", graph.workflow_of("resume"))):
            operation = resume(asleep, by_owner)
        assert operation.status == "failed", (operation.error, states(operation))
        return operation

    def test_keeps_what_has_come_up_and_is_still_suspended(self, asleep, failed):
        asleep.refresh_from_db()
        assert asleep.status == "suspended"
        assert (nodes(asleep), server(asleep)[0]) == (asleep.size.node_count, "ALWAYS")
        assert answering_version(asleep) == asleep.release.app_version
        assert is_watched(asleep) == (False, False)

    def test_goes_on_where_it_stopped(self, asleep, failed, by_owner):
        operation_retry(operation=failed, actor=by_owner, reason="Mended.")
        assert_succeeded(run(failed))
        assert_as_its_spec_says(asleep)
        assert asleep.status == "running"

    def test_is_put_back_to_sleep(self, asleep, failed, by_owner):
        operation_undo(operation=failed, actor=by_owner, reason="Not today.")
        assert run(failed).status == "undone", (failed.error, states(failed))
        assert_as_its_spec_says(asleep)
        assert asleep.status == "suspended"
        assert (nodes(asleep), server(asleep)[0]) == (0, "NEVER")

    def test_may_be_asked_for_anew(self, asleep, failed, by_owner):
        asleep.refresh_from_db()
        assert_succeeded(resume(asleep, by_owner))
        assert_as_its_spec_says(asleep)


def test_a_suspension_that_fails_wakes_nobody_before_it_answers(running, by_owner, devcloud):
    with in_place_of(failing_at("database", SUSPEND)):
        operation = instance_suspend(instance=running, notice="payment", actor=by_owner, reason="They have not paid.")
        assert run(operation).status == "undone", (operation.error, states(operation))
    finished = operation.steps.filter(finished_at__isnull=False)
    ended = {step.name: step.finished_at for step in finished if step.finished_at}
    assert ended["monitoring"] == max(ended.values())
    assert ended["point-of-return"] > max(ended["nodes"], ended["database"], ended["dns"])
    running.refresh_from_db()
    assert (running.status, running.suspended_at) == ("running", None)
    assert is_watched(running) == (True, True)
