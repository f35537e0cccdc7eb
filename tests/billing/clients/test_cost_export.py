"""The table in BigQuery: one query for a span of days, page by page; refusals are understood as Google means them."""

from datetime import date

import pytest

from billing.clients import cost_export
from billing.clients.cost_export import usages
from portal.core.errors import Conflict, Invalid
from provisioning.clients.google import Forbidden, NotFound, Passing
from tests.billing.export import CORE, TABLE, credit, export, line

SINCE, UNTIL = date(2026, 11, 24), date(2026, 11, 26)


def asked(devcloud, lines, **table):
    export(devcloud, lines, **table)
    return list(usages(TABLE, SINCE, UNTIL))


def queries(devcloud, since: int) -> list[str]:
    return [call["method"] for call in devcloud.calls(since)]


def test_it_sums_what_a_sku_has_cost_on_a_day_less_credits(devcloud):
    found = asked(
        devcloud,
        [
            line("src-1", "2026-11-24", 0.1, credits=[credit(-0.04)]),
            line("src-1", "2026-11-24", 0.2),
            line("src-1", "2026-11-25", 0.3),
            line("src-2", "2026-11-24", 0.5, label="src-3", project_label="src-4"),
            line(None, "2026-11-24", 7),
        ],
    )
    told = {(usage.day.day, usage.project, usage.labels): usage.nanos for usage in found}
    assert told == {
        (24, "src-1", ()): 260_000_000,
        (25, "src-1", ()): 300_000_000,
        (24, "src-2", ("src-3", "src-4")): 500_000_000,
        (24, "", ()): 7_000_000_000,
    }
    assert (found[0].service, found[0].sku, found[0].description) == CORE


def test_other_days_and_taxes_are_not_asked_for(devcloud):
    others = [line("src-1", day, 1) for day in ("2026-11-23", "2026-11-26")]
    assert asked(devcloud, [*others, line("src-1", "2026-11-24", 1, cost_type="tax")]) == []


def test_many_rows_come_page_by_page(devcloud):
    lines = [line(f"src-{number}", "2026-11-24", 1) for number in range(2 * cost_export.PAGE_ROWS + 1)]
    before = len(devcloud.calls())
    assert len({usage.project for usage in asked(devcloud, lines)}) == len(lines)
    assert queries(devcloud, before)[-3:] == ["bigquery.jobs.query", *["bigquery.jobs.getQueryResults"] * 2]


def test_a_job_that_is_not_done_is_asked_again(devcloud):
    assert len(asked(devcloud, [line("src-1", "2026-11-24", 1)], slow=2)) == 1


def test_a_job_that_is_never_done_is_given_up(devcloud):
    with pytest.raises(Conflict, match="within two minutes"):
        asked(devcloud, [], slow=100)


def test_a_table_that_is_not_there_is_not_found(devcloud):
    with pytest.raises(NotFound, match="was not found in location US"):
        list(usages("portal-host.costs.other", SINCE, UNTIL))


def test_a_project_that_is_not_ours_is_forbidden(devcloud):
    with pytest.raises(Forbidden, match=r"bigquery\.jobs\.create"):
        list(usages("somebody-else.costs.table", SINCE, UNTIL))


def test_trouble_at_google_passes(devcloud):
    devcloud.add_fault("bigquery.jobs.query", "status", status=503)
    with pytest.raises(Passing):
        asked(devcloud, [])


@pytest.mark.parametrize("table", ["", "costs.table", "a.b.c`; DROP TABLE x", "portal-host.costs.table.more"])
def test_what_is_no_table_is_not_asked_for(table):
    with pytest.raises(Invalid, match=r"project\.dataset\.table"):
        list(usages(table, SINCE, UNTIL))
