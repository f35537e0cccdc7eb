"""The lines of invoices: whole periods, prorations, and what somebody put on the bill by hand."""

from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.items import amount_of, price_of
from devcloud.stripe.engine.periods import day
from devcloud.stripe.money import TIMES, share


def period_line(books: Books, item: Json, *, free: bool = False) -> Json:
    """The item's current period; a trial's is free."""
    price = price_of(books, item)
    product = books.find("product", price["product"]) or {"name": "Deleted product"}
    named = f"Trial period for {product['name']}" if free else f"{item['quantity']} {TIMES} {product['name']}"
    line = _line(books, 0 if free else amount_of(books, item), price["currency"], named)
    line["period"] = {"start": item["current_period_start"], "end": item["current_period_end"]}
    line["pricing"] = pricing(price)
    line["quantity"] = item["quantity"]
    line["subscription"] = item["subscription"]
    line["parent"] = _parent(item["subscription"], item["id"], None, proration=False)
    return line


def prorations(books: Books, customer: Json, before: list[Json], after: list[Json], at: int) -> list[Json]:
    """Pending invoice items for a change at that time: the rest of each old price back, the rest of each new one owed.

    Each is its share of the whole period by the second, rounded once (half away from zero), so that two of the same
    amount cancel out exactly.
    """
    old, new = {item["id"]: item for item in before}, {item["id"]: item for item in after}
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        if key in old and key in new and _same(old[key], new[key]):
            continue
        if key in old:
            found.append(_proration(books, customer, old[key], at, sign=-1))
        if key in new:
            found.append(_proration(books, customer, {**new[key], **_period(before[0])}, at, sign=1))
    return [item for item in found if item is not None]


def invoice_item(books: Books, customer: Json, amount: int, currency: str, **fields: Any) -> Json:
    """Something on its way to the customer's next invoice."""
    at = books.now(customer)
    item = {
        "id": books.new_id("invoiceitem"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer["id"],
        "date": at,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"start": at, "end": at},
        "pricing": None,
        "proration": False,
        "proration_details": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": customer["test_clock"],
        **fields,
    }
    books.add(item, customer["id"])
    books.tell_created("invoiceitem.created", item)
    return item


def pending_items(books: Books, customer: Json, subscription: Json | None) -> list[Json]:
    """What waits for the next invoice: of this subscription, and of none."""
    wanted = {None, subscription["id"] if subscription else None}
    found = books.belonging(customer["id"], "invoiceitem")
    return [item for item in found if item["invoice"] is None and subscription_of_item(item) in wanted]


def subscription_of_item(item: Json) -> str | None:
    details = (item["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def item_line(books: Books, item: Json) -> Json:
    """The line that an invoice item becomes."""
    line = _line(books, item["amount"], item["currency"], item["description"])
    same = ("period", "pricing", "quantity", "discountable", "metadata")
    line.update({name: item[name] for name in same})
    details = (item["parent"] or {}).get("subscription_details") or {}
    line["subscription"] = details.get("subscription")
    line["parent"] = _parent(
        details.get("subscription"), details.get("subscription_item"), item["id"], proration=item["proration"]
    )
    return line


def pricing(price: Json) -> Json:
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _proration(books: Books, customer: Json, item: Json, at: int, *, sign: int) -> Json | None:
    start, end = item["current_period_start"], item["current_period_end"]
    amount = sign * share(amount_of(books, item), end - at, end - start)
    if end <= at:
        return None
    price = price_of(books, item)
    product = books.find("product", price["product"]) or {"name": "Deleted product"}
    word = "Remaining" if sign > 0 else "Unused"
    details = {"subscription": item["subscription"], "subscription_item": item["id"]}
    return invoice_item(
        books,
        customer,
        amount,
        price["currency"],
        description=f"{word} time on {item['quantity']} {TIMES} {product['name']} after {day(at)}",
        parent={"subscription_details": details, "type": "subscription_details"},
        period={"start": at, "end": end},
        pricing=pricing(price),
        proration=True,
        proration_details={"credited_items": None, "discount_amounts": []},
        quantity=item["quantity"],
        quantity_decimal=str(item["quantity"]),
    )


def _line(books: Books, amount: int, currency: str, description: str | None) -> Json:
    return {
        "id": books.new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "subtotal": amount,
        "taxes": [],
    }


def _parent(subscription: str | None, item: str | None, invoice_item: str | None, *, proration: bool) -> Json:
    details = {
        "invoice_item": invoice_item,
        "proration": proration,
        "proration_details": {"credited_items": None} if proration else None,
        "subscription": subscription,
    }
    if item is None:
        return {"invoice_item_details": details, "subscription_item_details": None, "type": "invoice_item_details"}
    owned = {**details, "subscription_item": item}
    return {"invoice_item_details": None, "subscription_item_details": owned, "type": "subscription_item_details"}


def _same(one: Json, other: Json) -> bool:
    return all(one[name] == other[name] for name in ("price", "quantity"))


def _period(item: Json) -> Json:
    return {name: item[name] for name in ("current_period_start", "current_period_end")}
