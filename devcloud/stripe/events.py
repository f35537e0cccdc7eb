"""Events: what has happened, kept for thirty days and sent to whoever wants to know."""

from stripe._api_version import _ApiVersion

from devcloud.stripe import deliveries, rules
from devcloud.stripe.books import Books, Event, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.lists import listed
from devcloud.stripe.present import public

API_VERSION = _ApiVersion.CURRENT
_KEPT_SECONDS = 30 * 24 * 3600


def publish(books: Books) -> None:
    """The events of a unit of work exist, and are on their way to the endpoints."""
    for event in books.events:
        if not rules.takes(books, "mute", event[0]):
            deliveries.prepare(books, _add(books, event))
    books.events = []
    _forget(books)


def _add(books: Books, event: Event) -> Json:
    kind, snapshot, previous = event
    data: Json = {"object": public(books, snapshot)}
    if previous is not None:
        data["previous_attributes"] = public(books, previous)
    document: Json = {
        "id": books.new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": snapshot["_at"],
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": books.request or {"id": None, "idempotency_key": None},
        "type": kind,
        "_since": books.at,
    }
    return books.add(document)


def _forget(books: Books) -> None:
    """Stripe keeps events for thirty days: https://docs.stripe.com/webhooks/process-undelivered-events."""
    store = books.cloud.store
    while (oldest := store.first("stripe_event")) and oldest[1]["_since"] < books.at - _KEPT_SECONDS:
        store.delete("stripe_event", oldest[0])
        for place, entry in store.items("stripe_index", f"{oldest[0]}/delivery/"):
            store.delete("stripe_index", place)
            store.delete("stripe_delivery", entry["id"])


@implements("events.list", "GET /v1/events", "EventListParams")
def _list(call: Call) -> Json:
    return listed(
        call,
        "event",
        types=lambda event, wanted: any(rules.fits(kind, event["type"]) for kind in wanted),
        type=lambda event, wanted: rules.fits(wanted, event["type"]),
        delivery_success=lambda event, wanted: (event["pending_webhooks"] == 0) == wanted,
    )


@implements("events.retrieve", "GET /v1/events/{id}", "EventRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("event", call.path["id"])
