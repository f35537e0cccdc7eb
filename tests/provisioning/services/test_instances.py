import threading
from datetime import timedelta

import pytest
from django.db import connection

from portal.core import clock as portal_clock
from portal.core.errors import Conflict, Invalid
from portal.core.models import AuditEvent
from provisioning.models import Instance, Kind
from provisioning.services import instance_create, instance_delete, trial_start
from provisioning.services.instances import Wish
from tests.provisioning.driving import run_to_the_end, work_once


class TestStartingATrial:
    def test_the_instance_is_pending_and_its_provisioning_runs(self, trial_of_acme, alice):
        assert (trial_of_acme.kind, trial_of_acme.status, trial_of_acme.size_id) == ("trial", "pending", "xs")
        assert trial_of_acme.admin_email == alice.email
        operation = trial_of_acme.operations.get()
        assert (operation.kind, operation.status) == ("provision", "running")

    def test_it_ends_after_thirty_days(self, clock, trial_of_acme):
        assert trial_of_acme.trial_ends_at == portal_clock.now() + timedelta(days=30)

    def test_it_is_audited(self, trial_of_acme, alice):
        event = AuditEvent.objects.get(action="instance.create")
        assert (event.actor_label, event.object_id, event.source_address) == (
            alice.email,
            trial_of_acme.pk,
            "127.0.0.1",
        )

    def test_a_second_trial_is_refused(self, trial_of_acme, acme, by_alice):
        with pytest.raises(Conflict, match="has had its trial"):
            trial_start(organization=acme, slug="acme-two", region="us-central1", actor=by_alice)

    def test_a_trial_that_never_ran_does_not_count(self, trial_of_acme, acme, by_alice):
        Instance.objects.filter(pk=trial_of_acme.pk).update(status="deleted")
        assert trial_start(organization=acme, slug="acme", region="us-central1", actor=by_alice).status == "pending"

    def test_one_that_ran_and_was_deleted_does(self, trial_of_acme, acme, by_alice):
        Instance.objects.filter(pk=trial_of_acme.pk).update(status="deleted", ready_at=portal_clock.now())
        with pytest.raises(Conflict, match="has had its trial"):
            trial_start(organization=acme, slug="acme-two", region="us-central1", actor=by_alice)

    def test_the_database_itself_holds_one_live_trial(self, trial_of_acme, acme, by_alice):
        with pytest.raises(Conflict, match="has a trial already"):
            instance_create(organization=acme, wish=Wish("acme-two", Kind.TRIAL), actor=by_alice)
        assert Instance.objects.count() == 1

    @pytest.mark.parametrize("slug", ["www", "x", "Bad_Name"])
    def test_a_bad_name_leaves_nothing_behind(self, acme, by_alice, slug):
        with pytest.raises(Invalid) as refused:
            trial_start(organization=acme, slug=slug, region="us-central1", actor=by_alice)
        assert refused.value.field == "slug"
        assert not Instance.objects.exists()

    def test_an_unknown_region_is_refused(self, acme, by_alice):
        with pytest.raises(Invalid, match="regions in the list"):
            trial_start(organization=acme, slug="acme", region="mars-north1", actor=by_alice)

    def test_a_taken_name_is_refused(self, trial_of_acme, globex, charlie, by_alice):
        with pytest.raises(Invalid, match="taken"):
            trial_start(organization=globex, slug="acme", region="us-central1", actor=by_alice)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_trial(acme, by_alice, offered):
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def click(number: int) -> None:
        try:
            barrier.wait()
            trial_start(organization=acme, slug=f"acme-{number}", region="us-central1", actor=by_alice)
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")
        finally:
            connection.close()

    clicks = [threading.Thread(target=click, args=[number]) for number in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]
    assert Instance.objects.count() == 1


class TestDeleting:
    def test_the_name_has_to_be_typed(self, trial_of_acme, by_alice):
        with pytest.raises(Invalid, match="Type “acme” to confirm"):
            instance_delete(instance=trial_of_acme, confirmation="acne", actor=by_alice)

    def test_it_takes_away_what_was_built(self, trial_of_acme, by_alice, toy_world, clock):
        run_to_the_end(trial_of_acme.operations.get(), clock)
        assert toy_world.there
        operation = instance_delete(instance=trial_of_acme, confirmation="acme", actor=by_alice)
        assert run_to_the_end(operation, clock).status == "succeeded"
        assert not toy_world.there

    def test_a_provisioning_under_way_is_stopped_for_it(self, trial_of_acme, by_alice, toy_world, clock):
        toy_world.wait("left", again=3600, times=5)
        work_once()
        operation = instance_delete(instance=trial_of_acme, confirmation="acme", actor=by_alice)
        assert trial_of_acme.operations.get(kind="provision").status == "cancelled"
        toy_world.script.clear()
        assert run_to_the_end(operation, clock).status == "succeeded"
        assert not toy_world.there

    def test_a_second_deletion_is_refused(self, trial_of_acme, by_alice):
        instance_delete(instance=trial_of_acme, confirmation="acme", actor=by_alice)
        with pytest.raises(Conflict, match="being deleted already"):
            instance_delete(instance=trial_of_acme, confirmation="acme", actor=by_alice)

    def test_what_is_deleted_stays_deleted(self, trial_of_acme, by_alice):
        trial_of_acme.status = "deleted"
        with pytest.raises(Conflict, match="deleted already"):
            instance_delete(instance=trial_of_acme, confirmation="acme", actor=by_alice)
