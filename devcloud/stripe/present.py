"""How a document is shown: without what is ours alone, with what Stripe embeds, and with what the caller expands."""

from collections.abc import Callable, Iterable
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.errors import invalid
from devcloud.stripe.kinds import FIELD_KINDS
from devcloud.stripe.lists import listing

_DEEPEST = 4
_LINES_SHOWN = 10


def public(books: Books, value: Any) -> Any:
    """The document as everybody may see it."""
    if isinstance(value, list):
        return [public(books, item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {name: public(books, item) for name, item in value.items() if not name.startswith("_")}
    embed = _EMBEDDED.get(str(value.get("object")))
    if embed and not value.get("deleted"):
        embed(books, shown)
    return shown


def expanded(books: Books, answer: Json, paths: Iterable[str]) -> Json:
    """The answer with these references replaced by what they refer to. Raises StripeError for what cannot be."""
    for path in paths:
        parts = path.split(".")
        if len([part for part in parts if part != "data"]) > _DEEPEST:
            raise invalid(f"You cannot expand more than {_DEEPEST} levels of a property (`{path}`).", "expand")
        _expand(books, answer, parts, path)
    return answer


def _expand(books: Books, node: Any, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(books, item, parts, path)
    elif isinstance(node, dict) and parts:
        name, rest = parts[0], parts[1:]
        _fill(books, node, name, path)
        _expand(books, node[name], rest, path)


def _fill(books: Books, node: Json, name: str, path: str) -> None:
    """The field holds what it refers to."""
    include = INCLUDED.get((str(node.get("object")), name))
    if include:
        node[name] = public(books, include(books, node))
        return
    if name not in node:
        message = f"This property cannot be expanded ({name}). You may want to try expanding another one in `{path}`."
        raise invalid(message, "expand")
    node[name] = _resolved(books, name, node[name])


def _resolved(books: Books, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_resolved(books, name, item) for item in value]
    if not isinstance(value, str):
        return value
    kind = FIELD_KINDS.get(name)
    if kind is None:
        raise invalid(f"This property cannot be expanded ({name}).", "expand")
    found = books.find(kind, value)
    return value if found is None else public(books, found)


def _with_price(books: Books, item: Json) -> None:
    """An item with its price as it is today."""
    if isinstance(item["price"], str):
        price = books.find("price", item["price"])
        item["price"] = public(books, price) if price else item["price"]


def _with_price_and_plan(books: Books, item: Json) -> None:
    _with_price(books, item)
    item["plan"] = _plan(item["price"]) if isinstance(item["price"], dict) else None


def _plan(price: Json) -> Json:
    """The older form of a recurring price, which Stripe still shows beside it."""
    same = ("id", "active", "created", "currency", "livemode", "metadata", "nickname", "product")
    recurring = price["recurring"]
    return {
        **{name: price[name] for name in same},
        "object": "plan",
        "amount": price["unit_amount"],
        "billing_scheme": price["billing_scheme"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "usage_type": recurring["usage_type"],
    }


def _with_first_lines(_books: Books, shown: Json) -> None:
    """An invoice with its first lines; the rest is for whoever lists them."""
    lines = shown["lines"]["data"]
    shown["lines"] = listing(f"/v1/invoices/{shown['id']}/lines", lines[:_LINES_SHOWN], more=len(lines) > _LINES_SHOWN)


_EMBEDDED: dict[str, Callable[[Books, Json], None]] = {
    "subscription_item": _with_price_and_plan,
    "invoice": _with_first_lines,
    "item": _with_price,
}

Include = Callable[[Books, Json], Any]


def _owned(kind: str, address: str) -> Include:
    def include(books: Books, node: Json) -> Json:
        return listing(address.format(id=node["id"]), books.belonging(node["id"], kind)[::-1])

    return include


def _live_subscriptions(books: Books, customer: Json) -> Json:
    found = [each for each in books.belonging(customer["id"], "subscription") if each["status"] != "canceled"]
    return listing(f"/v1/customers/{customer['id']}/subscriptions", found[::-1])


def _confirmation(books: Books, invoice: Json) -> Json | None:
    stored = books.find("invoice", invoice["id"])
    intent = books.find("payment_intent", (stored or {}).get("_intent") or "")
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _session_lines(books: Books, session: Json) -> Json:
    stored = books.find("checkout.session", session["id"]) or {}
    return listing(f"/v1/checkout/sessions/{session['id']}/line_items", stored.get("_line_items", []))


# What is left out of an object unless somebody expands it.
INCLUDED: dict[tuple[str, str], Include] = {
    ("customer", "subscriptions"): _live_subscriptions,
    ("customer", "tax_ids"): _owned("tax_id", "/v1/customers/{id}/tax_ids"),
    ("charge", "refunds"): _owned("refund", "/v1/charges/{id}/refunds"),
    ("checkout.session", "line_items"): _session_lines,
    ("invoice", "confirmation_secret"): _confirmation,
    ("invoice", "payments"): _owned("invoice_payment", "/v1/invoice_payments"),
}
