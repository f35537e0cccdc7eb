"""Cloud SQL's read replicas: what they need, what they forbid their primary, and how one stands alone."""

import pytest

from tests.devcloud.google_client import Place, refusal

FAR = "us-east1"


def instances(place):
    return place.google.api("sqladmin").instances()


def where(place, instance="db"):
    return {"project": place.id, "instance": instance}


def get(place, instance="db"):
    return instances(place).get(**where(place, instance)).execute()


@pytest.fixture
def network(place: Place) -> str:
    network = place.make_network()
    place.connect_privately(network)
    return network


@pytest.fixture
def primary(place, network) -> str:
    place.run("sqladmin", instances(place).insert(project=place.id, body=place.database_body(network)))
    return "db"


@pytest.fixture
def follow(place, network, primary):
    """Asks for a replica, in another region, with these settings."""

    def follow(name="copy", **settings):
        body = place.database_body(network, name, **settings) | {"region": FAR, "masterInstanceName": primary}
        return instances(place).insert(project=place.id, body=body)

    return follow


@pytest.fixture
def replica(place, follow) -> str:
    place.run("sqladmin", follow())
    return "copy"


def patch(place, instance, **settings):
    return instances(place).patch(**where(place, instance), body={"settings": settings})


def test_a_replica_stands_in_another_region_and_both_name_each_other(place, follow):
    ended = place.run("sqladmin", follow())
    assert (ended["operationType"], ended["targetId"]) == ("CREATE_REPLICA", "copy")
    found = get(place, "copy")
    assert (found["instanceType"], found["region"]) == ("READ_REPLICA_INSTANCE", FAR)
    assert found["masterInstanceName"] == f"{place.id}:db"
    assert get(place)["replicaNames"] == ["copy"]
    assert found["ipAddresses"][0]["ipAddress"] != get(place)["ipAddresses"][0]["ipAddress"]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"tier": "db-custom-1-3840"}, "too small to follow"),
        ({"backupConfiguration": {"enabled": True}}, "Backups cannot be enabled"),
        ({"activationPolicy": "NEVER"}, "cannot be stopped"),
    ],
)
def test_a_replica_that_could_not_follow_is_refused(follow, wish, says):
    assert says in refusal(follow(**wish)).message


def test_a_replica_of_a_smaller_disk_is_refused(place, follow, primary):
    place.run("sqladmin", patch(place, primary, dataDiskSizeGb="40"))
    assert "at least as large" in refusal(follow()).message
    assert "error" not in place.run("sqladmin", follow(dataDiskSizeGb="40"))


def test_a_primary_that_is_not_there_or_at_work_is_not_followed(place, network, follow, primary):
    body = place.database_body(network, "copy") | {"masterInstanceName": "nobody"}
    assert refusal(instances(place).insert(project=place.id, body=body)).code == 404
    operation = patch(place, primary, dataDiskSizeGb="20").execute()
    assert refusal(follow(dataDiskSizeGb="20")).reason == "operationInProgress"
    place.finish("sqladmin", operation)
    place.run("sqladmin", patch(place, primary, activationPolicy="NEVER"))
    assert "not running" in refusal(follow(dataDiskSizeGb="20")).message


def test_a_replica_is_not_followed(place, network, replica):
    body = place.database_body(network, "third") | {"masterInstanceName": replica}
    assert "replica of a replica" in refusal(instances(place).insert(project=place.id, body=body)).message


def test_a_primary_with_a_replica_is_neither_stopped_nor_deleted_nor_restored(place, primary, replica):
    assert "with read replicas cannot be stopped" in refusal(patch(place, primary, activationPolicy="NEVER")).message
    refused = refusal(instances(place).delete(**where(place)))
    assert (refused.code, refused.reason) == (400, "errorReplicationMasterInvalidOperation")
    body = {"restoreBackupContext": {"backupRunId": "1"}}
    assert refusal(instances(place).restoreBackup(**where(place), body=body)).code == 400


def test_a_replica_grows_before_its_primary_and_shrinks_after_it(place, primary, replica):
    large = "db-custom-4-15360"
    assert "too small to follow" in refusal(patch(place, primary, tier=large)).message
    place.run("sqladmin", patch(place, replica, tier=large))
    place.run("sqladmin", patch(place, primary, tier=large))
    small = "db-custom-2-7680"
    assert "too small to follow" in refusal(patch(place, replica, tier=small)).message
    place.run("sqladmin", patch(place, primary, tier=small))
    assert "error" not in place.run("sqladmin", patch(place, replica, tier=small))


def test_the_disk_of_a_replica_grows_with_its_primarys(place, primary, replica):
    place.run("sqladmin", patch(place, primary, dataDiskSizeGb="50"))
    assert get(place, replica)["settings"]["dataDiskSizeGb"] == "50"


def test_nothing_is_written_to_a_replica_and_it_is_not_backed_up(place, replica):
    api = place.google.api("sqladmin")
    asked = where(place, replica)
    for request in (
        api.databases().insert(**asked, body={"name": "pgsql"}),
        api.users().insert(**asked, body={"name": "sg", "password": "hidden-from-all"}),
        api.backupRuns().insert(**asked, body={}),
    ):
        assert "not valid for a replica" in refusal(request).message


def test_the_name_of_a_deleted_replica_is_free_at_once_and_its_primary_can_go_then(place, primary, replica, follow):
    place.run("sqladmin", instances(place).delete(**where(place, replica)))
    assert "replicaNames" not in get(place)
    place.run("sqladmin", follow())
    place.run("sqladmin", instances(place).delete(**where(place, replica)))
    assert "error" not in place.run("sqladmin", instances(place).delete(**where(place)))


def test_a_promoted_replica_holds_what_its_primary_held_and_both_stand_alone(place, primary, replica):
    api = place.google.api("sqladmin")
    place.run("sqladmin", api.databases().insert(**where(place), body={"name": "pgsql"}))
    assert "only valid for a replica" in refusal(instances(place).promoteReplica(**where(place))).message
    ended = place.run("sqladmin", instances(place).promoteReplica(**where(place, replica)))
    assert ended["operationType"] == "PROMOTE_REPLICA"
    found = get(place, replica)
    assert (found["instanceType"], "masterInstanceName" in found) == ("CLOUD_SQL_INSTANCE", False)
    assert "replicaNames" not in get(place)
    listed = api.databases().list(**where(place, replica)).execute()["items"]
    assert [database["name"] for database in listed] == ["pgsql", "postgres"]
    assert "error" not in place.run("sqladmin", patch(place, replica, backupConfiguration={"enabled": True}))


class TestLag:
    METRIC = "cloudsql.googleapis.com/database/replication/replica_lag"

    def told(self, place, instance) -> list[float]:
        query = f'metric.type="{self.METRIC}" AND resource.labels.database_id="{place.id}:{instance}"'
        series = place.google.api("monitoring").projects().timeSeries()
        asked = {"name": place.name, "filter": query, "interval_endTime": "2099-01-01T00:00:00Z"}
        found = series.list(**asked).execute().get("timeSeries", [])
        return [one["points"][0]["value"]["doubleValue"] for one in found]

    def test_is_told_of_replicas_alone(self, place, primary, replica):
        assert (self.told(place, primary), self.told(place, replica)) == ([], [2.0])

    def test_is_what_the_control_api_says(self, place, replica, devcloud):
        wish = {"project": place.id, "instance": replica}
        devcloud.control("PUT", "replication", {**wish, "seconds": 900})
        assert self.told(place, replica) == [900.0]
        devcloud.control("PUT", "replication", {**wish, "seconds": None})
        assert self.told(place, replica) == []


class TestALostRegion:
    @pytest.fixture(autouse=True)
    def lost(self, replica, devcloud):
        devcloud.control("PUT", "regions", {"region": "us-central1", "lost": True})
        yield
        devcloud.control("PUT", "regions", {"region": "us-central1", "lost": False})

    def test_changes_nothing_and_is_still_told_of(self, place, primary):
        assert refusal(patch(place, primary, dataDiskSizeGb="50")).code == 503
        assert get(place)["name"] == "db"
        compute = place.google.api("compute")
        assert refusal(compute.subnetworks().list(project=place.id, region="us-central1")).code == 503

    def test_leaves_the_other_one_to_take_over(self, place, replica):
        assert "error" not in place.run("sqladmin", instances(place).promoteReplica(**where(place, replica)))
