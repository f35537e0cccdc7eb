"""Hosted Checkout: what is bought, for how much, and with which card."""

from html import escape

from starlette.responses import Response

from devcloud.pages.layout import section
from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import checkout
from devcloud.stripe.engine.cards import card_of_method
from devcloud.stripe.engine.periods import DAY, day
from devcloud.stripe.errors import invalid
from devcloud.stripe.money import TIMES, written
from devcloud.stripe.pages.frame import Form, button, card_fields, field, gone, hosted, read_card, redirect, warning
from devcloud.stripe.services.customers import new_customer
from devcloud.stripe.services.payment_methods import attach
from devcloud.stripe.services.setup_intents import confirm
from devcloud.stripe.services.tax_ids import new_tax_id
from devcloud.stripe.settings import settings

KIND = "checkout.session"
_NOT_AUTHENTICATED = "We are unable to authenticate your payment method. Please choose a different one and try again."
_TAX_KINDS = ("eu_vat", "gb_vat", "us_ein", "ch_vat", "au_abn", "ca_bn", "jp_cn", "in_gst")
_COUNTRIES = ("US", "AT", "AU", "CA", "CH", "DE", "ES", "FR", "GB", "IE", "IN", "IT", "JP", "NL", "SE")


def show(books: Books, key: str, message: str, form: Form) -> Response:
    """The page of an open session."""
    session = books.find(KIND, key)
    if session is None:
        return gone("There is no such checkout.")
    if session["status"] != "open":
        return gone(f"This checkout is {session['status']}.", 410)
    if form.get("failed"):
        message = _NOT_AUTHENTICATED
    form = form if "act" in form else _known(books, session)
    parts = [warning(message), _bought(books, session), _person(session, form), _card(session), _buttons(session)]
    account = settings(books.cloud)["account_name"]
    return hosted(f"Pay {account}", f'<form method="post">{"".join(parts)}</form>')


def work(books: Books, key: str, form: Form) -> Response:
    """What a click does. Raises StripeError for what stands on the page."""
    session = books.need(KIND, key)
    if form.get("act") == "back":
        return redirect(session["cancel_url"] or session["success_url"])
    _adjust(books, session, form)
    if form.get("act") != "pay":
        return redirect(f"/stripe/checkout/{key}")
    if session["status"] != "open":
        raise invalid(f"This checkout is {session['status']}.")
    customer = _customer(books, session, form)
    method = _method(books, session, customer, form)
    if method and card_of_method(method).asks and not method["_set_up"]:
        session["_customer"], session["_method"] = customer["id"], method["id"]
        return redirect(f"/stripe/authenticate/{key}")
    return finish(books, session, customer, method)


def finish(books: Books, session: Json, customer: Json, method: Json | None) -> Response:
    """It is bought, and the visitor goes back to the shop. Raises StripeError where the bank refuses."""
    if session["customer"] is None:
        session["customer"] = customer["id"]
        books.own(session, customer["id"])
    if session["mode"] == "setup" and method:
        intent = books.need("setup_intent", session["setup_intent"])
        intent["customer"] = customer["id"]
        confirm(books, intent, method)
        checkout.finish(books, session, customer)
    else:
        checkout.complete(books, session, customer, method)
    return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _adjust(books: Books, session: Json, form: Form) -> None:
    """Quantities and the promotion code are as the form has them."""
    for line in session["_line_items"]:
        limits = line["adjustable_quantity"] or {}
        wanted = form.get(f"quantity-{line['id']}", "")
        if limits.get("enabled") and wanted:
            low, high = limits.get("minimum", 0), limits.get("maximum", 99)
            if not wanted.isdigit() or not max(low, 1) <= int(wanted) <= high:
                raise invalid(f"The quantity must be from {max(low, 1)} to {high}.")
            line["quantity"] = int(wanted)
    if session["_line_items"]:
        checkout.reckon(books, session)
    code = form.get("promotion_code", "").strip()
    if code and session["allow_promotion_codes"] and not session["discounts"]:
        checkout.redeem(books, session, code)


def _customer(books: Books, session: Json, form: Form) -> Json:
    """The session's customer, or a new one, with what the page found out."""
    key = session["customer"] or session.get("_customer")
    customer = books.need("customer", key) if key else _new_customer(books, session, form)
    updates = session["_customer_update"] if session["customer"] else {"name": "auto", "address": "auto"}
    if form.get("name") and updates.get("name") == "auto":
        customer["name"] = form["name"]
    if form.get("country") and updates.get("address") == "auto":
        place = {"city": None, "line1": None, "line2": None, "postal_code": None, "state": None}
        customer["address"] = {**place, **(customer["address"] or {}), "country": form["country"]}
    if session["tax_id_collection"]["enabled"] and form.get("tax_id", "").strip():
        new_tax_id(books, customer, {"type": form.get("tax_id_type", "eu_vat"), "value": form["tax_id"].strip()})
    return customer


def _new_customer(books: Books, session: Json, form: Form) -> Json:
    email = session["customer_email"] or form.get("email", "").strip()
    if "@" not in email:
        raise invalid("Your email is incomplete.")
    customer = new_customer(books)
    customer["email"] = email
    books.add(customer)
    books.tell_created("customer.created", customer)
    return customer


def _method(books: Books, session: Json, customer: Json, form: Form) -> Json | None:
    """The card that was typed in; none where none is needed and none was."""
    optional = session["payment_method_collection"] == "if_required" and not session["amount_total"]
    if optional and session["mode"] == "subscription" and not form.get("number", "").strip():
        return None
    return attach(books, read_card(books, form)["id"], customer)


def _known(books: Books, session: Json) -> Form:
    customer = books.find("customer", session["customer"] or "") or {}
    place = customer.get("address") or {}
    return {
        "name": customer.get("name") or "",
        "email": customer.get("email") or session["customer_email"] or "",
        "country": place.get("country") or "",
    }


def _bought(books: Books, session: Json) -> str:
    if session["mode"] == "setup":
        return section("Card", "<p>The card is kept for later; nothing is charged today.</p>")
    currency, details = session["currency"], session["total_details"]
    rows = [_item(books, line) for line in session["_line_items"]]
    subtotal = sum(line["amount_subtotal"] for line in session["_line_items"])
    off = sum(line["amount_discount"] for line in session["_line_items"])
    if off:
        rows.append(_sum(f"Discount ({_discount(books, session)})", written(-off, currency)))
    if session["amount_total"] != subtotal - off:
        rows.append(f'<p class="quiet">{escape(_trial(books, session, subtotal - off))}</p>')
    rows.append(_sum("Due today", written(session["amount_total"], currency), "total"))
    assert details is not None  # noqa: S101 - a session with lines was reckoned
    return section("Order", "".join(rows)) + _code(session)


def _item(books: Books, line: Json) -> str:
    recurring = books.need("price", line["price"])["recurring"]
    every = (
        recurring["interval"]
        if recurring["interval_count"] == 1
        else (f"{recurring['interval_count']} {recurring['interval']}s")
    )
    limits = line["adjustable_quantity"] or {}
    amount = f"{written(line['amount_subtotal'], line['currency'])} per {every}"
    if not limits.get("enabled"):
        return _sum(f"{line['quantity']} {TIMES} {line['description']}", amount)
    bounds = {"min": str(limits.get("minimum", 1) or 1), "max": str(limits.get("maximum", 99)), "type": "number"}
    quantity = field(f"quantity-{line['id']}", f"Quantity of {line['description']}", str(line["quantity"]), **bounds)
    return _sum(line["description"], amount) + f'<div class="quantity">{quantity}</div>'


def _code(session: Json) -> str:
    shown = field("promotion_code", "Promotion code") if session["allow_promotion_codes"] else ""
    adjustable = any((line["adjustable_quantity"] or {}).get("enabled") for line in session["_line_items"])
    return shown + (f'<div class="acts">{button("update", "Update")}</div>' if shown or adjustable else "")


def _discount(books: Books, session: Json) -> str:
    entry = session["discounts"][0]
    if entry.get("promotion_code"):
        return str(books.need("promotion_code", entry["promotion_code"])["code"])
    return str(books.need("coupon", entry["coupon"])["name"] or entry["coupon"])


def _trial(books: Books, session: Json, later: int) -> str:
    data = session["_subscription_data"]
    ends = data.get("trial_end") or books.at + data.get("trial_period_days", 0) * DAY
    return f"Free trial until {day(ends)}, then {written(later, session['currency'])}."


def _person(session: Json, form: Form) -> str:
    parts = []
    if session["customer"] is None:
        parts.append(field("email", "Email", form.get("email", ""), type="email", autocomplete="email"))
    parts.append(field("name", "Name or company", form.get("name", ""), autocomplete="name"))
    parts.append(_choice("country", "Country", ("", *_COUNTRIES), form.get("country", "")))
    if session["tax_id_collection"]["enabled"]:
        parts.append(_choice("tax_id_type", "Kind of tax ID", _TAX_KINDS, form.get("tax_id_type", "")))
        parts.append(field("tax_id", "Tax ID", form.get("tax_id", "")))
    return section("You", "") + "".join(parts)


def _choice(name: str, label: str, words: tuple[str, ...], chosen: str) -> str:
    options = "".join(f"<option{' selected' if word == chosen else ''}>{escape(word)}</option>" for word in words)
    return f'<label>{escape(label)}<select name="{name}">{options}</select></label>'


def _card(session: Json) -> str:
    optional = session["payment_method_collection"] == "if_required" and not session["amount_total"]
    hint = '<p class="quiet">No card is needed today.</p>' if optional else ""
    return section("Card", hint) + card_fields()


def _buttons(session: Json) -> str:
    word = "Save card" if session["mode"] == "setup" else "Pay" if session["amount_total"] else "Start trial"
    return f'<div class="acts">{button("pay", word, "primary")}{button("back", "Back")}</div>'


def _sum(name: str, amount: str, kind: str = "") -> str:
    return f'<div class="sum {kind}"><span>{escape(name)}</span><span>{escape(amount)}</span></div>'
