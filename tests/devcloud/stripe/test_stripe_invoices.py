"""Invoices: sent, paid by transfer, voided, credited, refunded and disputed."""

import pytest
import stripe

from tests.devcloud.stripe.shop import DAY, NEW_YEAR
from tests.waiting import eventually


@pytest.fixture
def invoiced(shop):
    """A subscription that is invoiced, to be paid in thirty days, after the first hour."""
    clock = shop.clock()
    customer = shop.customer(None, clock)
    subscription = shop.subscribe(customer, shop.price(), collection_method="send_invoice", days_until_due=30)
    assert shop.invoices(subscription)[0].status == "draft"
    shop.advance(clock, NEW_YEAR + 3601)
    return clock, subscription, shop.invoices(subscription)[0]


def test_an_invoice_is_sent_and_paid_out_of_band(shop, invoiced):
    _clock, subscription, invoice = invoiced
    assert (subscription.status, invoice.status, invoice.due_date) == ("active", "open", NEW_YEAR + 30 * DAY)
    assert shop.events("invoice.sent", invoice)
    paid = shop.api.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", 1000)


def test_an_invoice_that_is_not_paid_in_time_makes_its_subscription_past_due(shop, invoiced):
    clock, subscription, invoice = invoiced
    shop.advance(clock, NEW_YEAR + 30 * DAY)
    assert shop.subscription(subscription).status == "past_due"
    assert shop.events("invoice.overdue", invoice)
    shop.api.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert shop.subscription(subscription).status == "active"


def test_days_until_due_are_for_invoices_only(shop):
    for params in ({"collection_method": "send_invoice"}, {"days_until_due": 30}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.subscribe(shop.customer(), shop.price(), **params)
        assert caught.value.param == "days_until_due"


def test_the_page_of_an_invoice_takes_a_card_or_a_transfer(shop, invoiced, browser):
    _clock, _subscription, invoice = invoiced
    page = browser.get(invoice.hosted_invoice_url)
    assert "$10.00" in page.text
    assert "Pay by transfer" in page.text
    declined = browser.post(
        invoice.hosted_invoice_url,
        data={"act": "pay", "number": "4000000000000002", "expiry": "12/34", "cvc": "123"},
    )
    assert "Your card was declined." in declined.text
    browser.post(invoice.hosted_invoice_url, data={"act": "transfer"})
    assert shop.api.invoices.retrieve(invoice.id).status == "paid"
    assert "Pay by transfer" not in browser.get(invoice.hosted_invoice_url).text
    assert browser.get(invoice.invoice_pdf).content.startswith(b"%PDF")


def test_an_invoice_by_hand_holds_what_was_put_on_it(shop):
    customer = shop.customer()
    invoice = shop.api.invoices.create({"customer": customer.id, "metadata": {"order": "7"}})
    for amount in (700, -200):
        shop.api.invoice_items.create(
            {"customer": customer.id, "invoice": invoice.id, "amount": amount, "currency": "usd", "description": "Work"}
        )
    final = shop.api.invoices.finalize_invoice(invoice.id)
    assert (final.status, final.total, final.number[-5:]) == ("open", 500, "-0001")
    assert shop.api.invoices.pay(invoice.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.api.invoices.pay(invoice.id)


def test_what_waits_is_on_the_next_invoice_of_the_subscription(shop):
    customer = shop.customer()
    shop.api.invoice_items.create({"customer": customer.id, "amount": 333, "currency": "usd", "description": "Setup"})
    assert shop.invoices(shop.subscribe(customer, shop.price()))[0].total == 1333


def test_only_ten_lines_are_shown_with_the_invoice(shop):
    customer = shop.customer()
    for number in range(12):
        shop.api.invoice_items.create({"customer": customer.id, "amount": number, "currency": "usd"})
    invoice = shop.invoices(shop.subscribe(customer, shop.price()))[0]
    assert (len(invoice.lines.data), invoice.lines.has_more) == (10, True)
    assert len(shop.api.invoices.line_items.list(invoice.id, {"limit": 100}).data) == 13


def test_an_open_invoice_can_be_voided_or_written_off(shop, invoiced):
    _clock, _subscription, invoice = invoiced
    assert shop.api.invoices.mark_uncollectible(invoice.id).status == "uncollectible"
    assert shop.api.invoices.void_invoice(invoice.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.invoices.pay(invoice.id)


def test_tax_needs_a_place(shop):
    customer = shop.customer(None)
    subscription = shop.subscribe(
        customer,
        shop.price(),
        automatic_tax={"enabled": True},
        collection_method="send_invoice",
        days_until_due=30,
    )
    [invoice] = shop.invoices(subscription)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.invoices.finalize_invoice(invoice.id)
    assert caught.value.code == "customer_tax_location_invalid"
    assert shop.events("invoice.finalization_failed", invoice)
    shop.api.customers.update(customer.id, {"address": {"country": "DE"}})
    assert shop.api.invoices.finalize_invoice(invoice.id).status == "open"


def test_a_credit_pays_as_far_as_it_goes(shop):
    customer = shop.customer()
    shop.api.customers.balance_transactions.create(customer.id, {"amount": -1500, "currency": "usd"})
    first, second = (shop.invoices(shop.subscribe(customer, shop.price()))[0] for _ in range(2))
    assert [(invoice.total, invoice.amount_due) for invoice in (first, second)] == [(1000, 0), (1000, 500)]
    assert shop.api.customers.retrieve(customer.id).balance == 0


def test_an_open_invoice_is_owed_less_by_a_credit_note(shop, invoiced):
    _clock, _subscription, invoice = invoiced
    note = shop.api.credit_notes.create({"invoice": invoice.id, "amount": 400})
    assert (note.status, note.type) == ("issued", "pre_payment")
    assert shop.api.invoices.retrieve(invoice.id).amount_remaining == 600


def test_a_paid_invoice_is_given_back_by_a_credit_note(shop):
    invoice = shop.invoices(shop.subscribe(shop.customer(), shop.price()))[0]
    note = shop.api.credit_notes.create({"invoice": invoice.id, "amount": 300, "refund_amount": 300})
    refund = shop.api.refunds.retrieve(note.refunds[0].refund)
    assert (refund.amount, refund.status) == (300, "succeeded")
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.credit_notes.create({"invoice": invoice.id, "amount": 800, "refund_amount": 800})


def test_a_charge_is_refunded_once(shop):
    customer = shop.customer()
    shop.subscribe(customer, shop.price())
    [charge] = shop.api.charges.list({"customer": customer.id}).data
    shop.api.refunds.create({"charge": charge.id, "amount": 400})
    shop.api.refunds.create({"payment_intent": charge.payment_intent})
    again = shop.api.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (again.refunded, sorted(refund.amount for refund in again.refunds.data)) == (True, [400, 600])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.refunds.create({"charge": charge.id})
    assert caught.value.code == "charge_already_refunded"
    assert len(shop.events("charge.refunded", charge)) == 2


def test_a_card_disputes_and_so_does_control(shop):
    customer = shop.customer("pm_card_createDispute")
    shop.subscribe(customer, shop.price())
    [charge] = shop.api.charges.list({"customer": customer.id}).data
    [dispute] = shop.api.disputes.list({"charge": charge.id}).data
    assert (charge.disputed, dispute.status, dispute.amount) == (True, "needs_response", 1000)
    invoice = shop.invoices(shop.subscribe(shop.customer(), shop.price()))[0]
    opened = shop.control("POST", "disputes", {"invoice": invoice.id, "reason": "product_not_received"})
    shop.control("POST", f"disputes/{opened['id']}", {"status": "won"})
    assert shop.api.disputes.retrieve(opened["id"]).status == "won"
    assert eventually(lambda: shop.events("charge.dispute.closed", shop.api.disputes.retrieve(opened["id"])))
