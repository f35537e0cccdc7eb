"""The billing portal: cards, invoices, and the end of subscriptions."""

from html import escape

from starlette.responses import Response

from devcloud.pages.layout import link, section, table
from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import changing
from devcloud.stripe.engine.cards import card_of_method
from devcloud.stripe.engine.periods import day
from devcloud.stripe.errors import invalid
from devcloud.stripe.money import TIMES, written
from devcloud.stripe.pages.frame import Form, button, card_fields, gone, hosted, read_card, redirect, warning
from devcloud.stripe.services.payment_methods import attach, detach, methods_of
from devcloud.stripe.services.setup_intents import confirm, new_setup_intent

_LIVE = {"trialing", "active", "past_due", "unpaid", "incomplete", "paused"}


def show(books: Books, token: str, message: str, _form: Form) -> Response:
    """What the configuration lets this customer see and do."""
    session = _session(books, token)
    if session is None:
        return gone("This link has expired.")
    customer, allowed = books.need("customer", session["customer"]), _allowed(books, session)
    back = f"<p>{link(session['return_url'], '← Back')}</p>" if session["return_url"] else ""
    parts = [back, warning(message), section("Subscriptions", _subscriptions(books, customer, allowed))]
    if allowed["payment_method_update"]["enabled"]:
        parts.append(section("Cards", _cards(books, customer)))
    if allowed["invoice_history"]["enabled"]:
        parts.append(section("Invoices", _invoices(books, customer)))
    return hosted(f"Billing of {customer['name'] or customer['email'] or customer['id']}", "".join(parts))


def work(books: Books, token: str, form: Form) -> Response:
    """What a click does. Raises StripeError for what is not allowed, or refused by a bank."""
    session = _session(books, token)
    if session is None:
        raise invalid("This link has expired.")
    customer, allowed = books.need("customer", session["customer"]), _allowed(books, session)
    act, _, key = form.get("act", "").partition(":")
    here = f"/stripe/portal/{token}"
    if act in {"cancel", "resume"}:
        _end_or_not(books, customer, allowed, act, key)
    elif not allowed["payment_method_update"]["enabled"]:
        raise invalid("Cards can't be changed here.")
    elif act == "add":
        return redirect(_add(books, customer, form, here))
    else:
        _change_card(books, customer, act, key)
    return redirect(here)


def _session(books: Books, token: str) -> Json | None:
    found = books.find("portal_token", token)
    return books.find("billing_portal.session", found["session"]) if found else None


def _allowed(books: Books, session: Json) -> Json:
    features: Json = books.need("billing_portal.configuration", session["configuration"])["features"]
    return features


def _add(books: Books, customer: Json, form: Form, here: str) -> str:
    """The card is kept and is the default; the address to go to, which is a bank's where that wants to know more."""
    method = attach(books, read_card(books, form)["id"], customer)
    intent = new_setup_intent(books, customer)
    intent["_return"] = here
    confirm(books, intent, method)
    if intent["status"] == "requires_action":
        return f"/stripe/authenticate/{intent['id']}"
    _make_default(books, customer, method["id"])
    return here


def _change_card(books: Books, customer: Json, act: str, key: str) -> None:
    method = books.need("payment_method", key)
    if method["customer"] != customer["id"]:
        raise invalid("There is no such card.")
    if act == "remove":
        detach(books, method)
    elif act == "default":
        _make_default(books, customer, key)


def _make_default(books: Books, customer: Json, key: str) -> None:
    """It is charged from now on, for what had a card of its own, too."""
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": key}
    for subscription in books.belonging(customer["id"], "subscription"):
        if subscription["default_payment_method"] and subscription["status"] in _LIVE:
            subscription["default_payment_method"] = key


def _end_or_not(books: Books, customer: Json, allowed: Json, act: str, key: str) -> None:
    feature, subscription = allowed["subscription_cancel"], books.need("subscription", key)
    if not feature["enabled"] or subscription["customer"] != customer["id"]:
        raise invalid("Subscriptions can't be cancelled here.")
    if act == "resume":
        changing.change(books, subscription, {"cancel_at_period_end": False})
    elif feature["mode"] == "immediately":
        changing.cancel(books, subscription, prorate=feature["proration_behavior"] != "none")
    else:
        changing.change(books, subscription, {"cancel_at_period_end": True})


def _subscriptions(books: Books, customer: Json, allowed: Json) -> str:
    rows = []
    for subscription in books.belonging(customer["id"], "subscription"):
        if subscription["status"] in _LIVE:
            ends = subscription["cancel_at"] or changing.period_end(subscription)
            word = "Ends" if subscription["cancel_at"] else "Renews"
            acts = _end_button(subscription) if allowed["subscription_cancel"]["enabled"] else ""
            rows.append((_sold(books, subscription), escape(subscription["status"]), f"{word} {day(ends)}", acts))
    return table(("What", "Status", "When", ""), rows, "There is no subscription.")


def _end_button(subscription: Json) -> str:
    if subscription["cancel_at_period_end"]:
        return _one_button(f"resume:{subscription['id']}", "Don't cancel")
    return _one_button(f"cancel:{subscription['id']}", "Cancel", "danger")


def _sold(books: Books, subscription: Json) -> str:
    named = []
    for item in subscription["items"]["data"]:
        price = books.need("price", item["price"])
        product = books.find("product", price["product"]) or {"name": price["id"]}
        named.append(f"{item['quantity']} {TIMES} {escape(product['name'])}")
    return "<br>".join(named)


def _cards(books: Books, customer: Json) -> str:
    default, rows = customer["invoice_settings"]["default_payment_method"], list[tuple[str, ...]]()
    for method in methods_of(books, customer):
        card, acts = method["card"], _one_button(f"remove:{method['id']}", "Remove")
        mark = "Default" if method["id"] == default else _one_button(f"default:{method['id']}", "Make default")
        expiry = f"{card['exp_month']:02d}/{card['exp_year']}"
        title = escape(card_of_method(method).title)
        rows.append(
            (f"{escape(card['brand'])} ···· {card['last4']} <span class=quiet>{title}</span>", expiry, mark, acts)
        )
    add = f'<form method="post">{card_fields()}<div class="acts">{button("add", "Add card", "primary")}</div></form>'
    return table(("Card", "Expires", "", ""), rows, "There is no card.") + section("Another card", add)


def _invoices(books: Books, customer: Json) -> str:
    rows = [
        (
            link(invoice["hosted_invoice_url"], invoice["number"]),
            day(invoice["created"]),
            escape(invoice["status"]),
            written(invoice["amount_due"], invoice["currency"]),
        )
        for invoice in reversed(books.belonging(customer["id"], "invoice"))
        if invoice["number"]
    ]
    return table(("Invoice", "Date", "Status", "Amount"), rows, "There is no invoice yet.")


def _one_button(act: str, text: str, kind: str = "") -> str:
    return f'<form method="post">{button(act, text, kind)}</form>'
