"""The unstick desk: no state without a named reason and a safe button."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core import clock as portal_clock
from portal.core.models import AuditEvent
from provisioning.admin.attention import Rank, needing_attention
from provisioning.admin.usual import usual_by_kind
from provisioning.models import Instance, Operation, StepStatus
from provisioning.services import operation_request
from tests.provisioning.admin.pages import do, text
from tests.provisioning.driving import run_to_the_end

pytestmark = pytest.mark.django_db
DESK = "/admin/provisioning/operation/desk/"
DEEDS = ("retry", "skip", "undo", "nudge", "cancel", "teardown")


@pytest.fixture
def under_way(running, clock):
    """A provisioning that waits for the cloud, well within its time."""
    now = portal_clock.now()
    running.steps.filter(name="ground").update(due_at=now + timedelta(hours=1), deadline_at=now + timedelta(hours=2))
    Operation.objects.filter(pk=running.pk).update(created_at=now, started_at=now)
    running.refresh_from_db()
    return running


def rank_of(operation):
    return next((Rank(row["rank"]) for row in needing_attention().filter(pk=operation.pk).values("rank")), None)  # type: ignore[misc] # annotated


def offered(client, operation) -> set[str]:
    shown = text(client, DESK)
    return {deed for deed in DEEDS if f"/{operation.pk}/do/{deed}/" in shown}


def test_an_empty_desk_says_that_all_is_well(adas, under_way):
    assert "Every operation gets on by itself" in text(adas, DESK)
    assert rank_of(under_way) is None


def test_what_failed_says_of_which_step_and_may_be_retried(adas, failed):
    shown = text(adas, DESK)
    assert "The step “A thing” failed: The quota is used up. Ask for more." in shown
    assert offered(adas, failed) == {"retry", "skip", "undo", "teardown"}


def test_what_is_stuck_cannot_be_undone_once_more(adas, failed):
    Operation.objects.filter(pk=failed.pk).update(status="stuck")
    failed.steps.filter(status=StepStatus.FAILED).update(direction="back")
    assert "Taking back “A thing” failed" in text(adas, DESK)
    assert offered(adas, failed) == {"retry", "skip"}


def test_what_nobody_moves_is_adrift_and_may_be_nudged(adas, under_way):
    under_way.steps.update(due_at=None, lease_until=None)
    assert rank_of(under_way) == Rank.ADRIFT
    assert "nothing would ever move it on" in text(adas, DESK)
    assert offered(adas, under_way) == {"nudge", "cancel"}


def test_a_step_that_no_worker_takes_is_late_and_names_its_queue(adas, under_way):
    under_way.steps.filter(name="ground").update(due_at=portal_clock.now() - timedelta(minutes=3))
    assert rank_of(under_way) == Rank.LATE
    assert "No worker takes its next step" in text(adas, DESK)
    assert "queue steps" in text(adas, DESK)


def test_a_step_that_fails_again_and_again_is_late_and_says_of_what(adas, under_way):
    under_way.steps.filter(name="ground").update(failures=7, error="503 from the cloud.")
    assert "has failed 7 times in a row" in text(adas, DESK)
    assert "503 from the cloud." in text(adas, DESK)


def test_a_step_past_its_deadline_is_late(adas, under_way):
    under_way.steps.filter(name="ground").update(deadline_at=portal_clock.now() - timedelta(seconds=1))
    assert "is past its deadline, and still waits for the cloud" in text(adas, DESK)


def test_what_does_not_stop_says_which_worker_holds_it(adas, under_way):
    now = portal_clock.now()
    Operation.objects.filter(pk=under_way.pk).update(cancel_requested_at=now - timedelta(minutes=10))
    under_way.steps.filter(name="ground").update(lease_until=now + timedelta(hours=1), lease_owner="worker-7")
    assert rank_of(under_way) == Rank.STOPPING
    shown = text(adas, DESK)
    assert "It was asked to stop 10 min ago; a worker still holds “A thing”." in shown
    assert "worker-7" in shown
    assert offered(adas, under_way) == {"nudge"}


def test_what_takes_longer_than_usual_says_what_it_waits_for(adas, under_way, clock):
    clock.shift(4 * 60)  # the table's longest path is three minutes
    assert rank_of(under_way) is None
    clock.shift(60)
    assert rank_of(under_way) == Rank.SLOW
    shown = text(adas, DESK)
    assert "It takes longer than usual. “A thing” waits for the cloud." in shown
    assert "up to 3 min 0 s (its table)" in shown


def test_a_teardown_that_is_slow_is_not_to_be_stopped_half_way(adas, under_way, clock):
    Operation.objects.filter(pk=under_way.pk).update(kind="teardown")
    clock.shift(300)
    assert offered(adas, under_way) == {"nudge"}


def test_time_counts_from_when_somebody_set_it_going_again(failed, adas, world, clock):
    clock.shift(3_600)
    world.wait("left", again=3600, times=100)
    do(adas, failed, "retry", reason="The quota was raised.")
    failed.steps.filter(due_at__isnull=False).update(due_at=portal_clock.now() + timedelta(hours=1))
    assert rank_of(failed) is None
    clock.shift(300)
    assert rank_of(failed) == Rank.SLOW


def succeeded(instance, minutes):
    end = portal_clock.now()
    return Operation.objects.create(
        instance=instance,
        kind="provision",
        status="succeeded",
        wanted={},
        started_at=end - timedelta(minutes=minutes),
        finished_at=end,
    )


def test_usual_is_what_95_of_100_runs_stay_below(world, trial):
    for minutes in (10, 10, 10, 10, 20):
        succeeded(trial, minutes)
    usual = usual_by_kind()["provision"]
    assert usual.runs == 5
    assert usual.seconds == pytest.approx(18 * 60)
    assert usual.limit == timedelta(minutes=27)


def test_usual_is_the_tables_while_few_runs_were_shorter(world, trial):
    succeeded(trial, 1)
    assert usual_by_kind()["provision"].seconds == 180


def test_runs_of_more_than_a_month_ago_teach_nothing(world, trial, clock):
    for _ in range(5):
        succeeded(trial, 60)
    clock.shift(31 * 86_400)
    assert usual_by_kind()["provision"].runs == 0


def test_what_is_queued_for_long_says_what_it_waits_for(adas, under_way, trial, by_ada, clock):
    queued = operation_request(instance=trial, kind="teardown", actor=by_ada)
    Operation.objects.filter(pk=queued.pk).update(waiting_for="a place among those that run")
    clock.shift(29 * 60)
    assert rank_of(queued) is None
    clock.shift(120)
    assert "Queued for 31 min, waiting for a place among those that run." in text(adas, DESK)
    assert offered(adas, queued) == {"nudge", "cancel"}


def test_the_worst_come_first(adas, failed, fleet):
    fleet(1)
    slow = Operation.objects.exclude(pk=failed.pk).get()
    Operation.objects.filter(pk=slow.pk).update(started_at=portal_clock.now() - timedelta(hours=2))
    shown = text(adas, DESK)
    assert shown.index(failed.pk) < shown.index(slow.pk)


def test_it_is_filtered_by_why_and_kind(adas, failed, fleet):
    fleet(1)
    slow = Operation.objects.exclude(pk=failed.pk).get()
    Operation.objects.filter(pk=slow.pk).update(started_at=portal_clock.now() - timedelta(hours=2), kind="teardown")
    assert failed.pk not in text(adas, DESK, why="slow")
    assert slow.pk in text(adas, DESK, why="slow")
    assert slow.pk not in text(adas, DESK, kind="provision")
    assert "Nothing of this kind" in text(adas, DESK, why="adrift")
    assert failed.pk in text(adas, DESK, why="no-such-reason", page="99")


def stop_all():
    Operation.objects.update(status="failed", error="The quota is used up.", finished_at=portal_clock.now())


def test_it_takes_the_same_number_of_queries_however_much_is_on_it(adas, world, fleet):
    def queries() -> int:
        stop_all()
        adas.get(DESK)
        with CaptureQueriesContext(connection) as captured:
            assert adas.get(DESK).status_code == 200
        return len(captured)

    fleet(2)
    few = queries()
    fleet(20)
    assert queries() == few <= 14


def test_it_comes_in_pages(adas, world, fleet):
    fleet(30)
    stop_all()
    assert "\N{EN DASH}25 of 30" in text(adas, DESK)
    assert "26\N{EN DASH}30 of 30" in text(adas, DESK, page="2")


def test_an_instance_that_nobody_builds_is_named(adas, under_way, clock):
    do(adas, under_way, "cancel", reason="The wrong region.")
    shown = text(adas, DESK)
    assert "Its last operation, provision, is cancelled" in shown
    assert f"/{under_way.instance_id}/do/teardown/" in shown
    listed = text(adas, reverse("admin:provisioning_instance_changelist"), life="forsaken")
    assert under_way.instance_id in listed


def test_an_instance_whose_setup_failed_is_on_the_desk_once(adas, failed):
    assert text(adas, DESK).count(f"/{failed.instance_id}/do/teardown/") == 0
    assert Instance.objects.count() == 1


def test_a_nudge_looks_at_it_now(adas, ada, under_way, world, clock):
    world.script.clear()
    do(adas, under_way, "nudge", reason="The cloud has answered.")
    assert AuditEvent.objects.get(action="operation.nudge").actor == ada
    assert under_way.steps.get(name="ground").due_at <= portal_clock.now()
    assert run_to_the_end(under_way, clock).status == "succeeded"


def test_it_stands_in_the_sidebar_with_how_many(adas, failed):
    pages = [item for group in adas.get(DESK).context["sidebar_navigation"] for item in group["items"]]
    assert [item["title"] for item in pages if item["active"]] == ["Unstick desk"]
    assert next(item["badge"] for item in pages if item["title"] == "Unstick desk") == "1"
    assert DESK in text(adas, "/admin/")


def test_it_is_not_for_customers(alices, failed):
    assert alices.get(DESK)["Location"].startswith("/admin/login/")
