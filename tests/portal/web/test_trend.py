"""The plot of thirty days: where its points lie, and that it can be read without being seen."""

from datetime import date, timedelta

from portal.web.trend import EDGE, HEIGHT, WIDTH, draw_trend

TODAY = date(2026, 12, 1)


def days(*counts: int) -> list[tuple[date, int]]:
    first = TODAY - timedelta(days=len(counts) - 1)
    return [(first + timedelta(days=number), count) for number, count in enumerate(counts)]


def test_a_line_takes_two_days():
    assert draw_trend("Accounts", days(7), TODAY) is None
    assert draw_trend("Accounts", [], TODAY) is None


def test_thirty_days_fill_it_from_edge_to_edge():
    trend = draw_trend("Accounts", days(*range(30)), TODAY)
    assert trend is not None
    assert trend.line.startswith(f"M{EDGE} {HEIGHT - EDGE}L")
    assert trend.end == (WIDTH - EDGE, EDGE)


def test_what_is_older_is_left_out():
    trend = draw_trend("Accounts", days(*[900] * 10, *[3] * 30), TODAY)
    assert trend is not None
    assert "from 3 to 3" in trend.label


def test_the_limit_is_drawn_where_it_lies_and_fits_in():
    below = draw_trend("Accounts", days(10, 20), TODAY, limit=40)
    above = draw_trend("Accounts", days(10, 50), TODAY, limit=25)
    assert below is not None
    assert above is not None
    assert (below.limit_y, above.limit_y, above.end[1]) == (EDGE, HEIGHT / 2, EDGE)
    assert above.label == "Accounts in the last 30 days: from 10 to 50, now 50, of 25 that are paid for."


def test_of_nobody_it_is_a_line_at_the_bottom():
    trend = draw_trend("Accounts", days(0, 0), TODAY, limit=0)
    assert trend is not None
    assert (trend.end[1], trend.limit_y) == (HEIGHT - EDGE, HEIGHT - EDGE)
