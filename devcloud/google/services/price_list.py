"""Cloud Billing's public catalogue: what some services charge for, as far as instances consume it.

Descriptions, units and places are as Google has them, with the neighbours that are easily mistaken for what is meant.
us-central1 has Google's prices of 2026; elsewhere everything is dearer by a percentage of our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, resources
from devcloud.google.call import Call, Json, implements

CHANGES = "cloudbilling.prices"  # {"nanos", "effective_at"} by SKU: what costs something else than is said here
COMPUTE, SQL, KUBERNETES = "6F81-5844-456A", "9662-B51E-5089", "CCD8-9BF1-090E"
SERVICES = {COMPUTE: "Compute Engine", SQL: "Cloud SQL", KUBERNETES: "Kubernetes Engine"}
EVERYWHERE = "global"
# By how many percent a place is dearer than Iowa; what the place is called in descriptions.
PLACES = {
    "us-central1": (0, "Americas"),
    "europe-west3": (29, "Frankfurt"),
    "europe-west2": (29, "London"),
    "asia-northeast1": (28, "Japan"),
    "australia-southeast1": (42, "Sydney"),
}
EFFECTIVE_SINCE = datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp()
NANOS_A_UNIT = 1_000_000_000


@dataclass(frozen=True)
class _Sort:
    """One thing on offer. `%s` in the description stands for the place; without it, it is of all regions."""

    service: str
    description: str
    unit: str
    nanos: int
    usage: str = "OnDemand"
    free: int = 0


_SORTS = (
    _Sort(KUBERNETES, "Zonal Kubernetes Clusters", "h", 100_000_000),
    _Sort(KUBERNETES, "Regional Kubernetes Clusters", "h", 100_000_000),
    _Sort(KUBERNETES, "Extended Period Kubernetes Clusters", "h", 500_000_000),
    _Sort(COMPUTE, "E2 Instance Core running in %s", "h", 21_811_590),
    _Sort(COMPUTE, "E2 Instance Ram running in %s", "GiBy.h", 2_923_530),
    _Sort(COMPUTE, "Spot Preemptible E2 Instance Core running in %s", "h", 6_543_000, "Preemptible"),
    _Sort(COMPUTE, "Commitment v1: E2 Cpu in %s for 1 Year", "h", 13_741_000, "Commit1Yr"),
    _Sort(COMPUTE, "N2 Instance Core running in %s", "h", 31_611_000),
    _Sort(COMPUTE, "N2 Instance Ram running in %s", "GiBy.h", 4_237_000),
    _Sort(COMPUTE, "N2 Custom Extended Instance Ram running in %s", "GiBy.h", 8_474_000),
    _Sort(COMPUTE, "N2D AMD Instance Core running in %s", "h", 27_502_000),
    _Sort(COMPUTE, "Storage PD Capacity in %s", "GiBy.mo", 40_000_000),
    _Sort(COMPUTE, "Balanced PD Capacity in %s", "GiBy.mo", 100_000_000),
    _Sort(COMPUTE, "Regional Balanced PD Capacity in %s", "GiBy.mo", 200_000_000),
    _Sort(COMPUTE, "SSD backed PD Capacity in %s", "GiBy.mo", 170_000_000),
    _Sort(COMPUTE, "Regional SSD backed PD Capacity in %s", "GiBy.mo", 340_000_000),
    _Sort(COMPUTE, "Network Load Balancing: Forwarding Rule Minimum Service Charge in %s", "h", 25_000_000),
    _Sort(COMPUTE, "NAT Gateway: Uptime charge in %s", "h", 1_400_000),
    _Sort(COMPUTE, "NAT Gateway: Data processing charge in %s", "GiBy", 45_000_000),
    _Sort(COMPUTE, "External IP Charge on a Standard VM", "h", 5_000_000, free=744),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Zonal - vCPU in %s", "h", 41_300_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Zonal - RAM in %s", "GiBy.h", 7_000_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Zonal - Standard storage in %s", "GiBy.mo", 170_000_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Zonal - Low cost storage in %s", "GiBy.mo", 90_000_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Zonal - Enterprise Plus N vCPU in %s", "h", 53_700_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Regional - vCPU in %s", "h", 82_600_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Regional - RAM in %s", "GiBy.h", 14_000_000),
    _Sort(SQL, "Cloud SQL for PostgreSQL: Regional - Standard storage in %s", "GiBy.mo", 340_000_000),
    _Sort(SQL, "Cloud SQL for MySQL: Zonal - vCPU in %s", "h", 41_300_000),
    _Sort(SQL, "Cloud SQL: Backups in %s", "GiBy.mo", 80_000_000),
)


@implements("cloudbilling.services.list")
def _services(call: Call) -> Json:
    listed = [
        {
            "name": f"services/{key}",
            "serviceId": key,
            "displayName": title,
            "businessEntityName": "businessEntities/GCP",
        }
        for key, title in SERVICES.items()
    ]
    return resources.page(call, "services", listed)


@implements("cloudbilling.services.skus.list")
def _skus(call: Call) -> Json:
    service = call["parent"].removeprefix("services/")
    if service not in SERVICES:
        raise errors.not_found(call["parent"])
    if call.get("currencyCode", "USD") != "USD":
        raise errors.invalid("devcloud knows prices in USD only.", "currencyCode")
    return resources.page(call, "skus", list(_offered(call.cloud, service)))


def _offered(cloud: Cloud, service: str) -> Iterator[Json]:
    for number, sort in enumerate(_SORTS):
        if sort.service != service:
            continue
        for region, (percent, place) in PLACES.items() if "%s" in sort.description else [(EVERYWHERE, (0, ""))]:
            sku = f"DEVC-{number:04}-{list(PLACES).index(region) if region in PLACES else 9:04}"
            price = sort.nanos * (100 + percent) // 100
            yield _sku(cloud, sku, sort, sort.description.replace("%s", place), region, price)


def _sku(cloud: Cloud, sku: str, sort: _Sort, description: str, region: str, nanos: int) -> Json:
    changed = cloud.store.get(CHANGES, sku) or {"nanos": nanos, "effective_at": EFFECTIVE_SINCE}
    free = [{"startUsageAmount": 0, "unitPrice": _money(0)}] if sort.free else []
    return {
        "name": f"services/{sort.service}/skus/{sku}",
        "skuId": sku,
        "description": description,
        "category": {"serviceDisplayName": SERVICES[sort.service], "usageType": sort.usage},
        "serviceRegions": [region],
        "serviceProviderName": "Google",
        "pricingInfo": [
            {
                "effectiveTime": rfc3339(changed["effective_at"]),
                "currencyConversionRate": 1,
                "pricingExpression": {
                    "usageUnit": sort.unit,
                    "displayQuantity": 1,
                    "tieredRates": [*free, {"startUsageAmount": sort.free, "unitPrice": _money(changed["nanos"])}],
                },
            }
        ],
    }


def _money(nanos: int) -> Json:
    units, rest = divmod(nanos, NANOS_A_UNIT)
    return {"currencyCode": "USD", "units": str(units), "nanos": rest}
