"""The billing portal: what customers may do there, and one visit at a time."""

import secrets

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import merged, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

KIND = "billing_portal.configuration"
_CONFIGURATIONS = "/v1/billing_portal/configurations"
_FEATURES: dict[str, Json] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
_FLOWS = {"payment_method_update", "subscription_cancel"}


@implements("billing_portal.configurations.create", f"POST {_CONFIGURATIONS}",
            "billing_portal.ConfigurationCreateParams")  # fmt: skip
def _create(call: Call) -> Json:
    refuse_unimplemented(call, ("business_profile", "default_return_url", "features", "login_page", "name"))
    first = not call.books.all(KIND)
    document = {
        "id": call.books.new_id(KIND),
        "object": KIND,
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": call.books.at,
        "default_return_url": None,
        "features": _features({}, call["features"]),
        "is_default": first,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": merged({}, call.get("metadata") or {}),
        "name": None,
        "updated": call.books.at,
    }
    _set(call, document)
    call.books.add(document)
    call.books.tell_created("billing_portal.configuration.created", document)
    return document


@implements("billing_portal.configurations.retrieve", f"GET {_CONFIGURATIONS}/{{configuration}}",
            "billing_portal.ConfigurationRetrieveParams")  # fmt: skip
def _retrieve(call: Call) -> Json:
    return call.books.need(KIND, call.path["configuration"])


@implements("billing_portal.configurations.update", f"POST {_CONFIGURATIONS}/{{configuration}}",
            "billing_portal.ConfigurationUpdateParams")  # fmt: skip
def _update(call: Call) -> Json:
    document = call.books.need(KIND, call.path["configuration"])
    _set(call, document)
    set_fields(document, call, ("active",))
    document["features"] = _features(document["features"], call.get("features") or {})
    document["updated"] = call.books.at
    return document


@implements("billing_portal.configurations.list", f"GET {_CONFIGURATIONS}", "billing_portal.ConfigurationListParams")
def _list(call: Call) -> Json:
    return listed(call, KIND)


@implements("billing_portal.sessions.create", "POST /v1/billing_portal/sessions", "billing_portal.SessionCreateParams")
def _open(call: Call) -> Json:
    """A page for this customer, whose address is the only key to it."""
    refuse_unimplemented(call, ("configuration", "customer", "flow_data", "locale", "return_url"))
    if "customer" not in call:
        raise missing_parameter("customer")
    customer = call.books.need("customer", call["customer"], "customer")
    configuration = _configuration(call)
    flow = call.get("flow_data")
    if flow and flow["type"] not in _FLOWS:
        raise invalid(f"devcloud knows the flows {', '.join(sorted(_FLOWS))} only.", "flow_data[type]")
    key = call.books.new_id("billing_portal.session")
    document = {
        "id": key,
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": call.books.now(customer),
        "customer": customer["id"],
        "flow": flow,
        "livemode": False,
        "locale": call.get("locale"),
        "on_behalf_of": None,
        "return_url": call.get("return_url") or configuration["default_return_url"],
        "url": f"{call.cloud.addresses.http_url}/stripe/portal/{(token := secrets.token_urlsafe(24))}",
        "_token": token,
    }
    call.books.add(document)
    call.books.add({"object": "portal_token", "id": token, "session": key})
    call.books.tell_created("billing_portal.session.created", document)
    return document


def _configuration(call: Call) -> Json:
    if "configuration" in call:
        return call.books.need(KIND, call["configuration"], "configuration")
    found = _default(call.books)
    if found is None:
        message = (
            "No configuration provided and your test mode default configuration has not been created. Provide a "
            "configuration or create your default by saving your customer portal settings in test mode."
        )
        raise invalid(message)
    return found


def _default(books: Books) -> Json | None:
    return next((each for each in books.all(KIND) if each["is_default"]), None)


def _features(held: Json, wanted: Json) -> Json:
    found = {}
    for name, defaults in _FEATURES.items():
        given = {key: [] if value == "" else value for key, value in (wanted.get(name) or {}).items()}
        found[name] = {**defaults, **held.get(name, {}), **given}
    return found


def _set(call: Call, document: Json) -> None:
    set_fields(document, call, ("default_return_url", "name"))
    document["business_profile"] = {**document["business_profile"], **(call.get("business_profile") or {})}
