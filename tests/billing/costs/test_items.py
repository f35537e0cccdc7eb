"""Which SKUs of Google's catalogue are meant: descriptions as it had them in August and September 2026."""

import pytest

from billing.costs import bundled
from billing.costs.items import ITEMS


@pytest.mark.parametrize(
    ("key", "description"),
    [
        ("cluster", "Zonal Kubernetes Clusters"),
        ("e2-core", "E2 Instance Core running in Americas"),
        ("e2-core", "E2 Instance Core in Montreal"),
        ("e2-memory", "E2 Instance RAM in Montreal"),
        ("n2-core", "N2 Instance Core running in Montreal"),
        ("pd-balanced", "Balanced PD Capacity"),
        ("pd-balanced", "Balanced PD Capacity in Japan"),
        ("pd-ssd", "SSD backed PD Capacity in Montreal"),
        ("forwarding", "Network Load Balancing: Forwarding Rule Minimum Service Charge in EMEA"),
        ("nat", "NAT Gateway: Uptime charge in Americas"),
        ("address", "External IP Charge on a Standard VM"),
        ("sql-core", "Cloud SQL for PostgreSQL: Zonal - vCPU in Americas"),
        ("sql-ha-disk", "Cloud SQL for PostgreSQL: Regional - Standard storage in Mumbai"),
        ("sql-backup", "Cloud SQL: Backups in Japan"),
    ],
)
def test_an_item_is_found_by_its_description_wherever_it_is(key, description):
    assert [item.key for item in ITEMS.values() if item.fits(description)] == [key]


@pytest.mark.parametrize(
    "description",
    [
        "Regional Kubernetes Clusters",
        "Spot Preemptible E2 Instance Core running in Americas",
        "E2 Custom Instance Core running in Americas",
        "N2 Custom Extended Instance Ram running in Americas",
        "N2D AMD Instance Core running in Americas",
        "Regional Balanced PD Capacity in Japan",
        "NAT Gateway: Data Processing charge in Americas",
        "Static Ip Charge",
        "Cloud SQL for PostgreSQL: Zonal - Low cost storage in Americas",
        "Cloud SQL for PostgreSQL: Zonal - Enterprise Plus N vCPU in Americas",
        "Cloud SQL for MySQL: Zonal - vCPU in Americas",
    ],
)
def test_its_neighbours_are_not_taken_for_it(description):
    assert not [item.key for item in ITEMS.values() if item.fits(description)]


def test_every_item_has_a_price_from_the_start():
    assert bundled.NANOS.keys() == ITEMS.keys()
