"""Google's public price list: the Cloud Billing Catalog API, v1."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from provisioning.clients.google import api, pages

ON_DEMAND: Final = "OnDemand"
NANOS_A_UNIT: Final = 1_000_000_000


@dataclass(frozen=True)
class Sku:
    """`nanos`: billionths of a US dollar for one `unit`, beyond what is free of charge. `regions` is empty for all."""

    id: str
    description: str
    regions: frozenset[str]
    unit: str
    nanos: int
    effective_at: datetime


def services() -> dict[str, str]:
    """The resource name of every service, by its display name."""
    collection = api("cloudbilling", "v1").services()
    listed = pages(collection, collection.list())
    return {service["displayName"]: service["name"] for page in listed for service in page.get("services", ())}


def skus(service: str) -> Iterator[Sku]:
    """What a service (services/…) charges for on demand, at today's prices in US dollars."""
    collection = api("cloudbilling", "v1").services().skus()
    for page in pages(collection, collection.list(parent=service, currencyCode="USD")):
        yield from (
            _sku(found)
            for found in page.get("skus", ())
            if found["category"].get("usageType") == ON_DEMAND and found.get("pricingInfo")
        )


def _sku(found: dict[str, Any]) -> Sku:
    newest = found["pricingInfo"][-1]
    expression = newest["pricingExpression"]
    regions = set(found.get("serviceRegions", ())) - {"global"}
    return Sku(
        id=found["skuId"],
        description=found["description"],
        regions=frozenset(regions),
        unit=expression["usageUnit"],
        nanos=_nanos(expression["tieredRates"]),
        effective_at=datetime.fromisoformat(newest["effectiveTime"]),
    )


def _nanos(tiers: list[dict[str, Any]]) -> int:
    """Of the first tier that costs something: what is free is so once for a billing account, not for each instance."""
    prices = [
        int(tier["unitPrice"].get("units", 0)) * NANOS_A_UNIT + tier["unitPrice"].get("nanos", 0) for tier in tiers
    ]
    return next((price for price in prices if price), 0)
