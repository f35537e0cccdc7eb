"""What the prober writes: tallies, outages, and what operations looked like; and whom it is told to look at."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from provisioning.health.ledger import Ledger
from provisioning.health.looks import Look
from provisioning.models import Instance, Operation, Outage, ProbeMinute, ProbeTally
from tests.conftest import SUSPENDED

pytestmark = pytest.mark.django_db
NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
PROBES = ("probes", "failed_probes", "downtime_seconds")


def at(seconds: float):
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def see(ledger):
    """`see(instance, 1, 2, "no", 3)`: it answered after 1 and 2 s, and failed after 3; each look took 0.1 s."""

    def see(instance: Instance, *what: float | str) -> None:
        looks, failure = [], ""
        for word in what:
            if isinstance(word, str):
                failure = word
            else:
                looks.append(Look(instance.pk, at(word), at(word + 0.1), failure))
                failure = ""
        ledger.note(looks)
        ledger.write()

    return see


def seconds(outage: Outage) -> tuple[float, float | None]:
    ended = (outage.ended_at - NOON).total_seconds() if outage.ended_at else None
    return ((outage.began_at - NOON).total_seconds(), ended)


class TestTallies:
    def test_are_kept_by_the_minute_and_say_for_how_long_it_was_watched(self, see, stand):
        acme = stand("acme")
        see(acme, -1, 1, 2, "no", 59, 61)
        see(acme, 62, 125)
        minutes = ProbeMinute.objects.order_by("minute").values_list("minute", "probes", "failed")
        assert list(minutes) == [(at(-60), 1, 0), (at(0), 3, 1), (at(60), 2, 0), (at(120), 1, 0)]
        assert list(ProbeTally.objects.order_by("hour").values_list("minutes", flat=True)) == [1, 3]

    def test_are_kept_by_the_hour(self, see, stand):
        acme, globex = stand("acme"), stand("globex")
        see(acme, -1, 1, 2, "no", 3)
        see(acme, 4)
        see(globex, 5)
        rows = ProbeTally.objects.order_by("instance__slug", "hour")
        assert list(rows.values_list("instance__slug", "hour", "probes", "failed")) == [
            ("acme", at(-3600), 1, 0),
            ("acme", at(0), 4, 1),
            ("globex", at(0), 1, 0),
        ]

    def test_an_instance_that_is_gone_stops_nobody(self, ledger, stand):
        acme = stand()
        ledger.note([Look("src-gone", at(0), at(1), "no"), Look(acme.pk, at(0), at(1), "no")])
        ledger.write()
        assert ProbeTally.objects.get().instance == Outage.objects.get().instance == acme


class TestOutages:
    def test_last_from_the_first_failure_to_the_next_answer(self, see, stand):
        acme = stand()
        see(acme, 1, "it answers 503", 2, "it is silent", 3)
        outage = Outage.objects.get()
        assert (seconds(outage), outage.failed, outage.what) == ((2, None), 2, "it answers 503")
        see(acme, "no", 4, 5, 6)
        outage = Outage.objects.get()
        assert (seconds(outage), outage.failed, outage.what) == ((2, 5.1), 3, "it answers 503")

    def test_several_may_be_written_at_once(self, see, stand):
        acme = stand()
        see(acme, "no", 1)
        see(acme, 2, "no", 3, 4, "no", 5)
        assert [seconds(outage) for outage in Outage.objects.order_by("began_at")] == [(1, 2.1), (3, 4.1), (5, None)]

    def test_go_on_for_who_takes_over(self, see, stand):
        acme = stand()
        see(acme, "no", 1)
        second = Ledger()
        assert [target.is_down for target in second.targets()] == [True]
        second.note([Look(acme.pk, at(5), at(5.5))])
        second.write()
        assert seconds(Outage.objects.get()) == (1, 5.5)

    def test_go_on_for_who_did_not_know_of_them(self, see, stand):
        acme = stand()
        see(acme, "no", 1)
        second = Ledger()
        second.note([Look(acme.pk, at(3), at(4), "no")])
        second.write()
        assert (seconds(Outage.objects.get()), Outage.objects.get().failed) == ((1, None), 2)

    def test_end_for_who_is_looked_at_no_more(self, see, ledger, stand, operate):
        acme = stand()
        ledger.targets()
        see(acme, "no", 1)
        operate(acme, "teardown")
        assert ledger.targets() == []
        assert Outage.objects.get().ended_at

    def test_that_quote_what_no_database_holds_are_written(self, see, stand):
        see(stand(), "\0 \udcff" + "long" * 500, 1)
        assert Outage.objects.get().what.startswith(" ?long")

    def test_are_not_begun_twice_when_it_was_not_told_that_they_are_written(self, ledger, see, stand):
        acme = stand()
        see(acme, "no", 1, 2)
        ledger._to_run.extend([Look(acme.pk, at(1), at(1.1), "no"), Look(acme.pk, at(2), at(2.1))])
        ledger.write()
        assert seconds(Outage.objects.get()) == (1, 2.1)


class TestOperations:
    def test_keep_what_was_seen_while_they_ran(self, see, stand, operate):
        acme = stand()
        operation = operate(acme, started_at=at(2), finished_at=at(8), status="succeeded")
        see(acme, 1, 3, "no", 5, 7, 9)
        operation.refresh_from_db()
        assert (operation.probes, operation.failed_probes) == (3, 1)
        assert operation.downtime_seconds == pytest.approx(2.1)
        assert Outage.objects.get().operation == operation

    def test_keep_the_downtime_that_began_in_them_to_its_end(self, see, stand, operate):
        acme = stand()
        first = operate(acme, started_at=at(0), finished_at=at(4), status="failed")
        second = operate(acme, "rollback", started_at=at(5))
        see(acme, "no", 2, "no", 3)
        assert Operation.objects.get(pk=first.pk).downtime_seconds > 3_600  # it grows; by now a day has gone by
        see(acme, "no", 6)
        see(acme, 10)
        assert Operation.objects.filter(pk=first.pk).values_list(*PROBES).get() == (2, 2, pytest.approx(8.1))
        assert Operation.objects.filter(pk=second.pk).values_list(*PROBES).get() == (2, 1, 0.0)

    def test_have_all_their_outages_once(self, see, stand, operate):
        acme = stand()
        operation = operate(acme, started_at=at(0))
        see(acme, "no", 1)
        see(acme, "no", 2, 3, "no", 4)
        see(acme, 6)
        operation.refresh_from_db()
        assert operation.downtime_seconds == pytest.approx(2.1 + 2.1)
        assert (operation.probes, operation.failed_probes) == (5, 3)

    def test_are_not_blamed_for_what_began_before(self, see, stand, operate):
        acme = stand()
        operation = operate(acme, "repair", started_at=at(2))
        see(acme, "no", 1, "no", 3, 4)
        operation.refresh_from_db()
        assert (operation.probes, operation.failed_probes, operation.downtime_seconds) == (2, 1, 0.0)

    @pytest.mark.parametrize("kind", ["provision", "rehearse"])
    def test_that_change_no_running_instance_keep_nothing(self, kind, see, stand, operate):
        acme = stand()
        operation = operate(acme, kind, started_at=at(0))
        see(acme, "no", 1, 2)
        operation.refresh_from_db()
        assert (operation.probes, operation.downtime_seconds) == (0, 0.0)
        assert Outage.objects.get().operation is None

    @pytest.mark.parametrize("kind", ["suspend", "resume", "teardown"])
    def test_in_which_nobody_is_to_answer_have_no_outages(self, kind, see, stand, operate):
        """A look may still be made while the list of whom to look at is being renewed."""
        acme = stand()
        operation = operate(acme, kind, status="succeeded", started_at=at(10), finished_at=at(20))
        see(acme, "no", 11, "no", 19, 21)
        operation.refresh_from_db()
        assert (operation.probes, operation.downtime_seconds) == (0, 0.0)
        assert not Outage.objects.exists()
        see(acme, "no", 22, 23)
        assert seconds(Outage.objects.get()) == (22, 23.1)

    def test_that_wait_are_not_changing_anything_yet(self, see, stand, operate):
        acme = stand()
        operation = operate(acme, status="queued")
        see(acme, "no", 1, 2)
        operation.refresh_from_db()
        assert operation.probes == 0


class TestTargets:
    def test_are_the_running_ones(self, ledger, stand):
        stand("acme")
        stand("globex", status="pending")
        stand("initech", **SUSPENDED)
        assert [target.domain for target in ledger.targets()] == ["acme.sourcegraph.localhost"]

    @pytest.mark.parametrize(
        ("kind", "status", "is_under_change"),
        [
            ("upgrade", "running", True),
            ("rollback", "running", True),
            ("restore", "undoing", True),
            ("upgrade", "queued", False),
            ("upgrade", "failed", False),
            ("rehearse", "running", False),
        ],
    )
    def test_are_under_change_while_something_changes_them(self, kind, status, is_under_change, ledger, stand, operate):
        operate(stand(), kind, status=status)
        assert [target.is_under_change for target in ledger.targets()] == [is_under_change]

    @pytest.mark.parametrize(
        ("kind", "status"), [("suspend", "running"), ("suspend", "undoing"), ("teardown", "running")]
    )
    def test_are_not_who_is_being_switched_off(self, kind, status, ledger, stand, operate):
        operate(stand(), kind, status=status)
        assert ledger.targets() == []

    def test_are_not_who_is_coming_back_before_it_is(self, ledger, stand, operate):
        operate(stand(**SUSPENDED), "resume")
        assert ledger.targets() == []

    def test_are_each_named_once(self, ledger, see, stand, operate):
        acme = stand()
        operate(acme, status="succeeded")
        operate(acme, status="running")
        operate(acme, status="queued")
        see(acme, "no", 1, 2, "no", 3)
        [target] = ledger.targets()
        assert (target.is_under_change, target.is_down) == (True, True)


def test_a_larger_fleet_takes_no_more_statements(ledger, see, stand, operate, django_assert_num_queries):
    def round_of(slugs: list[str]) -> None:
        fleet = [stand(slug) for slug in slugs]
        for instance in fleet:
            operate(instance, started_at=at(0))
        for after, failure in [(1, ""), (2, "no"), (3, "")]:
            ledger.note([Look(instance.pk, at(after), at(after), failure) for instance in fleet])
            ledger.write()
        ledger.note([Look(instance.pk, at(4), at(4), "no") for instance in fleet])
        with django_assert_num_queries(4):  # tallies, operations, outages, downtime
            ledger.write()
        with django_assert_num_queries(2):  # who is watched; outages of who is not any more
            ledger.targets()
        with django_assert_num_queries(1):
            ledger.targets()

    round_of(["acme"])
    round_of([f"fleet-{number}" for number in range(30)])
    assert Outage.objects.count() == 62


def test_what_the_database_refuses_for_good_does_not_stop_what_comes_after(ledger, see, stand, caplog):
    acme = stand()
    ledger.note([Look(acme.pk, object(), at(1))])  # type: ignore[arg-type] # as no look is
    ledger.write()
    assert "looks that could not be written are let go" in caplog.text
    see(acme, 5)
    assert ProbeTally.objects.get().probes == 1


def test_what_could_not_be_written_is_written_when_the_database_is_back(ledger, see, stand):
    acme = stand()

    def away(*_args: object) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        see(acme, "no", 1)
    see(acme, 2)
    assert ProbeTally.objects.values_list("probes", "failed").get() == (2, 1)
    assert seconds(Outage.objects.get()) == (1, 2.1)
