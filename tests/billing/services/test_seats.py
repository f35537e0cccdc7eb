"""More accounts than seats: told once for each episode, by the upkeep; nothing is ever blocked."""

from datetime import timedelta

import pytest

from billing.models import SeatOveruse, Subscription
from billing.services.upkeep import upkeep_ask, upkeep_go_on
from portal.core import clock
from portal.core.mail import send_due
from portal.core.models import AuditEvent, Mail, Membership, Role
from provisioning.models import Instance, Operation, Usage
from tests.billing.mirror import subscribe

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def customers(running) -> Subscription:
    """Acme's instance, with 25 seats."""
    Instance.objects.update(kind="production", trial_ends_at=None)
    return subscribe(running, {"team-month-usd-1": 25})


def count(instance, seats) -> None:
    """It has counted so many accounts, now."""
    now = clock.now()
    figures = {"figures": {"seats": seats}, "counted_at": now}
    Usage.objects.update_or_create(instance=instance, day=now.date(), defaults=figures)
    upkeep_ask(Instance.objects.all())
    upkeep_go_on()


def on_days(day, instance, *seats) -> None:
    for number in seats:
        count(instance, number)
        day.shift(DAY)


def told() -> list[tuple[str, str]]:
    return sorted(Mail.objects.filter(kind="seats-exceeded").values_list("kind", "recipient"))


def test_one_count_tells_nobody(customers, running, day):
    on_days(day, running, 25, 31)
    assert (told(), SeatOveruse.objects.count()) == ([], 0)


def test_two_days_tell_whoever_pays_once(customers, running, day, bob):
    Membership.objects.filter(user=bob).update(role=Role.BILLING)
    first = clock.now().date()
    on_days(day, running, 31, 32, 33, 33)
    assert told() == [("seats-exceeded", "alice@acme.example"), ("seats-exceeded", "bob@acme.example")]
    overuse = SeatOveruse.objects.get()
    assert (overuse.began_on, overuse.paid, overuse.used, overuse.ended_at) == (first, 25, 32, None)
    event = AuditEvent.objects.get(action="instance.seats-exceeded")
    assert (event.organization_id, event.actor_label) == (running.organization_id, "billing")
    assert event.details == {"paid": 25, "used": 32}
    assert event.reason


def test_members_without_a_say_in_money_are_not_told(customers, running, day, bob):
    on_days(day, running, 31, 31)
    assert told() == [("seats-exceeded", "alice@acme.example")]


def test_nothing_is_blocked(customers, running, day):
    on_days(day, running, *[250] * 40)
    running.refresh_from_db()
    assert (running.status, Operation.objects.filter(kind="suspend").count()) == ("running", 0)


def test_more_seats_end_it_at_once(customers, running, day):
    on_days(day, running, 31, 31)
    customers.items.update(quantity=40)
    count(running, 31)
    assert SeatOveruse.objects.get().ended_at == clock.now()
    assert AuditEvent.objects.get(action="instance.seats-in-order").reason == "There are enough seats again."


def test_one_day_below_ends_nothing_and_the_next_episode_is_told_anew(customers, running, day):
    on_days(day, running, 31, 31, 25, 31, 31)
    assert len(told()) == 1
    on_days(day, running, 25, 25, 31, 31)
    assert len(told()) == 2
    assert SeatOveruse.objects.filter(ended_at__isnull=True).count() == 1


def test_the_end_of_the_subscription_ends_it(customers, running, day):
    on_days(day, running, 31, 31)
    Subscription.objects.update(status="unpaid", unpaid_since=clock.now())
    count(running, 31)
    assert AuditEvent.objects.get(action="instance.seats-in-order").reason == "There is no subscription any more."


def test_a_trial_has_no_seats_to_exceed(running, day):
    on_days(day, running, 31, 31)
    assert (told(), SeatOveruse.objects.count()) == ([], 0)


def test_what_is_missing_for_a_while_is_counted_all_the_same(customers, running, day):
    on_days(day, running, 31)
    day.shift(9 * DAY)
    count(running, 31)
    assert len(told()) == 1


def test_the_mail_says_what_and_where(customers, running, day, settings, mailoutbox):
    on_days(day, running, 31, 31)
    send_due()
    [mail] = [mail for mail in mailoutbox if "seats" in mail.subject]
    assert mail.subject == "acme: 31 of 25 seats are in use"
    assert f"{settings.PORTAL_URL}/instances/{running.pk}/subscription/seats/" in mail.body
    assert "Nothing is blocked" in mail.body
