"""Checkout sessions: a page on which one customer buys."""

from devcloud import timers
from devcloud.cloud import Cloud
from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.checkout import expire, reckon
from devcloud.stripe.engine.items import sellable
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.engine.plans import close
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import merged, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed, page
from devcloud.stripe.services.customers import customer_of
from devcloud.stripe.services.prices import from_data
from devcloud.stripe.services.setup_intents import new_setup_intent

KIND = "checkout.session"
_SESSIONS = "/v1/checkout/sessions"
_EXPIRES = "stripe.session_expires"
_KNOWN = (
    "allow_promotion_codes", "automatic_tax", "billing_address_collection", "cancel_url", "client_reference_id",
    "currency", "customer", "customer_creation", "customer_email", "customer_update", "discounts", "expires_at",
    "line_items", "locale", "mode", "payment_method_collection", "saved_payment_method_options", "submit_type",
    "subscription_data", "success_url", "tax_id_collection", "ui_mode",
)  # fmt: skip
_DATA = {"trial_end", "trial_period_days", "trial_settings", "description", "billing_cycle_anchor", "metadata"}


@implements("checkout.sessions.create", f"POST {_SESSIONS}", "checkout.SessionCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    _check(call)
    customer = customer_of(call, call["customer"]) if "customer" in call else None
    session = _document(call, customer)
    if call["mode"] == "setup":
        session["setup_intent"] = new_setup_intent(call.books, customer)["id"]
        session["payment_status"] = "no_payment_required"
    else:
        session["_line_items"] = [_line(call, entry, number) for number, entry in enumerate(call["line_items"])]
        session["currency"] = session["_line_items"][0]["currency"]
        reckon(call.books, session)
    call.books.add(session, session["customer"])
    timers.schedule(call.cloud, session["expires_at"], _EXPIRES, {"session": session["id"]})
    return session


@implements("checkout.sessions.retrieve", f"GET {_SESSIONS}/{{session}}", "checkout.SessionRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need(KIND, call.path["session"])


@implements("checkout.sessions.update", f"POST {_SESSIONS}/{{session}}", "checkout.SessionUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, ())
    session = call.books.need(KIND, call.path["session"])
    set_fields(session, call, ())
    return session


@implements("checkout.sessions.list", f"GET {_SESSIONS}", "checkout.SessionListParams")
def _list(call: Call) -> Json:
    return listed(
        call,
        KIND,
        customer_details=lambda session, wanted: (session["customer_details"] or {}).get("email") == wanted["email"],
    )


@implements("checkout.sessions.expire", f"POST {_SESSIONS}/{{session}}/expire", "checkout.SessionExpireParams")
def _expire(call: Call) -> Json:
    session = call.books.need(KIND, call.path["session"])
    if session["status"] != "open":
        message = f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        raise invalid(message, "session")
    expire(call.books, session)
    return session


@implements("checkout.sessions.line_items.list", f"GET {_SESSIONS}/{{session}}/line_items",
            "checkout.SessionLineItemListParams")  # fmt: skip
def _lines(call: Call) -> Json:
    return page(call, call.books.need(KIND, call.path["session"])["_line_items"])


@timers.action(_EXPIRES)
def _too_late(cloud: Cloud, at: float, arguments: Json) -> None:
    books = Books(cloud, at)
    session = books.find(KIND, arguments["session"])
    if session and session["status"] == "open":
        expire(books, session)
        close(books)


def _check(call: Call) -> None:
    """Raises StripeError for parameters that Stripe does not take together."""
    mode = call.get("mode")
    if mode not in {"subscription", "setup"}:
        raise invalid("devcloud knows the modes subscription and setup only.", "mode")
    if "success_url" not in call:
        raise missing_parameter("success_url")
    if call.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("devcloud knows the ui_mode hosted_page only.", "ui_mode")
    if mode == "subscription" and not call.get("line_items"):
        raise missing_parameter("line_items")
    for one, other in (("customer", "customer_email"), ("allow_promotion_codes", "discounts")):
        if call.get(one) and call.get(other):
            raise invalid(f"You may only specify one of these parameters: {one}, {other}.", one)
    if "customer_update" in call and "customer" not in call:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    if len(call.get("discounts", [])) > 1:
        raise invalid("You can only pass one discount to a Checkout Session.", "discounts")
    _check_collection(call)
    _check_moments(call)


def _check_collection(call: Call) -> None:
    """What the page finds out about a customer must be allowed to change that customer."""
    updates = call.get("customer_update") or {}
    known = "customer" in call
    if known and (call.get("tax_id_collection") or {}).get("enabled") and updates.get("name") != "auto":
        message = (
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`."
        )
        raise invalid(message, "customer_update[name]")
    if known and (call.get("automatic_tax") or {}).get("enabled") and updates.get("address") != "auto":
        customer = customer_of(call, call["customer"])
        if not (customer["address"] or {}).get("country"):
            message = (
                "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address "
                "to the Customer or set either `customer_update[address]` to 'auto'."
            )
            raise invalid(message, "customer_update[address]", "customer_tax_location_invalid")


def _check_moments(call: Call) -> None:
    data, at = call.get("subscription_data") or {}, call.books.at
    if unknown := sorted(data.keys() - _DATA):
        raise invalid(
            f"devcloud does not implement subscription_data[{unknown[0]}].", f"subscription_data[{unknown[0]}]"
        )
    now = call.books.now(customer_of(call, call["customer"])) if "customer" in call else at
    if "trial_end" in data and data["trial_end"] < now + 2 * DAY:
        message = "The `trial_end` date has to be at least 2 days in the future."
        raise invalid(message, "subscription_data[trial_end]")
    if data.get("trial_period_days", 1) < 1:
        raise invalid("The minimum number of trial period days is 1.", "subscription_data[trial_period_days]")
    expires = call.get("expires_at", at + DAY)
    if not at + 30 * 60 - 1 <= expires <= at + DAY:
        raise invalid("The `expires_at` timestamp must be from 30 minutes to 24 hours from now.", "expires_at")


def _line(call: Call, entry: Json, number: int) -> Json:
    where = f"line_items[{number}]"
    if unknown := sorted(entry.keys() - {"price", "price_data", "quantity", "adjustable_quantity", "metadata"}):
        raise invalid(f"devcloud does not implement {where}[{unknown[0]}].", f"{where}[{unknown[0]}]")
    key = from_data(call.books, entry["price_data"])["id"] if "price_data" in entry else entry.get("price")
    price = sellable(call.books, key, f"{where}[price]")
    quantity = entry.get("quantity", 0)
    if quantity < 1:
        raise missing_parameter(f"{where}[quantity]")
    product = call.books.need("product", price["product"])
    return {
        "id": call.books.new_id("item"),
        "object": "item",
        "adjustable_quantity": entry.get("adjustable_quantity"),
        "amount_discount": 0,
        "amount_subtotal": 0,
        "amount_tax": 0,
        "amount_total": 0,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": dict(entry.get("metadata") or {}),
        "price": price["id"],
        "quantity": quantity,
    }


# What is so of every new session, or not known yet.
_NOTHING_YET: Json = {
    "payment_status": "unpaid",
    "status": "open",
    "ui_mode": "hosted_page",
    "adaptive_pricing": None,
    "after_expiration": None,
    "amount_subtotal": None,
    "amount_total": None,
    "client_secret": None,
    "consent": None,
    "customer_details": None,
    "invoice": None,
    "livemode": False,
    "payment_intent": None,
    "payment_link": None,
    "recovered_from": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "subscription": None,
    "total_details": None,
    "_method": None,
}


def _document(call: Call, customer: Json | None) -> Json:
    key, at = call.books.new_id(KIND), call.books.at
    entries = [{"coupon": None, "promotion_code": None, **entry} for entry in call.get("discounts", [])]
    return {
        **_NOTHING_YET,
        "id": key,
        "object": KIND,
        "allow_promotion_codes": call.get("allow_promotion_codes"),
        "automatic_tax": {"enabled": False, "liability": None, "status": None, **(call.get("automatic_tax") or {})},
        "billing_address_collection": call.get("billing_address_collection"),
        "cancel_url": call.get("cancel_url"),
        "client_reference_id": call.get("client_reference_id"),
        "created": at,
        "currency": call.get("currency"),
        "custom_fields": [],
        "custom_text": {},
        "customer": customer["id"] if customer else None,
        "customer_creation": None if customer else "always",
        "customer_email": call.get("customer_email"),
        "discounts": entries,
        "expires_at": call.get("expires_at", at + DAY),
        "locale": call.get("locale"),
        "metadata": merged({}, call.get("metadata") or {}),
        "mode": call["mode"],
        "payment_method_collection": call.get("payment_method_collection", "always"),
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "phone_number_collection": {"enabled": False},
        "saved_payment_method_options": call.get("saved_payment_method_options"),
        "shipping_options": [],
        "submit_type": call.get("submit_type"),
        "success_url": call["success_url"],
        "tax_id_collection": {"enabled": False, "required": "never", **(call.get("tax_id_collection") or {})},
        "url": f"{call.cloud.addresses.http_url}/stripe/checkout/{key}",
        "_customer_update": dict(call.get("customer_update") or {}),
        "_line_items": [],
        "_subscription_data": dict(call.get("subscription_data") or {}),
    }
