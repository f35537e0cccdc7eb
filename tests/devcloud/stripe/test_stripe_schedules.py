"""Subscriptions that go through phases by themselves."""

import pytest
import stripe

from tests.devcloud.stripe.shop import NEW_YEAR, at


@pytest.fixture
def scheduled(shop):
    """Five seats that shall be two from the next period on."""
    clock, price = shop.clock(), shop.price()
    subscription = shop.subscribe(shop.customer(clock=clock), {"price": price.id, "quantity": 5})
    schedule = shop.api.subscription_schedules.create({"from_subscription": subscription.id})
    now = {"items": [{"price": price.id, "quantity": 5}], "start_date": NEW_YEAR, "end_date": at("2026-02-15")}
    then = {"items": [{"price": price.id, "quantity": 2}], "duration": {"interval": "month", "interval_count": 1}}
    shop.api.subscription_schedules.update(schedule.id, {"phases": [now, then], "end_behavior": "release"})
    return clock, subscription, schedule


def test_it_begins_as_the_subscription_is(shop):
    subscription = shop.subscribe(shop.customer(clock=shop.clock()), shop.price())
    schedule = shop.api.subscription_schedules.create({"from_subscription": subscription.id})
    assert (schedule.status, schedule.subscription) == ("active", subscription.id)
    assert (schedule.phases[0].start_date, schedule.phases[0].end_date) == (NEW_YEAR, at("2026-02-15"))
    assert shop.subscription(subscription).schedule == schedule.id
    with pytest.raises(stripe.InvalidRequestError, match="already attached"):
        shop.api.subscription_schedules.create({"from_subscription": subscription.id})


def test_a_downgrade_comes_with_the_next_period_and_costs_no_cent_before(shop, scheduled):
    clock, subscription, schedule = scheduled
    shop.advance(clock, at("2026-02-14"))
    assert shop.subscription(subscription)["items"].data[0].quantity == 5
    shop.advance(clock, at("2026-02-16"))
    assert shop.subscription(subscription)["items"].data[0].quantity == 2
    assert [invoice.total for invoice in shop.invoices(subscription)] == [5000, 2000]
    shop.advance(clock, at("2026-03-16"))
    assert shop.api.subscription_schedules.retrieve(schedule.id).status == "released"
    free = shop.subscription(subscription)
    assert (free.schedule, free.status, free["items"].data[0].quantity) == (None, "active", 2)


def test_a_schedule_can_let_go(shop, scheduled):
    clock, subscription, schedule = scheduled
    released = shop.api.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription) == ("released", subscription.id)
    shop.advance(clock, at("2026-02-16"))
    assert shop.subscription(subscription)["items"].data[0].quantity == 5


def test_a_schedule_can_end_its_subscription(shop, scheduled):
    _clock, subscription, schedule = scheduled
    assert shop.api.subscription_schedules.cancel(schedule.id).status == "canceled"
    assert shop.subscription(subscription).status == "canceled"


def test_a_scheduled_subscription_is_not_cancelled_behind_the_schedules_back(shop, scheduled):
    _clock, subscription, _schedule = scheduled
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})


def test_phases_follow_each_other(shop, scheduled):
    _clock, subscription, schedule = scheduled
    price = subscription["items"].data[0].price.id
    now = {"items": [{"price": price}], "start_date": NEW_YEAR, "end_date": at("2026-02-15")}
    later = {"items": [{"price": price}], "start_date": at("2026-03-01")}
    with pytest.raises(stripe.InvalidRequestError, match="start date"):
        shop.api.subscription_schedules.update(schedule.id, {"phases": [now, later]})


def test_another_plan_comes_with_the_next_phase(shop, scheduled):
    clock, subscription, schedule = scheduled
    price, other = subscription["items"].data[0].price.id, shop.price(700, "Small")
    now = {"items": [{"price": price, "quantity": 5}], "start_date": NEW_YEAR, "end_date": at("2026-02-15")}
    then = {"items": [{"price": other.id, "quantity": 1}]}
    shop.api.subscription_schedules.update(schedule.id, {"phases": [now, then]})
    shop.advance(clock, at("2026-02-16"))
    [item] = shop.subscription(subscription)["items"].data
    assert (item.price.id, item.id) == (other.id, subscription["items"].data[0].id)
    assert shop.invoices(subscription)[-1].total == 700
