"""What breaks a gate."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.fleet.gates import Showing, broken
from provisioning.models import RolloutStage

LIMITS = RolloutStage(most_failed_percent=5, least_healthy_percent=99, most_burn=2.0)


@pytest.mark.parametrize(
    ("showing", "says"),
    [
        (Showing(), ""),
        (Showing(turns=100, failed=5, done=95), ""),
        (Showing(turns=100, failed=6, done=94), r"6 of 100 have failed \(6 %\); at most 5 % may"),
        (Showing(turns=2, failed=1, done=1), r"1 of 2 have failed \(50 %\)"),
        (Showing(turns=1, failed=1), r"1 of 1 have failed \(100 %\)"),
        (Showing(turns=100, done=100, unhealthy=1), ""),
        (Showing(turns=50, done=50, unhealthy=1), "1 of 50 that are done do not answer; at least 99 % must"),
        (Showing(turns=9, done=9, burn=2.0), ""),
        (Showing(turns=9, done=9, burn=14.2), r"burnt 14\.2 times the error budget of that time; at most 2 times"),
    ],
)
def test_a_gate_says_which_limit_is_passed(showing, says):
    assert re.fullmatch(f".*{says}.*" if says else "", broken(LIMITS, showing))


counts = st.integers(0, 500)


@given(counts, counts, counts, st.floats(0, 100))
def test_what_is_worse_never_mends_it(done, failed, unhealthy, burn):
    unhealthy = min(unhealthy, done)
    as_it_is = Showing(turns=done + failed, failed=failed, done=done, unhealthy=unhealthy, burn=burn)
    worse = Showing(turns=done + failed + 1, failed=failed + 1, done=done, unhealthy=unhealthy, burn=burn + 1)
    if broken(LIMITS, as_it_is):
        assert broken(LIMITS, worse)
