"""The verdict can fail: each kind of damage is done on purpose to an instance that was whole, and found."""

import smtplib
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage

import pytest

from portal.core.audit import record
from provisioning.clients.google import api, execute
from provisioning.models import (
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationStatus,
    Release,
    Size,
    Step,
    StepStatus,
)
from provisioning.services import operation_retry
from provisioning.services.operations import operation_request
from provisioning.spec import spec_of
from provisioning.steps import names
from tools.chaos.__main__ import MUST_BE_ZERO, is_bad
from tools.chaos.census import Census
from tools.chaos.standing import wrong_with
from tools.chaos.verdict import verdict

pytestmark = [pytest.mark.django_db, pytest.mark.helm]
brought = pytest.mark.parametrize("tenancy", ["byok"], indirect=True)
both = pytest.mark.parametrize("tenancy", ["dedicated", "byok"], indirect=True)


@dataclass
class Judge:
    census: Census
    asked_for: set[str] = field(default_factory=set)

    def found(self) -> dict[str, list[str]]:
        """What the verdict finds, as a storm's driver would ask for it. Exit status and findings agree."""
        live = Instance.objects.exclude(status=InstanceStatus.DELETED).select_related("release", "size")
        wrong = wrong_with(live.filter(status=InstanceStatus.RUNNING), self.census)
        doubled = [what for instance in live for what in self.census.duplicates_of([instance.pk, instance.domain])]
        result = verdict(self.asked_for, wrong, doubled, self.census)
        findings: dict[str, list[str]] = result["findings"]
        assert {name for name in MUST_BE_ZERO if result[name]} == set(findings)
        assert is_bad(result) == bool(findings)
        return findings


@pytest.fixture
def judge(running, census) -> Judge:
    return Judge(census, {running.operations.get().pk})


@pytest.fixture
def found(judge):
    return judge.found


def only(findings: dict[str, list[str]], kind: str) -> str:
    """All of what was found is of this kind; in one text."""
    assert set(findings) == {kind}, findings
    return "\n".join(findings[kind])


@both
def test_a_whole_instance_passes(found):
    assert found() == {}


class TestDuplicated:
    def test_a_second_alert(self, running, found):
        alerts = api("monitoring", "v3").projects().alertPolicies()
        [alert] = execute(alerts.list(name=f"projects/{running.pk}"))["alertPolicies"]
        body = {key: alert[key] for key in ("displayName", "combiner", "userLabels")}
        conditions = [{k: v for k, v in condition.items() if k != "name"} for condition in alert["conditions"]]
        execute(alerts.create(name=f"projects/{running.pk}", body={**body, "conditions": conditions}))
        assert only(found(), "duplicated") == "2 of monitoring.alertPolicies"

    def test_a_second_network(self, running, found):
        body = {"name": "another", "autoCreateSubnetworks": False}
        execute(api("compute", "v1").networks().insert(project=running.pk, body=body))
        assert only(found(), "duplicated") == "2 of compute.networks"

    @brought
    def test_a_second_namespace(self, running, found, devcloud):
        [place] = [name for name in devcloud.control("GET", "snapshot") if name.startswith("kubernetes/")]
        snapshot = devcloud.control("GET", "snapshot")
        first = snapshot[place][f"/namespaces||{running.pk}"]
        snapshot[place]["/namespaces||another"] = {**first, "metadata": {**first["metadata"], "name": "another"}}
        devcloud.control("PUT", "snapshot", snapshot)
        assert only(found(), "duplicated").startswith("namespaces ['another', ")

    def test_a_mail_that_came_twice(self, found, devcloud):
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "a@portal.example", "b@portal.example", "It is ready"
        with smtplib.SMTP("127.0.0.1", devcloud.smtp_port) as server:
            server.send_message(letter)
            server.send_message(letter)
        assert only(found(), "duplicated") == "2 mails “It is ready”"

    def test_a_second_copy_of_a_mail_is_no_second_mail(self, judge, devcloud):
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "a@portal.example", "b@portal.example", "It is ready"
        letter["Message-ID"] = "<1@portal.example>"
        with smtplib.SMTP("127.0.0.1", devcloud.smtp_port) as server:
            server.send_message(letter)
            server.send_message(letter)
        assert judge.found() == {}
        assert judge.census.second_copies() == 1

    def test_an_end_that_was_recorded_twice(self, running, found):
        record("operation.succeeded", running.operations.get(), actor_label="engine")
        assert only(found(), "duplicated").startswith("2 events operation.succeeded of ")


class TestLost:
    def test_an_operation_that_vanished(self, running, judge, by_owner):
        gone = operation_request(instance=running, kind=OperationKind.REPAIR, actor=by_owner)
        judge.asked_for.add(gone.pk)
        pk = gone.pk
        gone.delete()
        assert only(judge.found(), "lost") == f"{pk} is not in the database"

    def test_an_operation_that_never_ended(self, running, found, by_owner):
        operation_request(instance=running, kind=OperationKind.REPAIR, actor=by_owner)
        assert "repair of acme is running" in only(found(), "lost")

    @pytest.mark.parametrize("status", [OperationStatus.UNDONE, OperationStatus.CANCELLED])
    def test_an_upgrade_that_ended_as_nobody_asked(self, running, found, status):
        ended(running, OperationKind.UPGRADE, status)
        assert f"upgrade of acme is {status}" in only(found(), "lost")

    def test_an_upgrade_that_nothing_came_of(self, running, found):
        newest = Release.objects.latest("released_at")
        ended(running, OperationKind.UPGRADE, OperationStatus.SUCCEEDED, app_version=newest.app_version)
        assert only(found(), "lost") == f"acme: release is 5.10.1 and should be {newest.app_version}"

    def test_a_version_that_is_another_outside(self, running, found):
        Release.objects.filter(pk=running.release_id).update(app_version="5.10.9")
        text = only(found(), "lost")
        assert "acme: version that answers is 5.10.1 and should be 5.10.9" in text
        assert "acme: application: revision 1 was asked for with other values" in text

    def test_nodes_and_database_server_of_another_size(self, running, found):
        Instance.objects.update(size=Size.objects.get(pk="s-ha"))
        text = only(found(), "lost")
        assert "machine type is e2-highmem-4 and should be e2-standard-8" in text
        assert "tier of the database server is db-custom-1-4096 and should be db-custom-2-7680" in text
        assert "high availability is False and should be True" in text
        assert "database: settings.tier is " in text

    def test_a_database_server_that_somebody_changed(self, running, found, devcloud):
        place = {"project": running.pk, "instance": names.sql_instance(spec_of(running))}
        body = {"settings": {"tier": "db-custom-8-32768"}}
        execute(api("sqladmin", "v1").instances().patch(**place, body=body))
        devcloud.skip("next")
        assert "tier of the database server is db-custom-8-32768" in only(found(), "lost")

    @both
    def test_disks_that_are_smaller_than_they_were(self, running, found):
        Instance.objects.update(disk_floor_gb={"gitserver_disk_gb": 400, "search_disk_gb": 400, "sql_disk_gb": 400})
        text = only(found(), "lost")
        assert "volume repos-gitserver-0 is 50 GB and was to be 400 GB" in text
        assert "volume data-indexed-search-0 is 30 GB and was to be 400 GB" in text
        databases = "volume pgsql" if running.cluster_id else "disk of the database server"
        assert f"{databases} is 20 GB and was to be 400 GB" in text

    def test_a_row_that_forgot_how_far_its_disks_had_grown(self, running, found):
        size = {**running.operations.get().wanted["size"], "gitserver_disk_gb": 400}
        ended(running, OperationKind.REPAIR, OperationStatus.SUCCEEDED, size=size)
        assert only(found(), "lost") == "acme: gitserver_disk_gb is 50 GB and was to be 400 GB"

    def test_a_deletion_without_its_certificate(self, running, found, devcloud):
        ended(running, OperationKind.TEARDOWN, OperationStatus.SUCCEEDED)
        Instance.objects.update(status=InstanceStatus.DELETED)
        devcloud.reset()
        assert only(found(), "lost") == "acme: no valid certificate of its deletion"


class TestLeaked:
    @pytest.mark.parametrize(
        ("collection", "word"),
        [
            ("cloudresourcemanager.projects", "its project"),
            ("cloudresourcemanager.liens", "liens/"),
            ("dns.resourceRecordSets", "acme.sourcegraph.localhost."),
            ("compute.firewalls", "firewalls/gke-"),
            ("sql.instances", "instances/sql-"),
        ],
    )
    def test_what_is_left_of_a_deleted_instance(self, running, found, devcloud, collection, word):
        self.leave(running, devcloud, lambda name, _key: name == collection)
        assert any(word in text for text in found()["leaked"])

    @brought
    def test_a_namespace_in_somebodys_cluster(self, running, found, devcloud):
        self.leave(running, devcloud, lambda _name, key: key.startswith("/namespaces|"))
        assert any(f"/namespaces||{running.pk}" in text for text in found()["leaked"])

    def leave(self, instance, devcloud, is_left):
        """The instance counts as deleted, and of its cloud only this is left."""
        snapshot = {
            name: {key: document for key, document in documents.items() if is_left(name, key)}
            for name, documents in devcloud.control("GET", "snapshot").items()
        }
        devcloud.control("PUT", "snapshot", snapshot)
        ended(instance, OperationKind.TEARDOWN, OperationStatus.SUCCEEDED)
        Instance.objects.update(status=InstanceStatus.DELETED)


@pytest.mark.parametrize("status", [OperationStatus.FAILED, OperationStatus.STUCK])
def test_what_waits_for_a_person_is_stuck(running, found, status):
    ended(running, OperationKind.RESIZE, status)
    assert f"resize of acme is {status}" in only(found(), "stuck")


def test_a_retry_is_a_manual_action(running, found, by_owner):
    operation = ended(running, OperationKind.REPAIR, OperationStatus.FAILED)
    operation.steps.filter(name="health").update(status=StepStatus.FAILED)
    operation_retry(operation=operation, actor=by_owner, reason="It was the weather.")
    assert "operation.retry" in "\n".join(found()["manual_actions"])


def test_a_claim_without_a_report_is_counted(running, judge):
    before = verdict(judge.asked_for, [], [], judge.census)["abandoned_claims"]
    step = Step.objects.filter(operation=running.operations.get())[0]
    Step.objects.filter(pk=step.pk).update(lease_token=step.lease_token + 1)
    assert before == 0
    assert verdict(judge.asked_for, [], [], judge.census)["abandoned_claims"] == 1


def ended(instance: Instance, kind: OperationKind, status: OperationStatus, **wanted: object) -> Operation:
    """An operation that has ended so, whatever its steps were."""
    provision = instance.operations.get(kind=OperationKind.PROVISION)
    assert provision.finished_at is not None
    operation = Operation.objects.create(
        instance=instance,
        kind=kind,
        status=status,
        wanted={**provision.wanted, **wanted},
        previous=provision.wanted,
        started_at=provision.finished_at,
        finished_at=provision.finished_at + timedelta(seconds=1),
    )
    Step.objects.create(operation=operation, name="health", position=0, status=StepStatus.PENDING)
    return operation
