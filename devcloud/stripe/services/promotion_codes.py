"""Promotion codes: what customers type to get a coupon."""

import secrets

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import chosen, page

_KNOWN = ("active", "code", "customer", "expires_at", "max_redemptions", "promotion", "restrictions")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@implements("promotion_codes.create", "POST /v1/promotion_codes", "PromotionCodeCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    coupon = call.books.need("coupon", call["promotion"].get("coupon", ""), "promotion[coupon]")
    code = call.get("code") or "".join(secrets.choice(_LETTERS) for _ in range(8))
    for other in call.books.all("promotion_code"):
        if other["active"] and other["code"].upper() == code.upper():
            raise invalid(f"An active promotion code with `code: {code}` already exists.", "code")
    document = {
        "id": call.books.new_id("promotion_code"),
        "object": "promotion_code",
        "active": call.get("active", True),
        "code": code,
        "created": call.books.at,
        "customer": call.get("customer"),
        "expires_at": call.get("expires_at"),
        "livemode": False,
        "max_redemptions": call.get("max_redemptions"),
        "metadata": {},
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": _restrictions(call),
        "times_redeemed": 0,
    }
    set_fields(document, call, ())
    call.books.add(document)
    call.books.tell_created("promotion_code.created", document)
    return document


@implements("promotion_codes.retrieve", "GET /v1/promotion_codes/{promotion_code}", "PromotionCodeRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("promotion_code", call.path["promotion_code"])


@implements("promotion_codes.update", "POST /v1/promotion_codes/{promotion_code}", "PromotionCodeUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, ("active",))
    code = call.books.need("promotion_code", call.path["promotion_code"])
    set_fields(code, call, ("active",))
    return code


@implements("promotion_codes.list", "GET /v1/promotion_codes", "PromotionCodeListParams")
def _list(call: Call) -> Json:
    """Every one, whoever may use it: customers do not own theirs."""
    found = chosen(
        call,
        call.books.all("promotion_code"),
        code=lambda document, wanted: document["code"].upper() == wanted.upper(),
        coupon=lambda document, wanted: document["promotion"]["coupon"] == wanted,
    )
    return page(call, found)


def _restrictions(call: Call) -> Json:
    wanted = call.get("restrictions") or {}
    if {"minimum_amount", "currency_options"} & wanted.keys():
        raise invalid("devcloud does not implement minimum amounts of promotion codes.", "restrictions")
    return {
        "first_time_transaction": wanted.get("first_time_transaction", False),
        "minimum_amount": None,
        "minimum_amount_currency": None,
    }
