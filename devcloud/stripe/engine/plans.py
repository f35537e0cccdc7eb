"""The end of each unit of work: what is due by now is done, and what comes later is planned."""

from devcloud import clock, timers
from devcloud.cloud import Cloud
from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine.walking import advance, next_due
from devcloud.stripe.events import publish

_WALK = "stripe.walk"
_TOUCHING = ("subscription", "invoice", "subscription_schedule")


def close(books: Books) -> None:
    """The books are kept and told, and their customers' next moments are known to the clockwork."""
    touched = _customers(books)
    for customer in touched:
        advance(books, [customer], books.now(customer))
        _plan(books, customer)
    books.close(publish)


@timers.action(_WALK)
def _walk(cloud: Cloud, _at: float, arguments: Json) -> None:
    books = Books(cloud, clock.now())
    customer = books.find("customer", arguments["customer"])
    if customer is None:
        return
    customer["_planned"] = None
    advance(books, [customer], books.now(customer))
    _plan(books, customer)
    books.close(publish)


def _customers(books: Books) -> list[Json]:
    keys = {document["customer"] for kind in _TOUCHING for document in books.opened(kind)}
    found = [books.find("customer", key) for key in sorted(keys)]
    return [customer for customer in found if customer is not None and not customer.get("deleted")]


def _plan(books: Books, customer: Json) -> None:
    """Those on a test clock wait for it to be advanced; the others are walked when devcloud's own clock is there."""
    due = None if customer["test_clock"] else next_due(books, customer)
    if due is not None and customer.get("_planned") != due.at:
        customer["_planned"] = due.at
        timers.schedule(books.cloud, due.at, _WALK, {"customer": customer["id"]})
