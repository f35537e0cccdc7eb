"""Holds: who keeps what from being upgraded, until when; and what an instance's page says of its updates."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core import clock as portal_clock
from portal.core.models import AuditEvent
from provisioning.models import Hold, Instance, Outage, ProbeTally
from provisioning.services.holds import hold_begin
from provisioning.services.rollouts import rollout_create, rollout_start
from tests.provisioning.admin.pages import do, listing, page, text
from tests.provisioning.rollouts import toy_fleet

pytestmark = pytest.mark.django_db
LIST = listing("provisioning_hold")
WHY = "Their audit runs."
ANSWERS = {"release": "", "until": "2026-12-03", "reason": WHY}


@pytest.fixture(autouse=True)
def _toys(db, clock):
    with toy_fleet.toy_workflows():
        yield


@pytest.fixture
def old():
    return toy_fleet.published("5.11.0")


@pytest.fixture
def instance(acme, alice, old) -> Instance:
    return toy_fleet.populate(acme, alice, old, 1, time_zone="Europe/Berlin")[0]


@pytest.fixture
def held(acme, alice, old, by_ada):
    """So many more instances, each held."""

    def held(count: int, days: int = 9) -> list[Hold]:
        until = portal_clock.now() + timedelta(days=days)
        instances = toy_fleet.populate(acme, alice, old, count)
        return [hold_begin(instance=one, until=until, reason=WHY, actor=by_ada) for one in instances]

    return held


def overdue(hold: Hold) -> None:
    now = portal_clock.now()
    Hold.objects.filter(pk=hold.pk).update(created_at=now - timedelta(days=9), until=now - timedelta(days=2))


class TestAnInstance:
    def test_is_held_until_the_end_of_a_day_where_it_is(self, adas, ada, instance):
        assert do(adas, instance, "hold", **ANSWERS)["Location"] == page(instance)
        hold = Hold.objects.get()
        assert (hold.instance, hold.release, hold.reason, hold.created_by) == (instance, None, WHY, ada)
        shown = text(adas, page(instance))
        assert page(hold) in shown
        assert WHY in shown
        assert hold.until.isoformat() == "2026-12-03T22:59:00+00:00"
        assert AuditEvent.objects.get(action="hold.begin").actor == ada

    def test_is_pinned_to_what_it_may_still_have(self, adas, instance):
        toy_fleet.published("5.10.0")
        new = toy_fleet.published("5.12.0")
        shown = text(adas, page(instance, "deed", "hold"))
        assert ">5.12.0<" in shown.replace("\n", "").replace(" ", "")
        assert ">5.10.0<" not in shown.replace("\n", "").replace(" ", "")
        response = adas.post(page(instance, "deed", "hold"), ANSWERS | {"release": new.pk}, follow=True)
        assert "is pinned to 5.12.0 until 3 December." in response.content.decode()
        assert Hold.objects.get().release == new

    @pytest.mark.parametrize(
        ("wrong", "field"), [({"reason": " "}, "reason"), ({"until": "2026-11-23"}, "until"), ({"until": ""}, "until")]
    )
    def test_wants_a_reason_and_a_day_to_come(self, adas, instance, wrong, field):
        assert do(adas, instance, "hold", **(ANSWERS | wrong)).context["form"].errors[field]
        assert not Hold.objects.exists()

    def test_is_held_once_however_often_it_is_clicked(self, adas, instance):
        do(adas, instance, "hold", **ANSWERS)
        assert do(adas, instance, "hold", **ANSWERS).status_code == 302
        assert Hold.objects.count() == 1

    def test_is_let_go(self, adas, ada, instance):
        do(adas, instance, "hold", **ANSWERS)
        shown = text(adas, page(instance))
        assert "/do/endhold/" in shown
        assert "/do/hold/" not in shown
        do(adas, instance, "endhold", reason="It is over.")
        assert Hold.objects.get().ended_at
        assert AuditEvent.objects.get(action="hold.end").reason == "It is over."
        assert "/do/hold/" in text(adas, page(instance))

    def test_that_is_deleted_cannot_be_held(self, adas, instance):
        Instance.objects.update(status="deleted")
        assert "/do/hold/" not in text(adas, page(instance))


class TestTheList:
    def test_says_when_there_is_none(self, adas):
        assert adas.get(LIST).status_code == 200

    def test_is_not_for_customers(self, alices, held):
        [hold] = held(1)
        assert alices.get(LIST, follow=True).status_code == 403
        assert alices.post(page(hold, "deed", "end"), {"reason": WHY}, follow=True).status_code == 403
        assert not Hold.objects.get().ended_at

    def test_has_the_overdue_first_and_marks_them(self, adas, held):
        soon, late = held(2)
        overdue(late)
        shown = text(adas, LIST)
        assert shown.index(late.instance.slug) < shown.index(soon.instance.slug)
        assert "overdue" in shown.split(late.instance.slug)[1].split("</tr>")[0]

    def test_is_narrowed_to_the_open_ones(self, adas, held):
        soon, late, ended = held(3)
        overdue(late)
        Hold.objects.filter(pk=ended.pk).update(ended_at=portal_clock.now())

        def listed(**query):
            shown = text(adas, LIST, **query)
            return [hold for hold in (soon, late, ended) if hold.instance.slug in shown]

        assert listed() == [soon, late]
        assert listed(state="overdue") == [late]
        assert listed(state="ended") == [ended]
        assert listed(state="all") == [soon, late, ended]

    def test_a_hold_is_ended_from_its_page_once(self, adas, held):
        [hold] = held(1)
        assert WHY in text(adas, page(hold))
        do(adas, hold, "end", reason="It is over.")
        do(adas, hold, "end", reason="It is over.")
        assert AuditEvent.objects.filter(action="hold.end").count() == 1

    def test_nobody_edits_one_by_hand(self, adas, held):
        [hold] = held(1)
        assert adas.post(page(hold), {"reason": "stolen"}).status_code == 403
        assert adas.get("/admin/provisioning/hold/add/").status_code == 403

    def test_asks_as_much_for_many_as_for_few(self, adas, held):
        held(3)
        few = queries(adas, LIST)
        held(37)
        assert queries(adas, LIST) == few
        assert few <= 16

    def test_the_first_page_counts_the_overdue(self, adas, held):
        overdue(held(2)[0])
        figures = {figure.title: figure for figure in adas.get("/admin/").context["figures"]}
        assert (figures["Overdue holds"].count, figures["Overdue holds"].is_bad) == (1, True)
        assert figures["Overdue holds"].link == f"{LIST}?state=overdue"


class TestItsUpdates:
    def test_say_why_it_is_not_on_the_newest_yet(self, adas, instance, by_ada):
        assert "5.11.0, the newest" in text(adas, page(instance))
        toy_fleet.published("5.12.0")
        assert "The rollout of 5.12.0 has not reached it yet" in text(adas, page(instance))
        do(adas, instance, "hold", **ANSWERS)
        assert "Held at 5.11.0 until 3 December: Their audit runs." in text(adas, page(instance))

    def test_say_when_it_may_be_changed(self, adas, instance):
        Instance.objects.update(maintenance_weekday=5, maintenance_hour=22)
        shown = text(adas, page(instance))
        assert "Saturday, 22:00 to 02:00, Berlin" in shown
        assert "Sat 28 Nov, 21:00 UTC" in shown

    def test_name_the_rollouts_that_it_is_in(self, adas, instance, by_ada):
        new = toy_fleet.published("5.12.0")
        rollout = rollout_create(release=new, policy=toy_fleet.policy(100), actor=by_ada)
        rollout_start(rollout=rollout, actor=by_ada)
        assert f'href="{page(rollout)}"' in text(adas, page(instance))

    def test_say_how_it_is_seen_from_outside(self, adas, instance):
        assert "It has not been probed yet." in text(adas, page(instance))
        ProbeTally.objects.create(instance=instance, hour=portal_clock.now(), probes=2_000, failed=1)
        assert "99.95 % of 2,000 probes in 30 days" in text(adas, page(instance))
        Outage.objects.create(instance=instance, what="No answer within 5 s.")
        shown = text(adas, page(instance))
        assert "down" in shown
        assert "No answer within 5 s." in shown


def queries(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
