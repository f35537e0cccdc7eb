"""Coupons as they are redeemed: which count, for how long, and what they take off each line."""

from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.periods import boundary
from devcloud.stripe.errors import invalid
from devcloud.stripe.money import percentage, spread

_MONTHLY = {"interval": "month", "interval_count": 1}


def redeemed(books: Books, customer: Json, wanted: list[Json] | str, kept: list[str], **place: Any) -> list[str]:
    """The ids of the discounts that are wanted; `kept` are those that may stay. Raises StripeError."""
    found = list[str]()
    for number, entry in enumerate(wanted if isinstance(wanted, list) else []):
        where = f"discounts[{number}]"
        if entry.get("discount"):
            if entry["discount"] not in kept:
                raise invalid(f"No such discount: '{entry['discount']}'", f"{where}[discount]", "resource_missing")
            found.append(str(entry["discount"]))
        else:
            found.append(_redeem(books, customer, entry, where, place))
    return found


def coupon_for(books: Books, customer: Json | None, entry: Json, where: str) -> tuple[Json, Json | None]:
    """The coupon, and the promotion code that it came by. Raises StripeError where it does not count (any more)."""
    code = books.find("promotion_code", entry["promotion_code"]) if entry.get("promotion_code") else None
    if entry.get("promotion_code") and code is None:
        raise invalid(
            f"No such promotion code: '{entry['promotion_code']}'", f"{where}[promotion_code]", "resource_missing"
        )
    key = code["promotion"]["coupon"] if code else entry.get("coupon", "")
    coupon = books.find("coupon", key)
    if coupon is None:
        raise invalid(f"No such coupon: '{key}'", f"{where}[coupon]", "resource_missing")
    if code and not usable(books, code, customer):
        raise invalid(f"The promotion code {code['code']} is not redeemable.", where, "promotion_code_invalid")
    if not is_valid(books, coupon):
        raise invalid(f"Coupon expired: {key}", where, "coupon_expired")
    return coupon, code


def is_valid(books: Books, coupon: Json) -> bool:
    """Whether it may be redeemed once more."""
    late = coupon["redeem_by"] is not None and books.at > coupon["redeem_by"]
    used_up = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    return not late and not used_up


def usable(books: Books, code: Json, customer: Json | None) -> bool:
    """Whether this customer may use the promotion code now."""
    late = code["expires_at"] is not None and books.at > code["expires_at"]
    used_up = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    stranger = code["customer"] is not None and (customer is None or code["customer"] != customer["id"])
    first_only = code["restrictions"]["first_time_transaction"] and customer is not None and _has_paid(books, customer)
    return bool(code["active"]) and not (late or used_up or stranger or first_only)


def active(books: Books, keys: list[str], at: int) -> list[Json]:
    """The discounts among these that count at that time."""
    found = [books.need("discount", key) for key in keys]
    return [each for each in found if not each["_used"] and (each["end"] is None or at < each["end"])]


def use_up(books: Books, keys: list[str]) -> None:
    """What counts once has counted."""
    for key in keys:
        discount = books.need("discount", key)
        discount["_used"] = books.need("coupon", discount["source"]["coupon"])["duration"] == "once"


def take_off(books: Books, lines: list[Json], discounts: list[Json]) -> list[Json]:
    """Each line knows what is taken off it; returns the total of each discount. Credits are cut as charges are.

    A percentage is rounded line by line; an amount is spread over the lines that cost something, at most their sum.
    """
    for line in lines:
        line["discount_amounts"] = []
    totals = []
    for discount in discounts:
        coupon = books.need("coupon", discount["source"]["coupon"])
        fitting = [line for line in lines if line["discountable"] and _applies(coupon, line)]
        amounts = _percent(coupon, fitting) if coupon["percent_off"] is not None else _amount(coupon, fitting)
        for line, amount in amounts:
            line["discount_amounts"].append({"amount": amount, "discount": discount["id"]})
        totals.append({"amount": sum(amount for _line, amount in amounts), "discount": discount["id"]})
    return totals


def _redeem(books: Books, customer: Json, entry: Json, where: str, place: Json) -> str:
    coupon, code = coupon_for(books, customer, entry, where)
    at = books.now(customer)
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    discount = {
        "id": books.new_id("discount"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer["id"],
        "end": boundary(at, _MONTHLY, months) if months else None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code["id"] if code else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": at,
        "subscription": None,
        "subscription_item": None,
        "_used": False,
        **place,
    }
    books.add(discount, customer["id"])
    books.tell_created("customer.discount.created", discount)
    for counted in (coupon, code):
        if counted:
            counted["times_redeemed"] += 1
    coupon["valid"] = is_valid(books, coupon)
    return str(discount["id"])


def _has_paid(books: Books, customer: Json) -> bool:
    return any(invoice["amount_paid"] for invoice in books.belonging(customer["id"], "invoice"))


def _applies(coupon: Json, line: Json) -> bool:
    products = (coupon.get("_applies_to") or {}).get("products")
    return not products or ((line["pricing"] or {}).get("price_details") or {}).get("product") in products


def _left(line: Json) -> int:
    return int(line["amount"] - sum(cut["amount"] for cut in line["discount_amounts"]))


def _percent(coupon: Json, lines: list[Json]) -> list[tuple[Json, int]]:
    return [(line, percentage(_left(line), coupon["percent_off"])) for line in lines]


def _amount(coupon: Json, lines: list[Json]) -> list[tuple[Json, int]]:
    costly = [line for line in lines if _left(line) > 0]
    weights = [_left(line) for line in costly]
    total = min(int(coupon["amount_off"]), sum(weights))
    return list(zip(costly, spread(total, weights), strict=True)) if total > 0 else []
