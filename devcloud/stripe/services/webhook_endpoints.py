"""Webhook endpoints: who is told of what."""

import secrets
from urllib.parse import urlsplit

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import deleted, merged, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

_ENDPOINTS = "/v1/webhook_endpoints"
_MOST = 16


@implements("webhook_endpoints.create", f"POST {_ENDPOINTS}", "WebhookEndpointCreateParams")
def _create(call: Call) -> Json:
    """Its secret is in this answer, and in no other."""
    refuse_unimplemented(call, ("api_version", "description", "enabled_events", "url", "connect"))
    if len(call.books.all("webhook_endpoint")) >= _MOST:
        raise invalid(f"You have reached the maximum of {_MOST} test webhook endpoints.")
    secret = new_secret()
    document = {
        "id": call.books.new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": call.get("api_version"),
        "application": None,
        "created": call.books.at,
        "description": call.get("description") or None,
        "enabled_events": call["enabled_events"],
        "livemode": False,
        "metadata": merged({}, call.get("metadata") or {}),
        "status": "enabled",
        "url": _url(call["url"]),
        "_secrets": [{"secret": secret, "until": None}],
    }
    call.books.add(document)
    return {**document, "secret": secret}


@implements("webhook_endpoints.retrieve", f"GET {_ENDPOINTS}/{{endpoint}}", "WebhookEndpointRetrieveParams")
def _retrieve(call: Call) -> Json:
    return _found(call)


@implements("webhook_endpoints.update", f"POST {_ENDPOINTS}/{{endpoint}}", "WebhookEndpointUpdateParams")
def _update(call: Call) -> Json:
    document = _found(call)
    set_fields(document, call, ("description", "enabled_events"))
    if "url" in call:
        document["url"] = _url(call["url"])
    if "disabled" in call:
        document["status"] = "disabled" if call["disabled"] else "enabled"
    return document


@implements("webhook_endpoints.list", f"GET {_ENDPOINTS}", "WebhookEndpointListParams")
def _list(call: Call) -> Json:
    return listed(call, "webhook_endpoint")


@implements("webhook_endpoints.delete", f"DELETE {_ENDPOINTS}/{{endpoint}}", "WebhookEndpointDeleteParams")
def _delete(call: Call) -> Json:
    document = _found(call)
    call.books.remove(document)
    return deleted(document)


def roll(books: Books, endpoint: Json, overlap_seconds: int) -> str:
    """The endpoint has a new secret; the old one counts for so long beside it."""
    secret = new_secret()
    until = books.at + overlap_seconds
    kept = [{**each, "until": until if each["until"] is None else each["until"]} for each in endpoint["_secrets"]]
    endpoint["_secrets"] = [*(each for each in kept if each["until"] > books.at), {"secret": secret, "until": None}]
    return secret


def new_secret() -> str:
    return f"whsec_{secrets.token_hex(16)}"


def _found(call: Call) -> Json:
    return call.books.need("webhook_endpoint", call.path["endpoint"])


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    return text
