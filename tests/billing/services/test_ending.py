"""What has ended is deleted by itself: told in time, seen twice, and never because an event came."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail as outbox

from billing.models import Account, Upkeep
from billing.services import ending, facts
from billing.services.upkeep import upkeep_ask, upkeep_complete, upkeep_go_on
from portal.core import clock
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail
from provisioning.models import Instance, Operation
from provisioning.signals import operation_finished
from tests.billing.mirror import ENDS, subscribe
from tests.conftest import SUSPENDED

pytestmark = pytest.mark.django_db
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def day():
    """Ten days before the data has been kept long enough."""
    with time_machine.travel(ENDS - 10 * DAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def asleep(day, trial: Instance, settings) -> Instance:
    """A trial that was suspended at its end; its data is kept until New Year's Day."""
    settings.GOOGLE_BACKUP_BUCKET = "kept"
    Instance.objects.update(**SUSPENDED, trial_ends_at=ENDS - 14 * DAY)
    upkeep_complete()
    look()
    return trial


@pytest.fixture
def told(asleep: Instance, day) -> Instance:
    """Its people have been told in time."""
    at(day, ENDS - 3 * DAY)
    return asleep


@pytest.fixture
def account(told, acme) -> Account:
    """Acme has once been a customer of Stripe's; all is known of it."""
    return Account.objects.create(organization=acme, stripe_id="cus_1", fetched_at=clock.now(), due_at=None)


def look() -> None:
    upkeep_go_on()


def at(day: time_machine.Traveller, moment: datetime) -> None:
    """All that is due by then is looked at then, unasked."""
    day.move_to(moment)
    look()


def event(day: time_machine.Traveller) -> None:
    """Something has changed, or so somebody says; a second later it is looked at."""
    upkeep_ask(Instance.objects.all())
    day.shift(timedelta(seconds=1))
    look()


def fetched(day: time_machine.Traveller) -> None:
    """A minute later the facts that are due have come, which asks for a look."""
    day.shift(MINUTE)
    assert Account.objects.filter(due_at__isnull=False).update(fetched_at=clock.now(), due_at=None) == 1
    event(day)


def next_hour(day: time_machine.Traveller) -> None:
    day.shift(HOUR)
    look()


def asked() -> list[str]:
    return list(Operation.objects.order_by("created_at").values_list("kind", flat=True))


def end(status: str) -> Operation:
    """The operation under way has ended so."""
    operation = Operation.objects.get(status="running")
    operation.status, operation.finished_at = status, clock.now()
    operation.save()
    operation_finished.send(sender=Operation, operation=operation)
    return operation


def warnings() -> list[str]:
    return [mail.context["ends_at"] for mail in Mail.objects.filter(kind="deletion-ahead").order_by("created_at")]


class TestTelling:
    def test_is_three_days_ahead_and_once(self, asleep, day):
        at(day, ENDS - 3 * DAY - MINUTE)
        assert warnings() == []
        assert Upkeep.objects.get().due_at == ENDS - 3 * DAY
        for moment in (ENDS - 3 * DAY, ENDS - 2 * DAY, ENDS - DAY):
            at(day, moment)
        assert warnings() == ["1 January 2027"]
        mail = Mail.objects.get(kind="deletion-ahead")
        assert (mail.recipient, mail.context["kept_days"]) == ("alice@acme.example", 30)

    def test_says_how_to_keep_it_and_what_is_left_afterwards(self, told):
        Mail.objects.exclude(kind="deletion-ahead").delete()
        assert send_due() == 1
        [sent] = outbox.outbox
        assert sent.subject == "acme is deleted on 1 January 2027"
        assert "Subscribe before then" in str(sent.body)
        assert "a last backup of its databases is kept for 30 days more" in str(sent.body)

    def test_that_is_late_puts_the_day_off(self, asleep, day):
        """The portal was away, or has learnt this only now."""
        at(day, ENDS + 40 * DAY)
        assert warnings() == ["13 February 2027"]
        at(day, ENDS + 43 * DAY - MINUTE)
        at(day, ENDS + 43 * DAY)
        assert asked() == []
        at(day, ENDS + 43 * DAY + HOUR)
        assert asked() == ["teardown"]


class TestADeletion:
    def test_is_not_a_minute_early(self, told, day):
        at(day, ENDS - MINUTE)
        assert asked() == []
        assert Upkeep.objects.get().deletable_seen_at is None
        assert Upkeep.objects.get().due_at == ENDS

    def test_takes_two_looks_an_hour_apart(self, told, day):
        at(day, ENDS)
        assert asked() == []
        at(day, ENDS + HOUR - MINUTE)
        assert asked() == []
        at(day, ENDS + HOUR)
        operation = Operation.objects.get()
        assert (operation.kind, operation.inputs, operation.requested_by) == ("teardown", {"final_backup": True}, None)
        made = AuditEvent.objects.get(action="operation.request")
        assert made.actor_label == "billing"
        assert made.reason == "It stands at “trial ended”, and its data was to be kept until 1 January 2027."

    def test_is_asked_for_once(self, told, day):
        for hours in range(6):
            at(day, ENDS + hours * HOUR)
        assert asked() == ["teardown"]

    def test_of_a_subscription_that_ended_is_the_same(self, told, day):
        Instance.objects.update(kind="production", trial_ends_at=None, suspended_because="ended")
        subscribe(told, status="canceled", ended_at=ENDS - 30 * DAY)
        Account.objects.update(fetched_at=clock.now(), due_at=None)
        event(day)
        at(day, ENDS)
        fetched(day)
        next_hour(day)
        assert asked() == []
        fetched(day)
        next_hour(day)
        assert asked() == ["teardown"]

    @pytest.mark.parametrize("before", [MINUTE, -MINUTE, MINUTE - HOUR])
    def test_does_not_come_where_somebody_subscribes_before_it(self, told, day, before):
        at(day, ENDS - HOUR)
        if before < timedelta(0):
            at(day, ENDS)
        day.move_to(ENDS - before)
        subscribe(told)
        event(day)
        assert asked() == ["resume"]
        at(day, ENDS + 2 * HOUR)
        assert asked() == ["resume"]

    def test_does_not_come_where_the_trial_is_extended(self, told, day):
        at(day, ENDS)
        Instance.objects.update(trial_ends_at=ENDS + DAY)
        at(day, ENDS + HOUR)
        assert asked() == ["resume"]

    def test_begins_anew_where_the_end_has_moved(self, told, day):
        at(day, ENDS)
        Instance.objects.update(trial_ends_at=ENDS - 4 * DAY)
        for hours in (1, 2, 3):
            at(day, ENDS + hours * HOUR)
        assert asked() == []
        assert Upkeep.objects.get().deletable_seen_at is None
        at(day, ENDS + 7 * DAY)
        assert warnings() == ["1 January 2027", "11 January 2027"]

    @pytest.mark.parametrize("notice", ["by-us", "payment"])
    def test_is_only_of_what_is_suspended_because_it_has_ended(self, told, day, notice):
        Instance.objects.update(suspended_because=notice)
        at(day, ENDS)
        Instance.objects.update(suspended_because=notice)
        at(day, ENDS + HOUR)
        assert asked() == []

    @pytest.mark.parametrize(("name", "value"), [("DELETES_BY_ITSELF", False), ("GOOGLE_BACKUP_BUCKET", "")])
    def test_does_not_come_where_it_is_not_wanted_or_nothing_would_be_kept(self, asleep, day, settings, name, value):
        setattr(settings, name, value)
        for hours in (-72, 0, 1, 2):
            at(day, ENDS + hours * HOUR)
        assert (asked(), warnings()) == ([], [])
        assert Upkeep.objects.get().delete_at == ENDS


class TestFacts:
    def test_are_fetched_anew_for_each_of_the_two_looks(self, account, day):
        at(day, ENDS)
        assert Upkeep.objects.get().deletable_seen_at is None
        fetched(day)
        assert Upkeep.objects.get().deletable_seen_at == ENDS + MINUTE + timedelta(seconds=1)
        next_hour(day)
        assert asked() == []
        fetched(day)
        assert asked() == []
        next_hour(day)
        assert asked() == ["teardown"]

    def test_that_came_before_the_day_do_not_count(self, account, day):
        day.move_to(ENDS - MINUTE)
        Account.objects.update(fetched_at=clock.now())
        for hours in range(5):
            at(day, ENDS + hours * HOUR)
        assert asked() == []
        assert Upkeep.objects.get().deletable_seen_at is None

    def test_that_cannot_be_had_delete_nothing(self, account, day):
        at(day, ENDS)
        fetched(day)
        next_hour(day)
        Account.objects.update(due_at=ENDS + 99 * DAY, failures=7, error="Stripe does not answer.")
        for hours in range(2, 30):
            at(day, ENDS + hours * HOUR)
        assert asked() == []
        assert Account.objects.get().due_at == ENDS + 99 * DAY  # its own turn is not taken from it

    def test_that_say_otherwise_stop_it(self, account, day, told):
        at(day, ENDS)
        fetched(day)
        next_hour(day)
        subscribe(told)
        fetched(day)
        assert asked() == ["resume"]

    def test_are_asked_for_by_the_name_that_fetches_them(self):
        assert ending.FETCH == facts.FETCH


class TestAnEvent:
    def test_deletes_nothing(self, told, day):
        day.move_to(ENDS)
        event(day)
        day.move_to(ENDS + HOUR)
        event(day)
        event(day)
        assert asked() == []

    def test_puts_it_off_to_the_next_hour(self, told, day):
        at(day, ENDS)
        day.move_to(ENDS + HOUR)
        event(day)
        assert asked() == []
        next_hour(day)
        assert asked() == ["teardown"]


class TestATeardownThatHasStopped:
    @pytest.fixture
    def stopped(self, told, day) -> Operation:
        at(day, ENDS)
        at(day, ENDS + HOUR)
        operation = end("failed")
        operation.steps.filter(name="final-backup").update(status="failed", started_at=clock.now())
        return operation

    @pytest.mark.parametrize("status", ["failed", "stuck", "cancelled"])
    def test_is_a_persons_business_and_not_asked_for_again(self, stopped, day, status):
        Operation.objects.update(status=status)
        for days in range(1, 4):
            at(day, ENDS + days * DAY)
        assert asked() == ["teardown"]

    def test_before_it_removed_anything_lets_it_come_back(self, stopped, told, day):
        subscribe(told)
        event(day)
        assert asked() == ["teardown", "resume"]

    def test_after_that_lets_nothing_happen(self, stopped, told, day):
        stopped.steps.filter(name="monitoring").update(started_at=clock.now())
        subscribe(told)
        event(day)
        assert asked() == ["teardown"]
