"""docs/sizes.md, made of the shipped sizes and prices alone: `manage.py sizes --markdown`. A test compares the two."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from billing.costs import bundled
from billing.costs.items import ITEMS
from billing.costs.needs import PARTS, month_of, volumes_gb
from billing.costs.sums import Bill, bill, round_half_up
from provisioning.spec import SizeSpec

NANOS_A_DOLLAR: Final = 1_000_000_000
HEAD: Final = f"""# Sizes, and what they cost us

Made by `manage.py sizes --markdown`. List prices in {bundled.REGION}, US dollars for a month of 730 hours, as the
portal ships with them (collected {bundled.COLLECTED_AT:%Y-%m-%d}, within five percent). `manage.py prices --sync`
brings the price book to what Google's catalogue says, as every night does, and `manage.py sizes` reckons by that. What
a customer pays is another matter.

The last column is what a suspended instance costs: its nodes are gone, its database server is stopped, all else stays.

Not in it: traffic, logs beyond what is free, secrets (under a dollar). Backups are reckoned as if all disks were full.
The smallest size for production is `s`; it must come to 500 dollars or less, and a test says so.
"""
SOURCES: Final = """## Sources

- Cluster management: cloud.google.com/kubernetes-engine/pricing. Machines and disks: Google's list of 2024 as Infracost
  publishes it; the Cloud Billing Catalog, quoted in August and September 2026 for other regions, fits.
- Cloud SQL Enterprise: cloud.google.com/sql/pricing (as of May 2026); in two zones everything costs twice as much.
- Load balancer, NAT and address: cloud.google.com/load-balancing/pricing, cloud.google.com/nat/pricing (October 2026).
- Backup for GKE: about a dollar for each pod and 2.8 cents a GB; from memory, to be checked against an invoice.
"""


def sizes_markdown(sizes: Sequence[SizeSpec]) -> str:
    """The whole document."""
    bills = [(size, _month(size), _month(size, is_suspended=True)) for size in sizes]
    return "\n".join([HEAD, *_what_they_are(sizes), "", *_what_they_cost(bills), "", *_unit_prices(), "", SOURCES])


def dollars(cents: int) -> str:
    """Such as 1,058.20."""
    return f"{cents // 100:,}.{cents % 100:02}"


def unit_price(nanos: int) -> str:
    """Dollars with as many digits as the price has, but at least two."""
    whole, rest = divmod(nanos, NANOS_A_DOLLAR)
    return f"{whole}.{f'{rest:09}'.rstrip('0').ljust(2, '0')}"


def _what_they_are(sizes: Sequence[SizeSpec]) -> Iterator[str]:
    yield from _head("size", "users", "nodes", "database", "volumes")
    for size in sizes:
        zones = "two zones" if size.sql_is_highly_available else "one zone"
        yield _row(
            size.name,
            f"{size.users:,}",
            f"{size.node_count} of {size.machine_type}",
            f"{size.sql_tier}, {size.sql_disk_gb:,} GB, {zones}",
            f"{volumes_gb(size):,} GB {size.disk_type}",
        )


def _month(size: SizeSpec, *, is_suspended: bool = False) -> Bill:
    return bill(month_of(size, is_suspended=is_suspended), bundled.NANOS)


def _what_they_cost(bills: Sequence[tuple[SizeSpec, Bill, Bill]]) -> Iterator[str]:
    yield from _head("size", *PARTS, "sum", "per user", "suspended")
    for size, month, suspended in bills:
        parts = [dollars(month.cents_of(part)) for part in PARTS]
        each = dollars(round_half_up(month.cents, size.users))
        yield _row(size.name, *parts, f"**{dollars(month.cents)}**", each, dollars(suspended.cents))


def _unit_prices(prices: Mapping[str, int] = bundled.NANOS) -> Iterator[str]:
    yield "## Unit prices"
    yield ""
    yield from _head("item", "USD", "per")
    for key, nanos in prices.items():
        yield _row(ITEMS[key].title, unit_price(nanos), ITEMS[key].unit_word)


def _head(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield "|" + "---|" * len(titles)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
