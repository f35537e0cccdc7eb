"""What people see of how their instance is used, beside what they pay for."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import SeatOveruse
from portal.core import clock
from portal.core.models import Membership, Role
from provisioning.models import Instance, Usage
from tests.billing.mirror import subscribe
from tests.conftest import SUSPENDED

DAY = timedelta(days=1)


def said(answer) -> str:
    return " ".join(answer.content.decode().split())


def page(instance, name="instance_subscription") -> str:
    return reverse(name, args=[instance.pk])


def counted(instance, ago=timedelta(0), **figures) -> Usage:
    at = clock.now() - ago
    usual = {"seats": 20, "active_1d": 3, "active_7d": 12, "active_30d": 19}
    return Usage.objects.create(instance=instance, day=at.date(), counted_at=at, figures=usual | figures)


@pytest.fixture
def customers(running):
    """Acme's running instance, with 25 seats."""
    Instance.objects.update(kind="production", trial_ends_at=None)
    subscribe(running, {"team-month-usd-1": 25})
    running.refresh_from_db()
    return running


class TestSeats:
    def test_are_shown_beside_what_is_paid_for(self, alices, customers):
        counted(customers, DAY, seats=18)
        counted(customers, timedelta(minutes=20))
        shown = said(alices.get(page(customers)))
        for words in ("20 of 25 seats in use", "last counted", "20 minutes ago", "Accounts, the last 30 days"):
            assert words in shown
        assert "from 18 to 20, now 20, of 25 that are paid for" in shown
        assert "more than" not in shown

    def test_that_are_exceeded_say_what_to_do_and_block_nothing(self, alices, customers):
        began = clock.now().date() - DAY
        SeatOveruse.objects.create(instance=customers, began_on=began, paid=25, used=31)
        counted(customers, seats=31)
        shown = said(alices.get(page(customers)))
        for words in ("31 of 25 seats in use", "6 more than are paid for, since", "Nothing is blocked", "Add seats"):
            assert words in shown

    def test_that_are_exceeded_are_no_members_to_mend(self, bobs, bob, customers):
        Membership.objects.filter(user=bob).update(role=Role.MEMBER)
        counted(customers, seats=31)
        shown = said(bobs.get(page(customers)))
        assert "Only an owner, or whoever looks after money" in shown
        assert "Add seats</" not in shown

    def test_that_are_nearly_all_taken_say_so(self, alices, customers):
        counted(customers, seats=24)
        assert "Nearly all seats are taken" in said(alices.get(page(customers)))

    def test_take_the_same_queries_for_a_month_as_for_a_day(self, alices, customers):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert alices.get(page(customers)).status_code == 200
            return len(captured)

        counted(customers)
        few = queries()
        for number in range(1, 40):
            counted(customers, number * DAY)
        assert queries() == few

    def test_are_nobody_elses_to_see(self, charlies, customers):
        counted(customers)
        assert charlies.get(page(customers)).status_code == 404


class TestATrial:
    def test_says_how_many_have_used_it(self, alices, running):
        counted(running)
        shown = said(alices.get(page(running)))
        assert "19 people have used it in the last 30 days" in shown
        assert "seats in use" not in shown

    def test_of_one_person_says_so(self, alices, running):
        counted(running, active_30d=1)
        assert "1 person has used it" in said(alices.get(page(running)))


class TestWithoutACount:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({}, "the first count comes within an hour."),
            ({"status": "pending"}, "the first count comes within an hour of its start."),
            ({"architecture": "1.1"}, "with the next renewal of its infrastructure"),
            (SUSPENDED, "Not counted while it is suspended."),
        ],
    )
    @pytest.mark.parametrize("name", ["instance_subscription", "instance_detail"])
    def test_it_says_why(self, alices, running, change, says, name):
        Instance.objects.update(**change)
        assert says in said(alices.get(page(running, name)))

    def test_of_late_it_says_since_when(self, alices, customers):
        counted(customers, 3 * DAY)
        shown = said(alices.get(page(customers)))
        assert "last counted" in shown
        assert "3 days ago" in shown

    def test_for_more_than_a_month_the_last_one_stays(self, alices, customers):
        counted(customers, 90 * DAY)
        assert "90 days ago" in said(alices.get(page(customers)))

    def test_a_deleted_one_has_none_to_come(self, alices, running):
        Instance.objects.update(status="deleted")
        for name in ("instance_subscription", "instance_detail"):
            assert "Not counted" not in said(alices.get(page(running, name)))


def test_the_overview_says_how_many_are_active(alices, running):
    counted(running, timedelta(hours=2))
    shown = said(alices.get(page(running, "instance_detail")))
    assert "People active" in shown
    assert "12</span> in 7 days" in shown
    assert "19 in 30 days" in shown
    assert "2 hours ago" in shown
