"""One count is a slip, two are a fact; and who is at the edge is not told every other day."""

import pytest

from billing.terms.seats import is_in_order, is_lastingly_over


@pytest.mark.parametrize(
    ("paid", "used", "over", "in_order"),
    [
        (25, [], False, True),
        (25, [31], False, False),
        (25, [25, 31], False, False),
        (25, [31, 31], True, False),
        (25, [31, 26], True, False),
        (25, [31, 31, 25], False, False),
        (25, [31, 25, 25], False, True),
        (31, [31, 31], False, True),
        (0, [1, 1], True, False),
        (None, [31, 31], False, True),
    ],
)
def test_two_days_tell(paid, used, over, in_order):
    assert (is_lastingly_over(paid, used), is_in_order(paid, used)) == (over, in_order)
