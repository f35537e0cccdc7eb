"""Backups of what is in a database server, what a restore makes of them, and when those of volumes go."""

import pytest

from tests.devcloud.google_client import Place, refusal

DAY = 24 * 3600


@pytest.fixture
def database(place: Place) -> str:
    return make_server(place)


def make_server(place: Place, name: str = "db", **settings) -> str:
    """A running Cloud SQL instance; returns what the control API calls its database."""
    network = f"{place.name}/global/networks/net"
    if name == "db":
        place.connect_privately(place.make_network())
    body = place.database_body(network, name, **settings)
    place.run("sqladmin", place.google.api("sqladmin").instances().insert(project=place.id, body=body))
    return f"{place.name}/instances/{name}"


def backups(place):
    return place.google.api("sqladmin").backupRuns()


def back_up(place, description="before the upgrade"):
    return backups(place).insert(project=place.id, instance="db", body={"description": description})


def made_backup(place) -> str:
    return str(place.run("sqladmin", back_up(place))["backupContext"]["backupId"])


def restore(place, backup, instance="db", **source):
    context = {"backupRunId": backup, **source}
    instances = place.google.api("sqladmin").instances()
    return instances.restoreBackup(project=place.id, instance=instance, body={"restoreBackupContext": context})


def add_database(place, name):
    databases = place.google.api("sqladmin").databases()
    place.run("sqladmin", databases.insert(project=place.id, instance="db", body={"name": name}))


def databases_of(place, instance="db"):
    found = place.google.api("sqladmin").databases().list(project=place.id, instance=instance).execute()
    return {database["name"] for database in found["items"]}


def schemas(devcloud):
    return devcloud.control("GET", "schemas")["schemas"]


class TestABackup:
    def test_runs_and_is_found_by_its_description(self, place, database):
        operation = back_up(place).execute()
        [run] = backups(place).list(project=place.id, instance="db").execute()["items"]
        assert (run["status"], run["type"], run["description"]) == ("RUNNING", "ON_DEMAND", "before the upgrade")
        ended = place.finish("sqladmin", operation)
        assert (ended["operationType"], ended["backupContext"]["backupId"]) == ("BACKUP_VOLUME", run["id"])
        found = backups(place).get(project=place.id, instance="db", id=run["id"]).execute()
        assert (found["status"], "endTime" in found) == ("SUCCESSFUL", True)

    def test_is_one_change_at_a_time(self, place, database):
        back_up(place).execute()
        assert refusal(back_up(place)).reason == "operationInProgress"

    def test_can_fail_and_says_so(self, place, database, faulty):
        faulty.add_fault("sql.backupRuns.insert", "fail_operation", code="INTERNAL_ERROR", message="no room")
        assert place.run("sqladmin", back_up(place))["error"]["errors"][0]["code"] == "INTERNAL_ERROR"
        [run] = backups(place).list(project=place.id, instance="db").execute()["items"]
        assert (run["status"], run["error"]["code"]) == ("FAILED", "INTERNAL_ERROR")
        assert "not successful" in refusal(restore(place, run["id"])).message

    def test_goes_when_it_is_told_to(self, place, database):
        made = made_backup(place)
        delete = backups(place).delete(project=place.id, instance="db", id=made)
        operation = delete.execute()
        [run] = backups(place).list(project=place.id, instance="db").execute()["items"]
        assert run["status"] == "DELETION_PENDING"
        assert place.finish("sqladmin", operation)["operationType"] == "DELETE_BACKUP"
        assert refusal(backups(place).get(project=place.id, instance="db", id=made)).code == 404

    def test_lists_the_newest_first(self, place, database):
        made = [made_backup(place) for _ in range(2)]
        found = backups(place).list(project=place.id, instance="db").execute()["items"]
        assert [run["id"] for run in found] == made[::-1]


class TestARestore:
    def test_puts_back_what_was_there_at_the_start_of_the_backup_and_nothing_else(self, place, database, devcloud):
        add_database(place, "before")
        devcloud.control("PUT", "schemas", {"database": database, "version": "5.10.1"})
        made = made_backup(place)
        add_database(place, "after")
        devcloud.control("PUT", "schemas", {"database": database, "version": "5.11.0"})
        operation = restore(place, made).execute()
        get = place.google.api("sqladmin").instances().get(project=place.id, instance="db")
        assert get.execute()["state"] == "MAINTENANCE"
        assert refusal(back_up(place)).reason == "operationInProgress"
        assert place.finish("sqladmin", operation)["operationType"] == "RESTORE_VOLUME"
        assert get.execute()["state"] == "RUNNABLE"
        assert databases_of(place) == {"postgres", "before"}
        assert schemas(devcloud)[database] == "5.10.1"

    def test_of_another_instance_s_backup_makes_a_copy_of_it(self, google, place, database, devcloud):
        add_database(place, "theirs")
        devcloud.control("PUT", "schemas", {"database": database, "version": "5.10.1"})
        made = made_backup(place)
        other = google.project()
        copy = make_server(other)
        other.run("sqladmin", restore(other, made, project=place.id, instanceId="db"))
        assert databases_of(other) == {"postgres", "theirs"}
        assert schemas(devcloud)[copy] == "5.10.1"

    def test_needs_a_backup_that_is_there_and_room_for_it(self, place, database):
        assert refusal(restore(place, "404")).code == 404
        assert refusal(restore(place, "")).code == 400
        body = {"settings": {"dataDiskSizeGb": "50"}}
        place.run(
            "sqladmin", place.google.api("sqladmin").instances().patch(project=place.id, instance="db", body=body)
        )
        made = made_backup(place)
        make_server(place, "small")
        assert "disk" in refusal(restore(place, made, "small", instanceId="db")).message

    def test_that_fails_leaves_everything(self, place, database, faulty):
        made = made_backup(place)
        add_database(place, "after")
        faulty.add_fault("sql.instances.restoreBackup", "fail_operation", code="ERROR_RDBMS", message="no")
        assert "error" in place.run("sqladmin", restore(place, made))
        assert databases_of(place) == {"postgres", "after"}


class TestABackupOfVolumes:
    @pytest.fixture
    def plan(self, place) -> str:
        parent = f"{place.name}/locations/us-central1"
        place.make_network()
        body = {"cluster": place.make_cluster(), "retentionPolicy": {"backupRetainDays": 30, "backupDeleteLockDays": 2}}
        place.run("gkebackup", self.plans(place).create(parent=parent, backupPlanId="daily", body=body))
        return f"{parent}/backupPlans/daily"

    def plans(self, place):
        return place.google.api("gkebackup").projects().locations().backupPlans()

    def create(self, place, plan, name, **body):
        return self.plans(place).backups().create(parent=plan, backupId=name, body=body)

    def test_goes_when_its_days_are_over(self, place, plan, devcloud):
        place.run("gkebackup", self.create(place, plan, "ours", retainDays=14, labels={"instance": "src-1"}))
        place.run("gkebackup", self.create(place, plan, "usual"))
        get = lambda name: self.plans(place).backups().get(name=f"{plan}/backups/{name}")  # noqa: E731
        assert (get("ours").execute()["retainDays"], get("usual").execute()["retainDays"]) == (14, 30)
        devcloud.skip(15 * DAY)
        assert refusal(get("ours")).code == 404
        assert get("usual").execute()["state"] == "SUCCEEDED"

    def test_cannot_go_before_it_is_unlocked(self, place, plan):
        refused = refusal(self.create(place, plan, "ours", retainDays=1))
        assert (refused.code, "delete_lock_days" in refused.message) == (400, True)


class TestTimeSeries:
    DATABASE = "cloudsql.googleapis.com/database/disk/utilization"
    END = "2026-11-24T12:00:00Z"

    def series(self, place, query, **interval):
        interval = interval or {"interval_startTime": "2026-11-24T11:50:00Z", "interval_endTime": self.END}
        return place.google.api("monitoring").projects().timeSeries().list(name=place.name, filter=query, **interval)

    def test_a_database_s_disk_is_as_full_as_usual_or_as_was_told(self, place, database, devcloud):
        query = f'metric.type="{self.DATABASE}" AND resource.labels.database_id="{place.id}:db"'
        [found] = self.series(place, query).execute()["timeSeries"]
        assert (found["metricKind"], found["valueType"]) == ("GAUGE", "DOUBLE")
        assert [point["value"] for point in found["points"]] == [{"doubleValue": 0.35}]
        devcloud.control("PUT", "disks", {"project": place.id, "disk": "db", "utilization": 0.95})
        [found] = self.series(place, query).execute()["timeSeries"]
        assert found["points"][0]["value"] == {"doubleValue": 0.95}
        devcloud.control("PUT", "disks", {"project": place.id, "disk": "db", "utilization": None})
        assert self.series(place, query).execute() == {}

    def test_others_are_left_out(self, place, database):
        query = f'metric.type="{self.DATABASE}" AND resource.labels.database_id="{place.id}:other"'
        assert self.series(place, query).execute() == {}

    @pytest.mark.parametrize("query", ["", 'resource.labels.project_id="x"', 'metric.type="a" AND metric.type="b"'])
    def test_the_filter_names_one_metric(self, place, query):
        assert "single metric type" in refusal(self.series(place, query)).message

    @pytest.mark.parametrize(
        "interval",
        [
            {"interval_startTime": END},
            {"interval_startTime": END, "interval_endTime": "2026-11-24T11:50:00Z"},
            {"interval_endTime": "yesterday"},
            {"interval_endTime": "2026-11-24T12:00:00"},
        ],
    )
    def test_an_interval_has_an_end_and_its_start_before_that(self, place, interval):
        query = f'metric.type="{self.DATABASE}"'
        assert refusal(self.series(place, query, **interval)).code == 400


class TestEveryNight:
    def runs(self, place):
        return backups(place).list(project=place.id, instance="db").execute().get("items", [])

    def pass_nights(self, place, count):
        for _ in range(count):
            place.google.devcloud.skip(DAY)

    def test_what_is_to_be_backed_up_is_and_only_so_many_are_kept(self, place):
        kept = {"retainedBackups": 2, "retentionUnit": "COUNT"}
        make_server(place, backupConfiguration={"enabled": True, "startTime": "03:00", "backupRetentionSettings": kept})
        by_hand = made_backup(place)
        self.pass_nights(place, 4)
        automated = [run for run in self.runs(place) if run["type"] == "AUTOMATED"]
        assert [run["status"] for run in automated] == ["SUCCESSFUL"] * 2
        assert {run["startTime"][11:16] for run in automated} == {"03:00"}
        assert by_hand in {run["id"] for run in self.runs(place)}

    def test_it_comes_to_nothing_when_told_to_and_pushes_out_no_good_one(self, place, devcloud):
        kept = {"retainedBackups": 1, "retentionUnit": "COUNT"}
        make_server(place, backupConfiguration={"enabled": True, "startTime": "03:00", "backupRetentionSettings": kept})
        self.pass_nights(place, 1)
        devcloud.control("PUT", "nightly-backups", {"project": place.id, "fails": True})
        self.pass_nights(place, 2)
        assert [run["status"] for run in self.runs(place)] == ["FAILED", "FAILED", "SUCCESSFUL"]
        devcloud.control("PUT", "nightly-backups", {"project": place.id, "fails": False})
        self.pass_nights(place, 1)
        assert [run["status"] for run in self.runs(place)] == ["SUCCESSFUL", "FAILED", "FAILED"]

    def test_it_can_be_restored_elsewhere(self, place):
        make_server(place, backupConfiguration={"enabled": True, "startTime": "03:00"})
        add_database(place, "pgsql")
        self.pass_nights(place, 1)
        [run] = self.runs(place)
        make_server(place, "other")
        place.run("sqladmin", restore(place, run["id"], "other", instanceId="db", project=place.id))
        assert "pgsql" in databases_of(place, "other")

    def test_without_being_asked_for_none_is_made(self, place, database):
        self.pass_nights(place, 2)
        assert self.runs(place) == []
