"""Whether a final backup is made: asked for, usual, or of no use."""

from typing import Any

import pytest

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.final_backups import final_backup_of, is_offered
from provisioning.models import Cluster, Instance, Operation
from provisioning.services import instance_delete, instance_end, operation_request
from tests.conftest import SUSPENDED

BY_BILLING = Actor(None, "billing")
MADE = {
    "uri": "gs://kept/src-1/op-1/",
    "bytes": 4711,
    "taken_at": "2026-11-24T12:00:00+00:00",
    "kept_until": "2026-12-24T12:00:00+00:00",
}


@pytest.fixture
def running(trial: Instance, settings) -> Instance:
    settings.GOOGLE_BACKUP_BUCKET = "kept"
    return changed(trial, status="running")


@pytest.fixture
def asleep(running: Instance) -> Instance:
    return changed(running, **SUSPENDED)


def changed(instance: Instance, **fields) -> Instance:
    Instance.objects.filter(pk=instance.pk).update(**fields)
    instance.refresh_from_db()
    return instance


def delete(instance: Instance, by: Actor, wish: bool | None = None) -> Operation:
    return instance_delete(instance=instance, confirmation=instance.slug, actor=by, final_backup=wish)


def end(instance: Instance) -> Operation:
    return instance_end(instance=instance, actor=BY_BILLING, reason="It stands at “ended”.")


def backed_up(operation: Operation, outputs: dict[str, Any]) -> None:
    """As the teardown's own step puts it out; here a teardown is a toy."""
    now = clock.now()
    operation.steps.filter(position=0).update(name="final-backup", status="done", finished_at=now, outputs=outputs)


def bring(instance: Instance, alice) -> Instance:
    """It runs on a cluster that acme brings."""
    brought = {"name": "brought", "organization": instance.organization, "server": "https://brought.example"}
    cluster = Cluster.objects.create(**brought, kubeconfig_encrypted=b"", created_by=alice)
    return changed(instance, tenancy="byok", cluster=cluster)


class TestADeletion:
    @pytest.mark.parametrize(("kind", "is_made"), [("trial", False), ("production", True), ("internal", False)])
    def test_makes_one_as_is_usual_for_its_kind(self, running, by_alice, kind, is_made):
        changed(running, kind=kind, trial_ends_at=running.trial_ends_at if kind == "trial" else None)
        assert delete(running, by_alice).inputs == ({"final_backup": True} if is_made else {})

    def test_makes_one_that_is_asked_for(self, running, by_alice):
        assert delete(running, by_alice, wish=True).inputs == {"final_backup": True}

    def test_makes_none_that_is_not_wanted(self, running, by_alice):
        changed(running, kind="production", trial_ends_at=None)
        assert delete(running, by_alice, wish=False).inputs == {}

    def test_of_what_was_never_built_has_nothing_to_keep(self, trial, by_alice):
        assert delete(trial, by_alice, wish=True).inputs == {}

    def test_on_a_cluster_that_somebody_brings_makes_none_and_says_so(self, running, alice, by_alice):
        brought = bring(running, alice)
        with pytest.raises(Invalid, match="yours to back up"):
            delete(brought, by_alice, wish=True)
        changed(brought, kind="production", trial_ends_at=None)
        assert delete(brought, by_alice).inputs == {}


class TestTheOffer:
    def test_is_made_where_there_is_something_and_a_place_for_it(self, running, alice, settings):
        assert is_offered(running)
        settings.GOOGLE_BACKUP_BUCKET = ""
        assert not is_offered(running)

    def test_is_not_made_on_a_brought_cluster(self, running, alice):
        assert not is_offered(bring(running, alice))


class TestAnEnd:
    def test_tears_down_with_a_final_backup_and_without_a_typed_name(self, asleep):
        operation = end(asleep)
        assert (operation.kind, operation.inputs, operation.requested_by) == ("teardown", {"final_backup": True}, None)

    @pytest.mark.parametrize(
        "fields", [{"status": "running", "suspended_at": None, "suspended_because": ""}, {"suspended_because": "by-us"}]
    )
    def test_is_of_what_is_suspended_because_it_has_ended(self, asleep, fields):
        changed(asleep, **fields)
        with pytest.raises(Conflict, match="suspended because it has ended"):
            end(asleep)

    def test_waits_for_what_is_under_way(self, asleep, by_ada):
        operation_request(instance=asleep, kind="resume", actor=by_ada)
        with pytest.raises(Conflict, match="under way"):
            end(asleep)


class TestWhatWasKept:
    def test_is_told_of_the_newest(self, running, by_alice):
        operation = delete(running, by_alice, wish=True)
        backed_up(operation, MADE)
        found = final_backup_of(running)
        assert found is not None
        assert (found.uri, found.bytes, f"{found.kept_until:%-d %B}") == ("gs://kept/src-1/op-1/", 4711, "24 December")

    def test_is_none_where_none_was_made(self, running, by_alice):
        operation = delete(running, by_alice)
        backed_up(operation, {"confirmed": "None was asked for."})
        assert final_backup_of(running) is None
