"""A jump in cost is found once, explained by what we did, goes back by itself, or is settled by a person."""

from datetime import date, timedelta

import pytest
import time_machine

from billing.models import CostJump, CostLine
from billing.services.jumps import GONE_BACK, jump_settle, jumps_look
from billing.terms.jumps import jump_in_words
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.models import AuditEvent
from provisioning.models import Size
from provisioning.spec import SizeSpec, spec_of
from tests.billing.export import CORE

pytestmark = pytest.mark.django_db
DOLLAR = 1_000_000_000
READY = "2026-09-01T00:00:00Z"


@pytest.fixture(autouse=True)
def day():
    with time_machine.travel("2026-11-30T06:10:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def instance(trial):
    trial.status, trial.ready_at = "running", READY
    trial.save()
    trial.refresh_from_db()
    return trial


def charge(instance, first: str, *dollars: int, sku: str = CORE[1]) -> None:
    """So much a day from that day of this year on, as the export tells it."""
    begin = date.fromisoformat(f"2026-{first}")
    CostLine.objects.bulk_create(
        CostLine(
            instance=instance, day=begin + timedelta(days=number), service=CORE[0], sku=sku, description=CORE[2],
            nanos=each * DOLLAR, currency="USD",
        )
        for number, each in enumerate(dollars)
    )  # fmt: skip


def operation(instance, kind: str, at: str, size: str = "xs", status: str = "succeeded"):
    wanted = spec_of(instance).as_json() | {"size": SizeSpec.of(Size.objects.get(pk=size)).__dict__}
    moment = f"2026-{at}:00Z"
    return instance.operations.create(kind=kind, status=status, wanted=wanted, created_at=moment, finished_at=moment)


class TestAsCharged:
    def test_a_jump_is_found_with_its_sku_its_day_and_both_levels(self, instance):
        charge(instance, "11-01", *[10] * 25, 20, 22, 24, 5)  # the 26th is the first dear day, the 29th not complete
        looked = jumps_look()
        jump = CostJump.objects.get()
        assert (jump.sku, jump.since) == (CORE[1], date(2026, 11, 26))
        assert (jump.before_nanos, jump.after_nanos) == (10 * DOLLAR, 23 * DOLLAR)
        assert looked.found[0] == (
            "E2 Instance Core running in Americas of acme costs 23.00 USD a day since 26 November, 10.00 USD before: "
            "no operation of ours ended within a day before it."
        )

    def test_what_is_flat_is_none(self, instance):
        charge(instance, "11-01", *[10] * 29)
        assert jumps_look().found == ()

    def test_each_sku_is_judged_by_itself(self, instance):
        charge(instance, "11-01", *[100] * 29)
        charge(instance, "11-01", *[10] * 26, 20, 20, 20, sku="OTHER")
        jumps_look()
        assert CostJump.objects.get().sku == "OTHER"

    def test_it_is_found_once(self, instance, day):
        charge(instance, "11-01", *[10] * 26, *[20] * 10)
        assert len(jumps_look().found) == 1
        day.shift(timedelta(days=1))
        assert jumps_look().found == ()
        assert CostJump.objects.count() == 1

    def test_it_stays_open_once_the_days_before_are_dear_too(self, instance, day):
        charge(instance, "11-01", *[10] * 26, *[20] * 40)
        jumps_look()
        day.shift(timedelta(days=30))
        jumps_look()
        assert CostJump.objects.get().settled_at is None

    def test_it_is_settled_when_the_cost_goes_back(self, instance, day):
        charge(instance, "11-01", *[10] * 26, 20, 20, 20, *[10] * 5)
        jumps_look()
        day.shift(timedelta(days=4))
        looked = jumps_look()
        jump = CostJump.objects.get()
        assert (jump.settled_at, jump.settled_by, jump.note) == (clock.now(), None, GONE_BACK)
        assert looked.settled[0].endswith(GONE_BACK)

    def test_it_is_found_again_when_it_comes_back(self, instance, day):
        charge(instance, "11-01", *[10] * 26, 20, 20, 20, *[10] * 10, 20, 20, 20)
        jumps_look()
        day.shift(timedelta(days=4))
        jumps_look()
        day.shift(timedelta(days=9))
        assert len(jumps_look().found) == 1
        assert CostJump.objects.filter(settled_at=None).count() == 1

    def test_a_deleted_instances_jump_goes_back(self, instance):
        charge(instance, "11-01", *[10] * 26, 20, 20, 20)
        jumps_look()
        instance.status, instance.deleted_at = "deleted", clock.now()
        instance.save()
        jumps_look()
        assert CostJump.objects.get().settled_at

    def test_a_young_instance_has_nothing_usual(self, instance):
        charge(instance, "11-22", 1, *[10] * 4, 20, 20, 20)
        assert jumps_look().found == ()

    def test_another_currency_is_not_compared(self, instance):
        charge(instance, "11-01", *[10] * 26, 20, 20, 20)
        CostLine.objects.update(currency="EUR")
        assert jumps_look().found == ()

    def test_it_takes_as_many_queries_for_one_instance_as_for_many(self, instance, globex, django_assert_num_queries):
        with django_assert_num_queries(8):
            jumps_look()
        for number in range(5):
            instance.pk, instance.slug, instance.domain = f"src-{number}", f"more-{number}", f"{number}.example"
            instance.kind = "production"
            instance.save(force_insert=True)
        with django_assert_num_queries(8):
            jumps_look()


class TestExplained:
    @pytest.fixture(autouse=True)
    def dearer(self, instance):
        charge(instance, "11-01", *[10] * 26, 20, 20, 20)

    @pytest.mark.parametrize("at", ["11-26T00:00", "11-26T23:59", "11-27T12:00"])
    def test_by_an_operation_that_ended_on_that_day_or_the_day_before(self, instance, at):
        resize = operation(instance, "resize", at)
        jumps_look()
        jump = CostJump.objects.get()
        assert jump.explained_by == resize
        assert jump_in_words(jump).endswith(f": since the resize of {resize.finished_at[8:10]} November.")

    @pytest.mark.parametrize("at", ["11-25T23:59", "11-28T00:00"])
    def test_not_by_one_that_ended_earlier_or_later(self, instance, at):
        operation(instance, "resize", at)
        jumps_look()
        assert CostJump.objects.get().explained_by is None

    def test_of_several_by_the_last_that_changes_what_there_is(self, instance):
        operation(instance, "apply-features", "11-26T08:00")
        resize = operation(instance, "resize", "11-26T10:00")
        operation(instance, "repair", "11-26T12:00")
        jumps_look()
        assert CostJump.objects.get().explained_by == resize

    def test_not_by_somebody_elses(self, instance, globex):
        instance.pk, instance.slug, instance.domain, instance.organization = "src-2", "globex", "g.example", globex
        instance.save(force_insert=True)
        operation(instance, "resize", "11-26T10:00")
        jumps_look()
        assert CostJump.objects.get().explained_by is None


class TestAsReckoned:
    def test_a_resize_makes_the_nodes_dearer(self, instance, catalogue):
        operation(instance, "provision", "09-01T00:00")
        resize = operation(instance, "resize", "11-27T00:00", size="m")
        looked = jumps_look()
        jump = CostJump.objects.get(sku="e2-core")
        assert (jump.since, jump.explained_by, jump.service) == (date(2026, 11, 27), resize, "Compute Engine")
        assert any(sentence.startswith("E2 core of acme costs ") for sentence in looked.found)

    def test_one_that_goes_on_as_it_was_has_none(self, instance, catalogue):
        assert jumps_look().found == ()

    def test_one_that_is_new_has_none(self, instance, catalogue):
        instance.ready_at = clock.now() - timedelta(days=3)
        instance.save()
        assert jumps_look().found == ()

    def test_one_on_a_cluster_of_its_people_costs_nothing(self, instance, catalogue):
        from provisioning.models import Cluster

        instance.tenancy = "byok"
        instance.cluster = Cluster.objects.create(
            organization=instance.organization, name="ours", created_by=instance.created_by
        )
        instance.save()
        operation(instance, "resize", "11-27T00:00", size="m")
        assert jumps_look().found == ()


class TestSettledByAPerson:
    @pytest.fixture
    def jump(self, instance):
        charge(instance, "11-01", *[10] * 26, *[20] * 4, *[40] * 10)
        jumps_look()
        return CostJump.objects.get()

    def test_it_is_kept_with_the_reason(self, jump, ada, by_ada):
        settled = jump_settle(jump=jump, actor=by_ada, reason="They have grown.")
        assert (settled.settled_by, settled.note) == (ada, "They have grown.")
        event = AuditEvent.objects.get(action="cost.settle")
        assert (event.actor, event.reason, event.object_id) == (ada, "They have grown.", str(jump.pk))

    def test_it_is_not_settled_twice(self, jump, by_ada):
        jump_settle(jump=jump, actor=by_ada, reason="They have grown.")
        with pytest.raises(Conflict):
            jump_settle(jump=jump, actor=by_ada, reason="Again.")

    def test_the_same_level_is_usual_from_there_on(self, jump, by_ada):
        jump_settle(jump=jump, actor=by_ada, reason="They have grown.")
        assert jumps_look().found == ()

    def test_a_further_jump_is_another(self, jump, by_ada, day):
        jump_settle(jump=jump, actor=by_ada, reason="They have grown.")
        day.shift(timedelta(days=4))
        jumps_look()
        further = CostJump.objects.get(settled_at=None)
        assert (further.before_nanos, further.after_nanos) == (20 * DOLLAR, 40 * DOLLAR)
