"""Changes that wait until their invoice is paid."""

from devcloud.stripe.books import Books, Json

_WAIT_SECONDS = 23 * 3600
_MOMENTS = ("billing_cycle_anchor", "trial_end")


def wait(books: Books, subscription: Json, items: list[Json], invoice: Json, moments: Json) -> None:
    """The change is pending; without a payment it is dropped after 23 hours.

    `moments` may hold a new anchor and end of trial. Source: https://docs.stripe.com/billing/subscriptions/pending-updates
    """
    subscription["pending_update"] = {
        "billing_cycle_anchor": moments.get("billing_cycle_anchor"),
        "expires_at": books.now(subscription) + _WAIT_SECONDS,
        "subscription_items": items,
        "trial_end": moments.get("trial_end"),
        "trial_from_plan": None,
    }
    subscription["_pending_invoice"] = invoice["id"]
    subscription["_pending_told"] = False


def keep_waiting(subscription: Json) -> None:
    """The first try to pay has failed: from here on others know that the change is pending."""
    subscription["_pending_told"] = True


def apply(books: Books, subscription: Json) -> None:
    """The change is made."""
    update = subscription["pending_update"]
    subscription["items"]["data"] = update["subscription_items"]
    for name in _MOMENTS:
        if update[name] is not None:
            subscription[name] = update[name]
    if update["trial_end"] is not None and update["trial_end"] <= books.now(subscription):
        subscription["status"] = "active"
    subscription["pending_update"] = None
    if subscription["_pending_told"]:
        books.tell("customer.subscription.pending_update_applied", subscription)


def drop(books: Books, subscription: Json) -> None:
    """The change is not made."""
    subscription["pending_update"] = None
    books.tell("customer.subscription.pending_update_expired", subscription)
