"""What Google has charged is taken in: once, corrected later, matched to instances; what is odd is told."""

from datetime import date

import pytest
import time_machine
from django.core.management import CommandError, call_command

from billing.models import CostJump, CostLine, Sync
from billing.services.costs import costs_refresh
from billing.services.syncs import syncs_go_on
from billing.tasks import sync_costs
from portal.core.models import AuditEvent
from tests.billing.export import TABLE, export, line, written

pytestmark = pytest.mark.django_db
DISK = ("Compute Engine", "DISK", "Balanced PD Capacity")


@pytest.fixture(autouse=True)
def day(settings):
    settings.GOOGLE_COST_TABLE = TABLE
    with time_machine.travel("2026-11-28T06:10:00Z") as traveller:
        yield traveller


def told() -> dict[tuple[str, str], int]:
    """Nanos by day and SKU."""
    return {(str(row.day), row.sku): row.nanos for row in CostLine.objects.all()}


def synced() -> Sync:
    sync_costs()
    syncs_go_on()
    return Sync.objects.latest("id")


class TestFromBigQuery:
    def test_lines_are_those_of_the_instance_whose_project_it_is(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1), line(trial.pk, "2026-11-27", 2, thing=DISK)])
        found = costs_refresh()
        assert (found.lines, found.problems) == (2, [])
        assert set(told().values()) == {1_000_000_000, 2_000_000_000}
        assert CostLine.objects.filter(instance=trial, description=DISK[2]).get().taken_at

    @pytest.mark.parametrize("where", ["label", "project_label"])
    def test_a_label_names_the_instance_where_the_project_does_not(self, devcloud, trial, where):
        export(devcloud, [line("portal-host", "2026-11-27", 1, **{where: trial.pk})])
        assert costs_refresh().lines == 1

    def test_lines_of_several_projects_of_an_instance_are_one(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1), line("portal-host", "2026-11-27", 2, label=trial.pk)])
        costs_refresh()
        assert list(told().values()) == [3_000_000_000]

    def test_taking_it_in_again_changes_nothing(self, devcloud, trial):
        export(devcloud, [line(trial.pk, f"2026-11-{number}", 1) for number in range(20, 28)])
        costs_refresh()
        before = told()
        costs_refresh()
        assert told() == before

    def test_a_late_correction_replaces_the_days_lines(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-24", 1), line(trial.pk, "2026-11-24", 2, thing=DISK)])
        costs_refresh()
        export(devcloud, [line(trial.pk, "2026-11-24", 5)])
        costs_refresh()
        assert list(told().values()) == [5_000_000_000]

    def test_what_is_older_than_five_days_is_left_alone(self, devcloud, trial):
        export(devcloud, [line(trial.pk, day, 1) for day in ("2026-11-21", "2026-11-27")])
        costs_refresh()
        export(devcloud, [line(trial.pk, day, 9) for day in ("2026-11-21", "2026-11-27")])
        costs_refresh()
        assert sorted(told().values()) == [1_000_000_000, 9_000_000_000]

    def test_the_first_time_it_goes_back_to_the_month_before(self, devcloud, trial):
        export(devcloud, [line(trial.pk, day, 1) for day in ("2026-09-26", "2026-09-27", "2026-10-20", "2026-11-28")])
        assert costs_refresh().days == {date(2026, 9, 27), date(2026, 10, 20), date(2026, 11, 28)}

    def test_days_that_were_missed_are_made_up_for(self, devcloud, trial, day):
        export(devcloud, [line(trial.pk, "2026-11-27", 1)])
        costs_refresh()
        day.move_to("2026-12-20T06:10:00Z")
        export(devcloud, [line(trial.pk, when, 2) for when in ("2026-11-20", "2026-11-27", "2026-12-05", "2026-12-19")])
        costs_refresh()
        assert {key[0] for key in told()} == {"2026-11-27", "2026-12-05", "2026-12-19"}
        assert set(told().values()) == {2_000_000_000}  # what was corrected meanwhile is corrected

    def test_what_is_no_longer_charged_on_a_day_is_gone_and_a_silent_day_keeps_its_lines(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-26", 1), line(trial.pk, "2026-11-27", 1, thing=DISK)])
        costs_refresh()
        export(devcloud, [line(trial.pk, "2026-11-27", 1)])
        costs_refresh()
        assert {key[0] for key in told()} == {"2026-11-26", "2026-11-27"}
        assert "DISK" not in {key[1] for key in told()}

    def test_an_export_that_has_gone_silent_replaces_nothing_and_is_told(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1)])
        costs_refresh()
        export(devcloud, [])
        assert "Is it switched on?" in costs_refresh().problems[0]
        assert len(told()) == 1

    def test_what_belongs_to_no_instance_is_told_and_not_kept(self, devcloud, trial):
        export(
            devcloud,
            [line("somebodys", "2026-11-27", 12.345), line(None, "2026-11-26", 1), line(trial.pk, "2026-11-27", 1)],
        )
        assert costs_refresh().problems == [
            "The project somebodys belongs to no instance: 12.35 USD.",
            "What is in no project belongs to no instance: 1.00 USD.",
        ]
        assert len(told()) == 1

    def test_another_currency_is_kept_and_told(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1, currency="EUR")])
        assert "Costs in EUR are kept" in costs_refresh().problems[0]
        assert CostLine.objects.get().currency == "EUR"

    def test_credits_may_exceed_a_cost(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", -3, cost_type="adjustment")])
        costs_refresh()
        assert list(told().values()) == [-3_000_000_000]


class TestEveryDay:
    def test_a_run_is_listed_with_what_it_found(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1), line("somebodys", "2026-11-27", 1)])
        sync = synced()
        assert (sync.kind, sync.status, sync.requested_for) == ("costs", "done", "daily cost sync")
        assert sync.changes == ["1 line of 1 day, the last 2026-11-27."]
        assert len(sync.problems) == 1

    def test_a_table_that_is_not_there_is_told(self, devcloud, trial):
        sync = synced()
        assert sync.status == "failed"
        assert "was not found in location US" in sync.problems[0]

    def test_trouble_at_google_leaves_what_was_known(self, devcloud, trial):
        export(devcloud, [line(trial.pk, "2026-11-27", 1)])
        costs_refresh()
        devcloud.add_fault("bigquery.jobs.query", "status", status=503)
        assert synced().status == "failed"
        assert len(told()) == 1

    def test_without_a_table_google_is_not_asked(self, devcloud, trial, settings):
        settings.GOOGLE_COST_TABLE = ""
        before = len(devcloud.calls())
        assert synced().status == "done"
        assert len(devcloud.calls()) == before


class TestFromAFile:
    @pytest.fixture(autouse=True)
    def no_table(self, settings):
        settings.GOOGLE_COST_TABLE = ""

    def test_a_command_takes_it_in_and_it_is_listed_as_a_run(self, trial, ada, tmp_path, capsys):
        path = written(tmp_path, [line(trial.pk, "2026-11-24", 1), line("somebodys", "2026-11-24", 1)])
        call_command("costs_import", str(path), "--as", ada.email)
        printed = capsys.readouterr()
        assert "1 line of 1 day" in printed.out
        assert "somebodys belongs to no instance" in printed.err
        sync = Sync.objects.get()
        assert (sync.status, sync.requested_by, sync.reason) == ("done", ada, "The file costs.json.")
        assert AuditEvent.objects.get(action="costs.import").actor == ada

    def test_it_replaces_the_same_instances_and_days_alone(self, trial, tmp_path):
        first = [line(trial.pk, day, 1) for day in ("2026-11-24", "2026-11-25")]
        call_command("costs_import", str(written(tmp_path, first)))
        call_command("costs_import", str(written(tmp_path, [line(trial.pk, "2026-11-25", 4)])))
        assert sorted(told().values()) == [1_000_000_000, 4_000_000_000]

    def test_a_file_that_cannot_be_read_changes_nothing(self, trial, tmp_path):
        path = written(tmp_path, [line(trial.pk, "2026-11-24", 1), {}])
        with pytest.raises(CommandError, match="Line 2"):
            call_command("costs_import", str(path))
        assert not CostLine.objects.exists()
        assert not Sync.objects.exists()

    def test_jumps_are_looked_for_at_once(self, trial, tmp_path):
        days = [line(trial.pk, f"2026-11-{number:02}", 50 if number > 24 else 10) for number in range(1, 29)]
        call_command("costs_import", str(written(tmp_path, days)))
        assert CostJump.objects.get().since == date(2026, 11, 25)
