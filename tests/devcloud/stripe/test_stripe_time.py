"""Time passes: renewals, and clocks that make it pass."""

import pytest
import stripe

from devcloud.stripe.engine.periods import boundary, next_boundary
from tests.devcloud.stripe.shop import DAY, NEW_YEAR, at

MONTHLY = {"interval": "month", "interval_count": 1}


def test_a_year_is_twelve_renewals_and_no_more(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price())
    for day in ("2026-03-15", "2026-05-15", "2026-07-15", "2026-09-15", "2026-11-15", "2027-01-15"):
        shop.advance(clock, at(day))
    shop.advance(clock, at("2027-01-16"))
    invoices = shop.invoices(subscription)
    assert [invoice.status for invoice in invoices] == ["paid"] * 13
    assert [invoice.billing_reason for invoice in invoices] == ["subscription_create"] + ["subscription_cycle"] * 12
    assert sum(invoice.amount_paid for invoice in invoices) == 13000
    assert shop.subscription(subscription)["items"].data[0].current_period_end == at("2027-02-15")
    finalized = [event.created for event in shop.events("invoice.finalized", invoices[1])]
    assert finalized == [at("2026-02-15") + 3600]
    assert len({event.id for invoice in invoices for event in shop.events("invoice.paid", invoice)}) == 13


def test_an_upcoming_invoice_is_announced_a_week_before(shop):
    clock = shop.clock()
    subscription = shop.subscribe(shop.customer(clock=clock), shop.price())
    shop.advance(clock, at("2026-02-08"))
    announced = [
        event
        for event in shop.api.events.list({"type": "invoice.upcoming", "limit": 100}).data
        if event.data.object["parent"]["subscription_details"]["subscription"] == subscription.id
    ]
    assert [(event.created, event.data.object["amount_due"]) for event in announced] == [(at("2026-02-08"), 1000)]


def test_a_clock_is_not_turned_back_or_too_far(shop):
    clock = shop.clock()
    shop.subscribe(shop.customer(clock=clock), shop.price())
    for to, message in ((NEW_YEAR, "after the current"), (at("2026-03-16"), "two intervals")):
        with pytest.raises(stripe.InvalidRequestError, match=message):
            shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": to})


def test_a_clock_is_advancing_before_it_is_ready(devcloud, shop):
    clock = shop.clock()
    durations = devcloud.control("PUT", "profile", {})["durations"]
    devcloud.control("PUT", "profile", {"durations": {"stripe.clock": 3600}})
    advancing = shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": NEW_YEAR + DAY})
    assert (advancing.status, advancing.frozen_time) == ("advancing", NEW_YEAR)
    with pytest.raises(stripe.RateLimitError):
        shop.api.test_helpers.test_clocks.advance(clock.id, {"frozen_time": NEW_YEAR + 2 * DAY})
    devcloud.control("PUT", "profile", {"durations": {"stripe.clock": durations["stripe.clock"]}})
    devcloud.skip(3600)
    ready = shop.api.test_helpers.test_clocks.retrieve(clock.id)
    assert (ready.status, ready.frozen_time) == ("ready", NEW_YEAR + DAY)


def test_a_clock_takes_its_customers_with_it(shop):
    clock = shop.clock()
    customer = shop.customer(clock=clock)
    shop.api.test_helpers.test_clocks.delete(clock.id)
    assert shop.api.customers.retrieve(customer.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.test_helpers.test_clocks.retrieve(clock.id)


@pytest.mark.parametrize(
    ("anchor", "ends"),
    [
        ("2026-01-31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("2028-01-30", ["2028-02-29", "2028-03-30", "2028-04-30"]),
        ("2026-11-15", ["2026-12-15", "2027-01-15", "2027-02-15"]),
    ],
)
def test_a_month_without_the_anchors_day_ends_early_and_the_next_does_not(anchor, ends):
    assert [boundary(at(anchor), MONTHLY, number) for number in (1, 2, 3)] == [at(end) for end in ends]


def test_the_next_boundary_is_after_now_and_an_anchor_to_come_is_one():
    assert next_boundary(at("2026-01-15"), MONTHLY, at("2026-02-15")) == at("2026-03-15")
    assert next_boundary(at("2026-01-15"), MONTHLY, at("2026-02-15") - 1) == at("2026-02-15")
    assert next_boundary(at("2026-06-01"), MONTHLY, at("2026-05-20")) == at("2026-06-01")
    weekly = {"interval": "week", "interval_count": 2}
    assert next_boundary(at("2026-01-01"), weekly, at("2026-01-20")) == at("2026-01-29")
