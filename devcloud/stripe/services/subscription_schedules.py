"""Subscription schedules, made of subscriptions that run."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine import changing, phases
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

_SCHEDULES = "/v1/subscription_schedules"
_ENDS = {"release", "cancel"}
_SETTINGS = {
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
    "on_behalf_of": None,
    "transfer_data": None,
}


@implements("subscription_schedules.create", f"POST {_SCHEDULES}", "SubscriptionScheduleCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, ("from_subscription",))
    if "from_subscription" not in call:
        raise missing_parameter("from_subscription")
    subscription = call.books.need("subscription", call["from_subscription"], "from_subscription")
    if subscription["schedule"]:
        message = "You cannot migrate a subscription that is already attached to a schedule."
        raise invalid(message, "from_subscription")
    if subscription["status"] not in {"active", "trialing", "past_due"}:
        raise invalid(f"A subscription that is {subscription['status']} can't be scheduled.", "from_subscription")
    schedule = _schedule(call, subscription)
    set_fields(schedule, call, ())
    call.books.add(schedule, subscription["customer"])
    subscription["schedule"] = schedule["id"]
    call.books.tell_created("subscription_schedule.created", schedule)
    return schedule


@implements("subscription_schedules.retrieve", f"GET {_SCHEDULES}/{{schedule}}", "SubscriptionScheduleRetrieveParams")
def _retrieve(call: Call) -> Json:
    return _found(call)


@implements("subscription_schedules.update", f"POST {_SCHEDULES}/{{schedule}}", "SubscriptionScheduleUpdateParams")
def _update(call: Call) -> Json:
    """The phases are others from here on; what differs in the current one is changed at once."""
    refuse_unimplemented(call, ("phases", "end_behavior", "proration_behavior"))
    schedule = _running(call)
    if call.get("end_behavior", "release") not in _ENDS:
        raise invalid("devcloud knows the end behaviors release and cancel only.", "end_behavior")
    set_fields(schedule, call, ("end_behavior",))
    if "phases" in call:
        _set_phases(call, schedule)
    return schedule


@implements("subscription_schedules.release", f"POST {_SCHEDULES}/{{schedule}}/release",
            "SubscriptionScheduleReleaseParams")  # fmt: skip
def _release(call: Call) -> Json:
    schedule = _running(call)
    phases.release(call.books, schedule)
    return schedule


@implements(
    "subscription_schedules.cancel", f"POST {_SCHEDULES}/{{schedule}}/cancel", "SubscriptionScheduleCancelParams"
)
def _cancel(call: Call) -> Json:
    """Its subscription ends, too."""
    schedule = _running(call)
    subscription = call.books.need("subscription", schedule["subscription"])
    prorate, invoice_now = call.get("prorate", True), call.get("invoice_now", True)
    changing.cancel(call.books, subscription, prorate=prorate, invoice_now=invoice_now)
    return schedule


@implements("subscription_schedules.list", f"GET {_SCHEDULES}", "SubscriptionScheduleListParams")
def _list(call: Call) -> Json:
    return listed(
        call,
        "subscription_schedule",
        scheduled=lambda schedule, wanted: (schedule["status"] == "not_started") == wanted,
    )


def _schedule(call: Call, subscription: Json) -> Json:
    now = phases.phase_now(call.books, subscription)
    return {
        "id": call.books.new_id("subscription_schedule"),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": subscription["billing_mode"],
        "canceled_at": None,
        "completed_at": None,
        "created": call.books.now(subscription),
        "current_phase": {name: now[name] for name in ("start_date", "end_date")},
        "customer": subscription["customer"],
        "default_settings": {**_SETTINGS, "collection_method": subscription["collection_method"]},
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "phases": [now],
        "released_at": None,
        "released_subscription": None,
        "status": "active",
        "subscription": subscription["id"],
        "test_clock": subscription["test_clock"],
    }


def _found(call: Call) -> Json:
    return call.books.need("subscription_schedule", call.path["schedule"])


def _running(call: Call) -> Json:
    schedule = _found(call)
    if schedule["status"] != "active":
        message = f"You cannot change a subscription schedule that is currently in the `{schedule['status']}` status."
        raise invalid(message, "schedule")
    return schedule


def _set_phases(call: Call, schedule: Json) -> None:
    books, now = call.books, call.books.now(schedule)
    begins = schedule["current_phase"]["start_date"]
    found = phases.phases(books, call["phases"], begins, now)
    current = next((phase for phase in found if phase["start_date"] <= now < phase["end_date"]), None)
    if current is None:
        raise invalid("One of the phases must be the current one.", "phases")
    schedule["phases"] = found
    schedule["current_phase"] = {name: current[name] for name in ("start_date", "end_date")}
    subscription = books.need("subscription", schedule["subscription"])
    behavior = call.get("proration_behavior", current["proration_behavior"])
    phases.follow(books, subscription, {**current, "proration_behavior": behavior})
