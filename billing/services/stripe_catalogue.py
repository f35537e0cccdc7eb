"""Stripe's products and prices are brought to what our catalogue says; first it is said what would change.

Plans and features are products by an id of ours, prices are found by their lookup key. Stripe keeps what was sold once:
what is retired here is archived there, and nothing is ever deleted.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from billing.clients.stripe import asking, listed
from billing.models import Feature, Plan, Price, Status
from portal.core.audit import Actor, record

OURS: Final = "managed-sourcegraph"


@dataclass(frozen=True)
class Change:
    """One call to Stripe that is still to be made. `of` is the product's id or the price's lookup key."""

    verb: str
    kind: str
    of: str
    fields: Mapping[str, Any]
    stripe_id: str = ""

    def __str__(self) -> str:
        told = ", ".join(f"{key} {_said(value)}" for key, value in self.fields.items() if key not in {"id", "metadata"})
        return f"{self.verb} the {self.kind} {self.of}: {told}"

    @property
    def idempotency_key(self) -> str:
        """The same for the same call: who sends it twice changes once."""
        content = json.dumps([self.verb, self.kind, self.of, self.stripe_id, self.fields], sort_keys=True)
        return f"catalogue-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def catalogue_changes() -> list[Change]:
    """What differs between our catalogue and Stripe's, as the calls that would mend it. Reads, and changes nothing."""
    products = {product["id"]: product for product in listed("products") if _is_ours(product)}
    prices = {price["lookup_key"]: price for price in listed("prices") if price["lookup_key"]}
    return [*_product_changes(products), *_price_changes(prices)]


def catalogue_sync(*, actor: Actor, reason: str = "") -> list[Change]:
    """Stripe's catalogue is as ours, and our prices know their ids. May run any number of times."""
    made = catalogue_changes()
    for change in made:
        _make(change)
    _learn_ids()
    if made:
        details = {"changes": [str(change) for change in made]}
        record("catalogue.sync", "catalogue", actor=actor, reason=reason, details=details)
    return made


def _product_changes(products: Mapping[str, Any]) -> Iterator[Change]:
    offered: list[Plan | Feature] = [*Plan.objects.exclude(status=Status.DRAFT)]
    for sold in [*offered, *Feature.objects.exclude(status=Status.DRAFT)]:
        wanted, found = _product(sold), products.get(product_id(sold))
        if found is None:
            yield Change("create", "product", product_id(sold), {"id": product_id(sold), **wanted})
        elif differing := {key: value for key, value in wanted.items() if _differs(found.get(key), value)}:
            yield Change("update", "product", product_id(sold), differing, product_id(sold))


def _price_changes(prices: Mapping[str, Any]) -> Iterator[Change]:
    for price in Price.objects.select_related("plan", "feature"):
        sold, found, is_sold = price.plan or price.feature, prices.get(price.lookup_key), price.retired_at is None
        if sold is None or sold.status == Status.DRAFT:
            continue
        if found is None:
            if is_sold:
                yield Change("create", "price", price.lookup_key, _price(price, product_id(sold)))
        elif found["active"] != is_sold:
            yield Change("update", "price", price.lookup_key, {"active": is_sold}, found["id"])


def product_id(sold: Plan | Feature) -> str:
    """Such as plan-team: Stripe lets us choose it."""
    return f"{type(sold).__name__.lower()}-{sold.pk}"


def _product(sold: Plan | Feature) -> dict[str, Any]:
    unit = "seat" if isinstance(sold, Plan) or sold.charge == "seat" else (sold.unit_title or "instance")
    return {
        "name": sold.title,
        "description": sold.description if isinstance(sold, Plan) else sold.summary,
        "active": sold.status == Status.OFFERED,
        "unit_label": unit,
        "metadata": {"catalogue": OURS},
    }


def _price(price: Price, product: str) -> dict[str, Any]:
    return {
        "product": product,
        "currency": price.currency,
        "unit_amount": price.unit_amount,
        "recurring": {"interval": price.interval},
        "lookup_key": price.lookup_key,
        "metadata": {"catalogue": OURS},
    }


def _make(change: Change) -> None:
    options = {"idempotency_key": change.idempotency_key}
    with asking() as api:
        service = getattr(api, f"{change.kind}s")
        if change.verb == "create":
            service.create(dict(change.fields), options)
        else:
            service.update(change.stripe_id, dict(change.fields), options)


def _learn_ids() -> None:
    """Our prices know which of Stripe's they are."""
    for found in listed("prices"):
        if found["lookup_key"]:
            Price.objects.filter(lookup_key=found["lookup_key"], stripe_id="").update(stripe_id=found["id"])


def _is_ours(product: Any) -> bool:
    return bool(product["metadata"].get("catalogue") == OURS)


def _differs(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return any((found or {}).get(key) != value for key, value in wanted.items())
    return bool(found != wanted)


def _said(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)
