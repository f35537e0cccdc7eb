"""Files of the export: JSON lines and CSV are read alike, to the billionth; what cannot be read is named."""

import csv
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.clients.cost_file import usages_of
from billing.costs.usage import Usage, as_nanos, summed
from portal.core.errors import Invalid
from tests.billing.export import CORE, credit, line, written

SMALL = 10**9


def as_csv(folder, lines):
    """The same lines flattened, lists as JSON."""
    names = ["usage_start_time", "project.id", "project.labels", "labels", "service.description", "sku.id",
             "sku.description", "cost", "currency", "credits", "cost_type"]  # fmt: skip
    path = folder / "costs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([_cell(each, name) for name in names] for each in lines)
    return path


def _cell(row, name):
    for part in name.split("."):
        row = (row or {}).get(part)
    return json.dumps(row) if isinstance(row, list) else row


def test_json_lines_and_csv_tell_the_same(tmp_path):
    lines = [
        line("src-1", "2026-11-24", 0.1, credits=[credit(-0.02), credit(-0.01)]),
        line("portal-host", "2026-11-25", 1.5, label="src-2", project_label="src-3"),
        line(None, "2026-11-25", 3),
    ]
    found = list(usages_of(written(tmp_path, lines)))
    assert found == list(usages_of(as_csv(tmp_path, lines)))
    service, sku, description = CORE
    assert found[0] == Usage(date(2026, 11, 24), "src-1", (), service, sku, description, "USD", 70_000_000)
    assert found[1].labels == ("src-2", "src-3")
    assert found[2].project == ""


@given(st.integers(-(10**15), 10**15))
def test_an_amount_is_read_to_the_billionth(nanos):
    assert as_nanos(Decimal(nanos) / SMALL) == as_nanos(str(Decimal(nanos) / SMALL)) == nanos


def test_numbers_are_read_as_they_are_written(tmp_path):
    path = written(tmp_path, [line("src-1", "2026-11-24", 0.0)])
    path.write_text(path.read_text().replace('"cost": 0.0', '"cost": 0.1000000004'))
    assert next(usages_of(path)).nanos == 100_000_000


def test_taxes_are_left_out_and_corrections_are_not(tmp_path):
    lines = [line("src-1", "2026-11-24", 5, cost_type=kind) for kind in ("tax", "adjustment", "rounding_error")]
    assert len(list(usages_of(written(tmp_path, lines)))) == 2


def test_a_day_is_that_of_utc(tmp_path):
    moments = ["2026-11-24 23:00:00 UTC", "2026-11-24T23:00:00Z", "2026-11-25T01:00:00+02:00", "2026-11-24 23:00:00"]
    lines = [line("src-1", "2026-11-24", 1, usage_start_time=moment) for moment in moments]
    assert {usage.day for usage in usages_of(written(tmp_path, lines))} == {date(2026, 11, 24)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cost": "dear"}, "Line 2: “dear” is no amount of money"),
        ({"sku": None}, "Line 2: "),
        ({"usage_start_time": "yesterday"}, "Line 2: Invalid isoformat"),
        ({"credits": [{}]}, "Line 2: 'amount' is missing"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, change, sentence):
    path = written(tmp_path, [line("src-1", "2026-11-24", 1), {**line("src-1", "2026-11-24", 1), **change}])
    with pytest.raises(Invalid, match=sentence):
        list(usages_of(path))


@pytest.mark.parametrize("text", ["no JSON", "\0"])
def test_what_is_no_export_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Invalid, match="Line 1"):
        list(usages_of(tmp_path / "x.json"))
    with pytest.raises(Invalid, match="cannot be read"):
        list(usages_of(tmp_path / "nothing"))


def test_hours_of_a_day_are_summed_for_each_sku_and_owner(tmp_path):
    lines = [line(project, "2026-11-24", 0.25) for project in ("src-1", "src-1", "src-2")]
    assert [usage.nanos for usage in summed(usages_of(written(tmp_path, lines)))] == [500_000_000, 250_000_000]
