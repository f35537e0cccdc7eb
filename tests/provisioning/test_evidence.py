"""What an auditor is given: whole, of the period alone, and in as many queries however much there is."""

import csv
import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.core.audit import record
from portal.core.sealing import events_seal
from provisioning.health.slo import Span
from provisioning.models import Access, Alert, AlertRule, Operation, Outage, UptimeDay
from provisioning.selectors.evidence import TABLES

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOVEMBER = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def write(tmp_path: Path):
    """The evidence of November, as a folder."""

    def write(first: str = "2026-11-01", last: str = "2026-11-30", name: str = "out") -> Path:
        folder = tmp_path / name
        call_command("evidence", "--from", first, "--to", last, "--folder", str(folder))
        return folder

    return write


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def operation(trial, ada, **columns) -> Operation:
    usual = {
        "kind": "upgrade",
        "status": "succeeded",
        "requested_by": ada,
        "reason": "A patch.",
        "created_at": NOON,
        "started_at": NOON,
        "finished_at": NOON + timedelta(minutes=5),
        "wanted": {"app_version": "5.11.0"},
        "previous": {"app_version": "5.10.1"},
        "probes": 150,
        "downtime_seconds": 1.25,
    }
    return Operation.objects.create(instance=trial, **{**usual, **columns})


def test_a_change_says_who_from_what_to_what_and_what_was_noticed(write, trial, ada):
    made = operation(trial, ada)
    operation(trial, ada, created_at=datetime(2026, 12, 1, tzinfo=UTC))
    operation(trial, ada, kind="provision")
    [row] = rows(write(), "changes")
    assert (row["operation"], row["asked_by"], row["reason"]) == (made.pk, ada.email, "A patch.")
    assert (row["from"], row["to"], row["downtime_seconds"]) == ("5.10.1", "5.11.0", "1.2")
    assert row["ended_at"] == "2026-11-24T12:05:00+00:00"


def test_an_access_says_who_asked_and_who_agreed(write, trial, ada, alice):
    Access.objects.create(
        instance=trial, asked_by=ada, reason="It is slow.", ticket="T-1", minutes=30, asked_at=NOON, state="granted",
        decided_by=alice, decided_at=NOON, ends_at=NOON + timedelta(minutes=30),
    )  # fmt: skip
    [row] = rows(write(), "access")
    assert (row["asked_by"], row["agreed_by"], row["ticket"]) == (ada.email, alice.email, "T-1")


def test_uptime_is_by_calendar_month(write, trial):
    for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30)):
        UptimeDay.objects.create(instance=trial, day=day, watched_seconds=86_400, down_seconds=100, planned_seconds=60)
    [row] = rows(write(), "uptime")
    assert (row["month"], row["watched_seconds"], row["unplanned_seconds"]) == ("2026-11", "172800", "80.0")
    assert float(row["uptime"]) > float(row["uptime_with_maintenance"])
    assert len(rows(write("2026-10-01", name="other"), "uptime")) == 2


def test_an_alert_says_how_soon_somebody_was_at_it(write, trial, ada):
    Alert.objects.create(
        rule=AlertRule.objects.get(pk="instance-down"), subject=trial.pk, instance=trial, sentence="It is down.",
        opened_at=NOON, told_at=NOON, acknowledged_by=ada, acknowledged_at=NOON + timedelta(seconds=90),
        resolved_at=NOON + timedelta(minutes=10),
    )  # fmt: skip
    Outage.objects.create(instance=trial, began_at=NOON, ended_at=NOON + timedelta(minutes=9), what="503")
    folder = write()
    [row] = rows(folder, "alerts")
    assert (row["seconds_to_answer"], row["seconds_to_end"], row["acknowledged_by"]) == ("90.0", "600.0", ada.email)
    assert [row["what"] for row in rows(folder, "outages")] == ["503"]


def test_people_are_those_who_work_here(write, ada, sam, alice):
    found = {row["who"]: row for row in rows(write(), "people")}
    assert set(found) == {ada.email, sam.email}
    assert (found[ada.email]["admin"], found[sam.email]["sales"]) == ("True", "True")


def test_the_list_has_each_files_digest_and_says_whether_the_audit_is_whole(write, acme):
    record("organization.rename", acme, actor_label="test")
    events_seal()
    folder = write()
    text = (folder / "README.md").read_text()
    for table in TABLES:
        digest = hashlib.sha256((folder / f"{table.name}.csv").read_bytes()).hexdigest()
        assert f"| {table.name}.csv | {table.about} |" in text
        assert digest in text
    assert "It is whole" in text


def test_what_is_there_is_never_written_over(write):
    write()
    with pytest.raises(CommandError, match="is there already"):
        write()
    with pytest.raises(CommandError, match="before the first"):
        write("2026-12-02", "2026-12-01", name="other")


def test_every_column_is_told(trial, ada):
    operation(trial, ada)
    for table in TABLES:
        for row in table.rows(NOVEMBER):
            assert set(row) == set(table.columns), table.name


def test_the_controls_name_every_table(settings):
    text = Path(settings.BASE_DIR, "docs", "security", "controls.md").read_text()
    assert {table.name for table in TABLES} == {name for name in (t.name for t in TABLES) if f"{name}.csv" in text}


def test_it_takes_the_same_queries_however_much_there_is(trial, ada, django_assert_max_num_queries):
    for _ in range(30):
        operation(trial, ada)
    with django_assert_max_num_queries(2 * len(TABLES)):
        assert sum(1 for table in TABLES for _row in table.rows(NOVEMBER)) >= 30
