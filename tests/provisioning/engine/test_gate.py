"""What keeps an operation from beginning, and that it begins by itself once nothing does."""

from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.ids import instance_id
from provisioning.engine import gate, scheduler
from provisioning.models import Instance, Operation, OperationKind
from provisioning.services import operation_cancel, operation_request
from tests.provisioning.driving import claimed, work_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("keeping")]


@pytest.fixture
def fleet(instance) -> list[Instance]:
    """Four instances like the toy."""
    made = []
    for number in range(4):
        made.append(Instance.objects.get(pk=instance.pk))
        made[-1].pk, made[-1].slug, made[-1].domain = instance_id(), f"toy-{number}", f"toy-{number}.example"
        made[-1].save(force_insert=True)
    return made


def request(instance: Instance, by) -> Operation:
    return operation_request(instance=instance, kind=OperationKind.PROVISION, actor=by)


def statuses() -> list[str]:
    return list(Operation.objects.order_by("created_at").values_list("status", flat=True))


class TestCaps:
    def test_no_more_of_a_kind_run_than_the_cap_allows(self, fleet, by_ada, settings):
        settings.ENGINE_MOST_AT_ONCE = {"": 2}
        operations = [request(instance, by_ada) for instance in fleet]
        assert sorted(statuses()) == ["queued", "queued", "running", "running"]
        operations[3].refresh_from_db()
        assert operations[3].waiting_for == "its turn: 2 operations of kind “provision” run, which is the most at once"

    def test_the_next_begins_when_one_has_ended(self, fleet, by_ada, settings):
        settings.ENGINE_MOST_AT_ONCE = {"": 2}
        for instance in fleet:
            request(instance, by_ada)
        work_once()
        assert scheduler.begin_waiting() == 2
        assert sorted(statuses()) == ["running", "running", "succeeded", "succeeded"]
        assert set(Operation.objects.values_list("waiting_for", flat=True)) == {""}

    def test_another_kind_is_not_held_up(self, fleet, by_ada, settings):
        settings.ENGINE_MOST_AT_ONCE = {"": 9, "provision": 0}
        for instance in fleet:
            request(instance, by_ada)
        assert statuses() == ["queued"] * 4
        Operation.objects.filter(instance=fleet[0]).delete()
        other = operation_request(instance=fleet[0], kind=OperationKind.TEARDOWN, actor=by_ada)
        assert other.status == "running"

    def test_a_folder_holds_only_so_many(self, fleet, by_ada, settings):
        settings.ENGINE_MOST_PER_FOLDER = 1
        for instance in fleet:
            request(instance, by_ada)
        assert statuses().count("running") == 1

    def test_a_beat_names_the_obstacle_of_all_that_wait(self, fleet, by_ada, settings, django_assert_max_num_queries):
        settings.ENGINE_MOST_AT_ONCE = {"": 0}
        for instance in fleet:
            request(instance, by_ada)
        Operation.objects.update(waiting_for="")
        with django_assert_max_num_queries(14):
            scheduler.begin_waiting()
        assert not Operation.objects.filter(waiting_for="").exists()


class TestGates:
    @pytest.fixture
    def closed(self, monkeypatch):
        """A gate that is closed until its list is emptied."""
        words = ["the weather"]
        monkeypatch.setattr(gate, "_gates", [*gate._gates, lambda _operation: words[0] if words else ""])
        return words

    def test_a_closed_gate_is_named_and_passes_when_it_opens(self, fleet, by_ada, closed):
        operation = request(fleet[0], by_ada)
        assert (operation.status, operation.waiting_for) == ("queued", "the weather")
        closed.clear()
        assert scheduler.begin_waiting() == 1

    def test_what_runs_goes_on(self, fleet, by_ada, closed):
        words = list(closed)
        closed.clear()
        operation = request(fleet[0], by_ada)
        closed.extend(words)
        work_once()
        operation.refresh_from_db()
        assert operation.status == "succeeded"

    def test_what_waits_can_be_cancelled(self, fleet, by_ada, closed):
        operation = request(fleet[0], by_ada)
        assert operation_cancel(operation=operation, actor=by_ada, reason="No.").status == "cancelled"


class TestOneAfterAnother:
    def test_the_second_operation_of_an_instance_says_what_it_waits_for(self, fleet, by_ada):
        request(fleet[0], by_ada)
        second = request(fleet[0], by_ada)
        assert (second.status, second.waiting_for) == ("queued", "the provision of this instance to end")

    def test_it_waits_for_a_worker_that_still_holds_a_step(self, fleet, by_ada):
        first = request(fleet[0], by_ada)
        second = request(fleet[0], by_ada)
        claimed()
        Operation.objects.filter(pk=first.pk).update(status="cancelled", finished_at=clock.now())
        assert scheduler.begin_waiting() == 0
        second.refresh_from_db()
        assert second.waiting_for == "a worker to let go of the operation before"
        first.steps.update(lease_until=clock.now() - timedelta(seconds=1))
        assert scheduler.begin_waiting() == 1
