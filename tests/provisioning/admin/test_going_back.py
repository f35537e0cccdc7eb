"""An admin takes an instance back, and is told what that costs."""

import pytest

from portal.core.models import AuditEvent
from provisioning.models import Cluster, Instance, Operation, Release, Survey
from tests.conftest import release
from tests.provisioning.admin.pages import do, page, text
from tests.provisioning.going_back import BACKUP, ended, failed_upgrade, upgraded_to

pytestmark = pytest.mark.django_db
WHY = "Nobody can sign in."
LOST = "Everything that was written since the backup at 2026-11-24 03:12 UTC is lost"


@pytest.fixture
def old(trial) -> Release:
    return Release.objects.get(app_version="5.11.0")


@pytest.fixture
def new(old) -> Release:
    return release("5.12.0")


@pytest.fixture
def running_trial(trial, old) -> Instance:
    Instance.objects.update(status="running", release=old)
    return Instance.objects.select_related("release", "size").get()


@pytest.fixture
def failed(running_trial, new, by_ada) -> Operation:
    """An upgrade that made its backup."""
    return failed_upgrade(running_trial, new, by_ada, BACKUP)


class TestRollingBack:
    def test_offers_what_the_instance_has_had(self, adas, running_trial, new, by_ada):
        assert "/do/rollback/" not in text(adas, page(running_trial))
        upgraded_to(running_trial, new, by_ada)
        assert "/do/rollback/" in text(adas, page(running_trial))
        shown = text(adas, page(running_trial, "deed", "rollback"))
        assert ">5.11.0</option>" in shown
        assert ">5.10.1</option>" not in shown

    def test_begins_it(self, adas, ada, running_trial, old, new, by_ada):
        upgraded_to(running_trial, new, by_ada)
        do(adas, running_trial, "rollback", release=old.pk, reason=WHY)
        operation = Operation.objects.get(kind="rollback")
        assert operation.wanted["app_version"] == "5.11.0"
        event = AuditEvent.objects.get(action="operation.request", details__kind="rollback")
        assert (event.actor, event.reason) == (ada, WHY)

    def test_shows_its_plan(self, adas, running_trial, old, new, by_ada):
        upgraded_to(running_trial, new, by_ada)
        adas.post(page(running_trial, "planrequest", "rollback"), {"release": old.pk}, headers={"HX-Request": "true"})
        assert Survey.objects.get().wanted["app_version"] == "5.11.0"

    def test_to_another_version_is_refused(self, adas, running_trial, new, by_ada):
        upgraded_to(running_trial, new, by_ada)
        answer = do(adas, running_trial, "rollback", release=Release.objects.get(app_version="5.10.0").pk, reason=WHY)
        assert "It cannot go back to that" in answer.content.decode()
        assert not Operation.objects.filter(kind="rollback").exists()


class TestRestoring:
    def test_says_what_is_lost_and_wants_the_name(self, adas, failed):
        shown = text(adas, page(failed, "deed", "restore"))
        assert LOST in shown
        assert "Type “acme” to confirm" in shown

    def test_begins_it(self, adas, ada, failed):
        do(adas, failed, "restore", confirmation="acme", reason=WHY)
        operation = Operation.objects.get(kind="restore")
        assert operation.inputs["database_backup"] == BACKUP["backup"]
        event = AuditEvent.objects.get(action="operation.request", details__kind="restore")
        assert (event.actor, event.reason) == (ada, WHY)
        assert "/do/restore/" not in text(adas, page(failed))

    def test_without_the_name_does_nothing(self, adas, failed):
        answer = do(adas, failed, "restore", confirmation="globex", reason=WHY)
        assert answer.status_code == 200
        assert not Operation.objects.filter(kind="restore").exists()

    @pytest.mark.parametrize("status", ["succeeded", "undone"])
    def test_is_offered_for_what_has_failed_alone(self, adas, failed, status):
        assert "/do/restore/" in text(adas, page(failed))
        ended(failed, status)
        assert "/do/restore/" not in text(adas, page(failed))

    def test_on_a_brought_cluster_says_that_the_databases_are_theirs(self, adas, running_trial, new, by_ada, ada):
        cluster = Cluster.objects.create(
            name="theirs", organization=running_trial.organization, kubeconfig_encrypted=b"", created_by=ada
        )
        Instance.objects.update(tenancy="byok", cluster=cluster)
        failed = failed_upgrade(Instance.objects.get(), new, by_ada)
        shown = text(adas, page(failed, "deed", "restore"))
        assert "The portal keeps no backup of the databases on a cluster that you bring" in shown
