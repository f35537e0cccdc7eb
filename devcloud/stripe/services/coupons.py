"""Coupons: so many percent or so much off, once, for some months or for ever."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import deleted, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

_KNOWN = ("amount_off", "applies_to", "currency", "duration", "duration_in_months", "id", "max_redemptions", "name",
          "percent_off", "redeem_by")  # fmt: skip


@implements("coupons.create", "POST /v1/coupons", "CouponCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    _check(call)
    key = call.get("id") or call.books.new_id("coupon").removeprefix("co_")
    if call.books.find("coupon", key):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    percent = call.get("percent_off")
    coupon = {
        "id": key,
        "object": "coupon",
        "amount_off": call.get("amount_off"),
        "created": call.books.at,
        "currency": call.get("currency"),
        "duration": call.get("duration", "once"),
        "duration_in_months": call.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": call.get("max_redemptions"),
        "metadata": {},
        "name": call.get("name"),
        "percent_off": None if percent is None else float(percent),
        "redeem_by": call.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
        "_applies_to": call.get("applies_to"),
    }
    set_fields(coupon, call, ())
    call.books.add(coupon)
    call.books.tell_created("coupon.created", coupon)
    return coupon


@implements("coupons.retrieve", "GET /v1/coupons/{coupon}", "CouponRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("coupon", call.path["coupon"], "coupon")


@implements("coupons.update", "POST /v1/coupons/{coupon}", "CouponUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, ("name",))
    coupon = call.books.need("coupon", call.path["coupon"], "coupon")
    set_fields(coupon, call, ("name",))
    return coupon


@implements("coupons.list", "GET /v1/coupons", "CouponListParams")
def _list(call: Call) -> Json:
    return listed(call, "coupon")


@implements("coupons.delete", "DELETE /v1/coupons/{coupon}", "CouponDeleteParams")
def _delete(call: Call) -> Json:
    """It can't be redeemed any more; who has it keeps it."""
    coupon = call.books.need("coupon", call.path["coupon"], "coupon")
    coupon["valid"], coupon["max_redemptions"] = False, coupon["times_redeemed"]
    call.books.tell_created("coupon.deleted", coupon)
    return deleted(coupon)


def _check(call: Call) -> None:
    if ("amount_off" in call) == ("percent_off" in call):
        raise invalid("Must provide either percent_off or amount_off.", "percent_off", "parameter_missing")
    if "amount_off" in call and "currency" not in call:
        raise invalid("You must pass currency when passing amount_off.", "currency", "parameter_missing")
    if "percent_off" in call and not 0 < call["percent_off"] <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100.", "percent_off")
    if (call.get("duration") == "repeating") != ("duration_in_months" in call):
        raise invalid("duration_in_months is for repeating coupons, and needed there.", "duration_in_months")
