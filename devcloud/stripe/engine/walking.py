"""Time passes: from one due moment to the next, never day by day."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from devcloud.stripe.books import Books, Json
from devcloud.stripe.engine import billing, phases, renewing, settling
from devcloud.stripe.engine.changing import period_end
from devcloud.stripe.engine.collecting import collect
from devcloud.stripe.engine.periods import DAY
from devcloud.stripe.settings import settings

Act = Callable[[Books, Json], object]

_RUNNING = {"active", "past_due", "unpaid"}
_HOUR = 3600
_MOST_STEPS = 100_000


@dataclass(frozen=True)
class Due:
    """What happens to a document at a moment."""

    at: int
    act: Act
    document: Json


# What happens at the same second happens in this order.
_ORDER: tuple[Act, ...] = (
    phases.enter,
    renewing.expire,
    renewing.expire_update,
    renewing.collect_again,
    renewing.cancel_in_time,
    renewing.end_trial,
    renewing.renew,
    billing.after_draft,
    collect,
    settling.overdue,
    renewing.warn_of_trial_end,
    renewing.announce,
)


def advance(books: Books, customers: Iterable[Json], to: int) -> int:
    """Everything has happened that is due for these customers by that time; says how many things that were."""
    waiting = {customer["id"]: next_due(books, customer) for customer in customers}
    for steps in range(_MOST_STEPS):
        due = [(found, key) for key, found in waiting.items() if found and found.at <= to]
        if not due:
            return steps
        first, key = min(due, key=lambda pair: _place(pair[0]))
        with books.pinned(first.at):
            first.act(books, first.document)
            _tell(books, key, first.document)
        waiting[key] = next_due(books, books.need("customer", key))
    raise RuntimeError("Time does not come to an end.")


def next_due(books: Books, customer: Json) -> Due | None:
    """What happens next to anything of this customer's."""
    return min(_all_due(books, customer), key=_place, default=None)


def _place(due: Due) -> tuple[int, int]:
    return due.at, _ORDER.index(due.act)


def _all_due(books: Books, customer: Json) -> Iterator[Due]:
    for subscription in books.belonging(customer["id"], "subscription"):
        for at, act in _of_subscription(books, subscription):
            yield Due(at, act, subscription)
    for schedule in books.belonging(customer["id"], "subscription_schedule"):
        if schedule["status"] == "active":
            yield Due(schedule["current_phase"]["end_date"], phases.enter, schedule)
    for invoice in books.belonging(customer["id"], "invoice"):
        for at, act in _of_invoice(invoice):
            yield Due(at, act, invoice)


def _of_subscription(books: Books, subscription: Json) -> Iterator[tuple[int, Act]]:
    status, account = subscription["status"], settings(books.cloud)
    if status == "incomplete":
        yield subscription["created"] + account["incomplete_hours"] * _HOUR, renewing.expire
        return
    if status == "trialing":
        yield subscription["trial_end"], renewing.end_trial
        if subscription.get("_warned") != subscription["trial_end"]:
            warning = subscription["trial_end"] - account["trial_warning_days"] * DAY
            yield max(warning, subscription["trial_start"]), renewing.warn_of_trial_end
    elif status in _RUNNING:
        yield from _of_running(subscription, account["upcoming_days"] * DAY)
    if status in _RUNNING | {"trialing", "paused"}:
        if subscription["cancel_at"]:
            yield subscription["cancel_at"], renewing.cancel_in_time
        if subscription["pending_update"]:
            yield subscription["pending_update"]["expires_at"], renewing.expire_update


def _of_running(subscription: Json, notice: int) -> Iterator[tuple[int, Act]]:
    ends = period_end(subscription)
    yield ends, renewing.renew
    stays = not subscription["cancel_at"] or subscription["cancel_at"] > ends
    if stays and subscription.get("_announced") != ends:
        began = min(item["current_period_start"] for item in subscription["items"]["data"])
        yield max(ends - notice, began), renewing.announce
    resumes = (subscription["pause_collection"] or {}).get("resumes_at")
    if resumes:
        yield resumes, renewing.collect_again


def _of_invoice(invoice: Json) -> Iterator[tuple[int, Act]]:
    if invoice["status"] == "draft" and invoice["auto_advance"] and invoice["automatically_finalizes_at"]:
        yield invoice["automatically_finalizes_at"], billing.after_draft
    if invoice["status"] != "open":
        return
    if invoice["next_payment_attempt"]:
        yield invoice["next_payment_attempt"], collect
    if invoice["due_date"] and invoice["collection_method"] == "send_invoice" and not invoice.get("_overdue"):
        yield invoice["due_date"], settling.overdue


def _tell(books: Books, customer: str, document: Json) -> None:
    """Changes are told at the time at which they were made."""
    for each in [*books.belonging(customer, "subscription"), document, books.need("customer", customer)]:
        books.tell_change(each)
