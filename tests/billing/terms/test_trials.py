"""What a longer trial comes to, and whether there is room for one more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.models import TrialPolicy
from billing.terms.trials import Extension, Load, cost_of, why_full

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


def planned(**fields) -> Extension:
    usual: dict[str, Any] = {"ends_at": ENDS, "from_at": ENDS, "days": 14, "cents": 0, "earlier": 0, "resumes": False}
    return Extension(**usual | fields)


def test_a_month_of_730_hours_costs_what_the_list_says():
    assert cost_of(73_000, 365) == 12 * 73_000
    assert (cost_of(73_000, 1), cost_of(31_300, 14), cost_of(0, 30)) == (2_400, 14_407, 0)


@pytest.mark.parametrize(("days", "earlier", "needs"), [(1, 0, False), (30, 0, False), (31, 0, True), (1, 1, True)])
def test_sales_may_do_it_once_by_thirty_days(days, earlier, needs):
    assert planned(days=days, earlier=earlier).needs_manager is needs


def test_the_days_count_from_where_they_begin():
    assert planned(from_at=ENDS + timedelta(days=3), days=10).until == ENDS + timedelta(days=13)


@pytest.mark.parametrize(
    ("running", "cents", "ahead", "why"),
    [
        (99, 0, 0, ""),
        (100, 0, 0, "100 of at most 100 trials run."),
        (98, 0, 1, ""),
        (98, 0, 2, "98 of at most 100 trials run."),
        (1, 4_969_000, 0, ""),
        (1, 4_969_001, 0, "The trials that there are cost 49,690.01 USD a month, of at most 50,000.00 USD."),
        (1, 4_938_000, 2, "The trials that there are cost 49,380.00 USD a month, of at most 50,000.00 USD."),
    ],
)
def test_there_is_room_below_both_caps_for_all_who_wait(running, cents, ahead, why):
    assert why_full(TrialPolicy(), Load(running, cents), 31_000, ahead=ahead) == why


def test_closed_is_closed_however_much_room_there_is():
    assert why_full(TrialPolicy(is_open=False), Load(0, 0), 31_000) == "Trials are closed."
