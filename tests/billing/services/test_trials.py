"""Trials are extended, and how many there may be is set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail as outbox
from django.db import IntegrityError, transaction

from billing.models import TrialAllowance, TrialExtension, TrialPolicy
from billing.selectors.trials import trial_load, trial_policy
from billing.services.trials import extension, trial_extend, trial_policy_set
from billing.services.upkeep import upkeep_go_on
from portal.core.audit import Actor
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail
from portal.core.rights import SALES_MANAGERS
from provisioning.models import Instance, Operation
from tests.conftest import SUSPENDED

pytestmark = pytest.mark.django_db
ENDS = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CENTS = "most_cents_a_month"


@pytest.fixture
def by_manager(sam) -> Actor:
    sam.groups.add(Group.objects.get(name=SALES_MANAGERS))
    return Actor(sam, sam.email, "127.0.0.1")


def extend(instance, actor, days=14, reason="They need two more weeks.") -> TrialExtension:
    return trial_extend(instance=instance, days=days, actor=actor, reason=reason)


def told(kind: str) -> list[str]:
    return sorted(Mail.objects.filter(kind=kind).values_list("recipient", flat=True))


class TestTheConsequence:
    def test_is_known_in_numbers_before(self, running):
        planned = extension(running, 14)
        assert (planned.ends_at, planned.from_at, planned.until) == (ENDS, ENDS, ENDS + 14 * DAY)
        assert (planned.days, planned.cents, planned.earlier) == (14, 14_407, 0)
        assert (planned.needs_manager, planned.resumes) == (False, False)
        assert not TrialExtension.objects.exists()

    def test_counts_from_now_where_the_trial_has_ended(self, running, day):
        Instance.objects.update(**SUSPENDED)
        running.refresh_from_db()
        day.move_to(ENDS + 5 * DAY)
        planned = extension(running, 10)
        assert (planned.until, planned.resumes) == (ENDS + 15 * DAY, True)

    @pytest.mark.parametrize("days", [-1, 0, 366])
    def test_is_not_reckoned_for_what_is_no_extension(self, running, days):
        with pytest.raises(Invalid, match="1 to 365 days"):
            extension(running, days)

    def test_is_not_reckoned_for_a_customers_instance(self, running):
        running.kind = "production"
        with pytest.raises(Conflict, match="Only a trial"):
            extension(running, 14)


class TestAnExtension:
    def test_by_sales_moves_the_end_and_is_kept(self, running, by_sam, sam):
        made = extend(running, by_sam)
        running.refresh_from_db()
        assert running.trial_ends_at == made.until == ENDS + 14 * DAY
        assert (made.from_at, made.days, made.by, made.reason) == (ENDS, 14, sam, "They need two more weeks.")
        assert AuditEvent.objects.get(action="instance.trial-extended").actor == sam

    def test_is_told_to_those_who_run_it(self, running, by_sam, alice, bob):
        extend(running, by_sam)
        assert told("trial-extended") == [alice.email]
        send_due()
        [letter] = outbox.outbox
        assert letter.subject == "Your trial of acme goes on until 15 January 2027"
        assert "14 more days" in str(letter.body)
        assert "back within minutes" not in str(letter.body)

    def test_resumes_what_had_ended_at_once(self, running, by_sam, day):
        Instance.objects.update(**SUSPENDED)
        day.move_to(ENDS + 5 * DAY)
        upkeep_go_on()
        extend(running, by_sam)
        assert Mail.objects.get(kind="trial-extended").context["is_back"] is True
        upkeep_go_on()
        assert Operation.objects.get().kind == "resume"

    def test_leaves_asleep_what_we_have_switched_off(self, running, by_sam):
        Instance.objects.update(**SUSPENDED | {"suspended_because": "by-us"})
        extend(running, by_sam)
        assert Mail.objects.get(kind="trial-extended").context["is_back"] is False
        upkeep_go_on()
        assert not Operation.objects.exists()

    def test_begins_the_warnings_anew(self, running, by_sam, day):
        day.move_to(ENDS - 7 * DAY)
        upkeep_go_on()
        extend(running, by_sam)
        upkeep_go_on()
        assert len(told("trial-ending")) == 1
        for days in (7, 3, 1):
            day.move_to(ENDS + (14 - days) * DAY)
            upkeep_go_on()
        letters = Mail.objects.filter(kind="trial-ending").order_by("pk")
        assert [letter.context["days"] for letter in letters] == [7, 7, 3, 1]
        assert letters[3].context["ends_at"] == "15 January 2027"

    def test_by_a_few_days_says_how_many_are_left(self, running, by_sam, day):
        day.move_to(ENDS)
        extend(running, by_sam, days=5)
        upkeep_go_on()
        assert Mail.objects.get(kind="trial-ending").context["days"] == 5

    def test_a_second_one_needs_a_manager(self, running, by_sam):
        extend(running, by_sam)
        with pytest.raises(Forbidden, match="Ask a sales manager to do it once more"):
            extend(running, by_sam)
        assert TrialExtension.objects.count() == 1

    def test_a_long_one_needs_a_manager(self, running, by_sam):
        with pytest.raises(Forbidden, match="up to 30 days"):
            extend(running, by_sam, days=31)
        running.refresh_from_db()
        assert running.trial_ends_at == ENDS

    def test_a_manager_may_do_both(self, running, by_manager):
        extend(running, by_manager, days=31)
        extend(running, by_manager, days=60)
        running.refresh_from_db()
        assert running.trial_ends_at == ENDS + 91 * DAY

    def test_a_customer_may_not(self, running, by_alice):
        with pytest.raises(Forbidden, match="Only somebody of ours"):
            extend(running, by_alice)

    def test_wants_a_reason(self, running, by_sam):
        with pytest.raises(Invalid, match="Say why"):
            extend(running, by_sam, reason=" ")
        assert not TrialExtension.objects.exists()

    def test_is_of_a_trial_that_stands(self, running, by_sam):
        Instance.objects.update(status="pending")
        with pytest.raises(Conflict, match="runs or is suspended"):
            extend(running, by_sam)
        assert not Mail.objects.exists()


class TestThePolicy:
    def test_is_there_as_the_portal_ships_with_it(self, catalogue):
        policy = TrialPolicy.objects.get()
        assert (policy.most_running, policy.most_cents_a_month, policy.is_open) == (100, 5_000_000, True)

    def test_holds_before_anything_is_loaded(self):
        assert trial_policy().most_running == 100

    def test_is_changed_with_an_audit_event(self, catalogue, by_ada):
        wanted: dict[str, Any] = {"most_running": 120, "most_cents_a_month": 5_000_000, "is_open": False}
        trial_policy_set(**wanted, actor=by_ada, reason="A campaign is over.")
        event = AuditEvent.objects.get(action="trialpolicy.change")
        assert event.details == {"most_running": [100, 120], "is_open": [True, False]}
        assert (event.actor, event.reason) == (by_ada.user, "A campaign is over.")
        trial_policy_set(**wanted, actor=by_ada, reason="Again.")
        assert AuditEvent.objects.filter(action="trialpolicy.change").count() == 1

    def test_wants_a_reason_and_caps_that_can_be(self, catalogue, by_ada):
        for reason, cents, field in (("", 1, "reason"), ("Why.", -1, CENTS), ("Why.", 3_000_000_000, CENTS)):
            with pytest.raises(Invalid) as refused:
                trial_policy_set(most_running=1, most_cents_a_month=cents, is_open=True, actor=by_ada, reason=reason)
            assert refused.value.field == field

    def test_counts_what_runs_and_what_all_cost(self, running, globex, charlie):
        assert (trial_load().running, trial_load().cents) == (1, 31_300)
        Instance.objects.update(**SUSPENDED)
        assert (trial_load().running, trial_load().cents) == (0, 31_300)
        Instance.objects.update(status="deleted")
        assert (trial_load().running, trial_load().cents) == (0, 0)


class TestTheDatabase:
    def refuses(self, make) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            make()

    def test_has_one_policy(self):
        self.refuses(lambda: TrialPolicy.objects.create(pk=2))

    def test_has_no_extension_that_is_none_or_has_no_reason(self, trial, sam):
        row = {"instance": trial, "from_at": ENDS, "until": ENDS + DAY, "days": 1, "by": sam, "reason": "Why."}
        self.refuses(lambda: TrialExtension.objects.create(**row | {"until": ENDS}))
        self.refuses(lambda: TrialExtension.objects.create(**row | {"reason": ""}))

    def test_has_no_allowance_without_a_reason(self, acme, sam):
        self.refuses(lambda: TrialAllowance.objects.create(organization=acme, by=sam, reason=""))
