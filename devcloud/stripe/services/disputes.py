"""Disputes."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.disputing import close_dispute
from devcloud.stripe.lists import listed


@implements("disputes.retrieve", "GET /v1/disputes/{dispute}", "DisputeRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("dispute", call.path["dispute"])


@implements("disputes.list", "GET /v1/disputes", "DisputeListParams")
def _list(call: Call) -> Json:
    return listed(call, "dispute")


@implements("disputes.close", "POST /v1/disputes/{dispute}/close", "DisputeCloseParams")
def _close(call: Call) -> Json:
    """Whoever closes a dispute has lost it."""
    dispute = call.books.need("dispute", call.path["dispute"])
    close_dispute(call.books, dispute, "lost")
    return dispute
