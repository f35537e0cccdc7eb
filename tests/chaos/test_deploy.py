"""A deploy in the middle of a fleet upgrade is a non-event: all processes are replaced, twice, and nobody notices."""

import pytest

from tests.chaos.running import chaos

DEPLOYS, FLEET, NEW = 2, 8, 3
MOST_SECONDS = 10.0


@pytest.mark.helm
def test_every_process_stops_within_seconds_and_leaves_nothing_behind():
    length = ("--deploys", DEPLOYS, "--spacing", 3, "--patience", 150)
    result = chaos(*length, "--fleet", FLEET, "--at-once", NEW, "--speed", 200)
    print(f"The slowest process was gone after {result['slowest_stop_seconds']} s.")  # noqa: T201 - for -s
    assert {name: len(taken) for name, taken in result["stop_seconds"].items()} == {
        "worker-1": DEPLOYS, "worker-2": DEPLOYS, "worker-3": DEPLOYS, "beat": DEPLOYS,
    }  # fmt: skip
    assert result["slowest_stop_seconds"] < MOST_SECONDS
    assert result["operations_by_kind"] == {"provision": FLEET + NEW, "upgrade": FLEET}
    # What was in hand was reported: nothing waited for the end of a lease.
    assert result["abandoned_claims"] == result["refused_results"] == 0
