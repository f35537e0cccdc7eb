"""Test clocks: a time of their own for some customers, which passes only when somebody says so."""

from devcloud import clock, timers
from devcloud.cloud import Cloud
from devcloud.stripe.books import CLOCK, Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.items import rhythm
from devcloud.stripe.engine.periods import DAY, boundary, shortest
from devcloud.stripe.engine.plans import close
from devcloud.stripe.engine.walking import advance
from devcloud.stripe.errors import StripeError, invalid
from devcloud.stripe.fields import deleted, refuse_unimplemented
from devcloud.stripe.lists import listed
from devcloud.stripe.services.customers import remove

_CLOCKS = "/v1/test_helpers/test_clocks"
_PASSES = "stripe.clock"
_KEPT_DAYS = 30
_YEARLY = {"interval": "year", "interval_count": 1}


@implements("test_helpers.test_clocks.create", f"POST {_CLOCKS}", "test_helpers.TestClockCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, ("frozen_time", "name"))
    document = {
        "id": call.books.new_id(CLOCK),
        "object": CLOCK,
        "created": call.books.at,
        "deletes_after": call.books.at + _KEPT_DAYS * DAY,
        "frozen_time": call["frozen_time"],
        "livemode": False,
        "name": call.get("name"),
        "status": "ready",
        "status_details": {},
    }
    call.books.add(document)
    call.books.tell_created("test_helpers.test_clock.created", document)
    return document


@implements(
    "test_helpers.test_clocks.retrieve", f"GET {_CLOCKS}/{{test_clock}}", "test_helpers.TestClockRetrieveParams"
)
def _retrieve(call: Call) -> Json:
    return _found(call)


@implements("test_helpers.test_clocks.list", f"GET {_CLOCKS}", "test_helpers.TestClockListParams")
def _list(call: Call) -> Json:
    return listed(call, CLOCK)


@implements("test_helpers.test_clocks.advance", f"POST {_CLOCKS}/{{test_clock}}/advance",
            "test_helpers.TestClockAdvanceParams")  # fmt: skip
def _advance(call: Call) -> Json:
    """It is under way; by and by the clock is ready, and everything has happened by then."""
    document, to = _found(call), call["frozen_time"]
    if document["status"] != "ready":
        raise StripeError(
            429, "This test clock is advancing already. Wait until its status is `ready`.", code="rate_limit"
        )
    if to <= document["frozen_time"]:
        raise invalid("The new frozen time must be after the current frozen time.", "frozen_time")
    if to > (latest := _latest(call.books, document)):
        message = (
            "A clock can only be advanced by two intervals of its shortest subscription at a time: "
            f"to {latest} at most."
        )
        raise invalid(message, "frozen_time")
    document["status"], document["status_details"] = "advancing", {"advancing": {"target_frozen_time": to}}
    call.books.tell("test_helpers.test_clock.advancing", document)
    seconds = call.cloud.profile.seconds("stripe.clock")
    timers.schedule(call.cloud, clock.now() + seconds, _PASSES, {"clock": document["id"], "to": to})
    return document


@implements("test_helpers.test_clocks.delete", f"DELETE {_CLOCKS}/{{test_clock}}", "test_helpers.TestClockDeleteParams")
def _delete(call: Call) -> Json:
    """Its customers are gone, too."""
    document = _found(call)
    for customer in call.books.belonging(document["id"], "customer"):
        if not customer.get("deleted"):
            remove(call.books, customer)
    call.books.remove(document)
    call.books.tell("test_helpers.test_clock.deleted", document)
    return deleted(document)


@timers.action(_PASSES)
def _pass(cloud: Cloud, _at: float, arguments: Json) -> None:
    books = Books(cloud, clock.now())
    document = books.find(CLOCK, arguments["clock"])
    if document is None:
        return
    customers = [each for each in books.belonging(document["id"], "customer") if not each.get("deleted")]
    advance(books, customers, arguments["to"])
    document["frozen_time"] = arguments["to"]
    document["status"], document["status_details"] = "ready", {}
    books.tell("test_helpers.test_clock.ready", document)
    close(books)


def _found(call: Call) -> Json:
    return call.books.need(CLOCK, call.path["test_clock"])


def _latest(books: Books, document: Json) -> int:
    """Two intervals of the subscription that comes round most often, or two years where there is none."""
    rhythms = [
        rhythm(books, subscription["items"]["data"])
        for customer in books.belonging(document["id"], "customer")
        for subscription in books.belonging(customer["id"], "subscription")
        if subscription["status"] not in {"canceled", "incomplete_expired"}
    ]
    return boundary(document["frozen_time"], shortest([*rhythms, _YEARLY]), 2)
