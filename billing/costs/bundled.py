"""The prices that the portal ships with: us-central1, US dollars, on demand, for the demo and until the first sync.

Collected on the day below from public lists of 2024 to 2026 (docs/sizes.md names them); within five percent.
"""

from datetime import UTC, datetime
from typing import Final

REGION: Final = "us-central1"
COLLECTED_AT: Final = datetime(2026, 11, 24, tzinfo=UTC)
# In billionths of a US dollar for one unit of the item, as Google's own catalogue counts.
NANOS: Final = {
    "cluster": 100_000_000,
    "e2-core": 21_811_590,
    "e2-memory": 2_923_530,
    "n2-core": 31_611_000,
    "n2-memory": 4_237_000,
    "pd-balanced": 100_000_000,
    "pd-ssd": 170_000_000,
    "forwarding": 25_000_000,
    "nat": 1_400_000,
    "address": 5_000_000,
    "sql-core": 41_300_000,
    "sql-memory": 7_000_000,
    "sql-disk": 170_000_000,
    "sql-ha-core": 82_600_000,
    "sql-ha-memory": 14_000_000,
    "sql-ha-disk": 340_000_000,
    "sql-backup": 80_000_000,
    "backup-pod": 1_000_000_000,
    "backup-storage": 28_000_000,
}
