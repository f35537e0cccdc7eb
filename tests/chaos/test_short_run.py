"""A short storm over a whole stack: nothing is lost, doubled, leaked or stuck, and nobody had to help."""

import pytest

from tests.chaos.running import chaos
from tools.chaos.plan import Kind

FAULTS = 16


@pytest.mark.helm
def test_all_converges_after_a_short_storm():
    length = ("--faults", FAULTS, "--spacing", 1, "--patience", 150)
    result = chaos("--seed", 11, *length, "--fleet", 4, "--at-once", 7, "--speed", 200)
    assert result["faults"] >= FAULTS - 2  # no helm may have run in time to be killed
    assert len(result["faults_by_kind"]) >= len(Kind) - 1
    assert set(result["operations_by_kind"]) == {"provision", "upgrade", "resize", "repair", "teardown"}
    assert result["operations"] >= 12
