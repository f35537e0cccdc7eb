"""Lists: which objects are meant, and one page of them."""

from collections.abc import Callable, Iterable
from typing import Any

from devcloud.stripe import errors
from devcloud.stripe.books import Json
from devcloud.stripe.call import Call

_PAGING = {"limit", "starting_after", "ending_before", "expand"}
_LONGEST = 100
_DEFAULT = 10

Filter = Callable[[Json, Any], bool]


def listed(call: Call, kind: str, **filters: Filter) -> Json:
    """One page of the kind, newest first, that pass what the call asks for.

    A parameter is held against the field of the same name: equal, one of a list, or within a range; `filters` say it
    for those where that is not so. Raises StripeError for a customer that never was.
    """
    customer = call.get("customer")
    if customer:
        call.books.need("customer", customer, "customer")
    found = call.books.belonging(customer, kind)[::-1] if customer else call.books.all(kind)
    return page(call, chosen(call, found, **filters))


def chosen(call: Call, documents: Iterable[Json], **filters: Filter) -> list[Json]:
    """Those that pass what the call asks for."""
    wanted = {name: value for name, value in call.params.items() if name not in _PAGING}
    return [
        document
        for document in documents
        if all(filters.get(name, _is(name))(document, value) for name, value in wanted.items())
    ]


def page(call: Call, documents: list[Json]) -> Json:
    """The page that the call asks for. Raises StripeError for a limit or a cursor that cannot be."""
    limit = call.get("limit", _DEFAULT)
    if not 1 <= limit <= _LONGEST:
        raise errors.invalid(f"This value must be between 1 and {_LONGEST} (inclusive).", "limit")
    if before := call.get("ending_before"):
        rest = documents[: _place(documents, before, "ending_before")]
        return listing(call.url, rest[-limit:], more=len(rest) > limit)
    if after := call.get("starting_after"):
        documents = documents[_place(documents, after, "starting_after") + 1 :]
    return listing(call.url, documents[:limit], more=len(documents) > limit)


def listing(url: str, documents: list[Json], *, more: bool = False) -> Json:
    """Stripe's list object."""
    return {"object": "list", "data": documents, "has_more": more, "url": url}


def _place(documents: list[Json], key: str, param: str) -> int:
    for number, document in enumerate(documents):
        if document["id"] == key:
            return number
    raise errors.invalid(f"No such object: '{key}'", param, "resource_missing")


def _is(name: str) -> Filter:
    def fits(document: Json, wanted: Any) -> bool:
        value: Any = document.get(name)
        if isinstance(wanted, dict):
            return value is not None and _within(value, wanted)
        return value in wanted if isinstance(wanted, list) else bool(value == wanted)

    return fits


def _within(value: Any, wanted: Json) -> bool:
    if not isinstance(value, int):
        return all(value.get(name) == part for name, part in wanted.items())
    return bool(
        value > wanted.get("gt", value - 1)
        and value >= wanted.get("gte", value)
        and value < wanted.get("lt", value + 1)
        and value <= wanted.get("lte", value)
    )
