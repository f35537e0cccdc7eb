"""Cloud SQL: states, one change at a time, names that rest, and what the settings may be."""

import pytest

from tests.devcloud.google_client import Place, refusal


def instances(place):
    return place.google.api("sqladmin").instances()


@pytest.fixture
def network(place: Place) -> str:
    network = place.make_network()
    place.connect_privately(network)
    return network


@pytest.fixture
def database(place, network) -> str:
    place.run("sqladmin", instances(place).insert(project=place.id, body=place.database_body(network)))
    return "db"


def insert(place, body):
    return instances(place).insert(project=place.id, body=body)


def insert_database(place, name="pgsql"):
    databases = place.google.api("sqladmin").databases()
    return databases.insert(project=place.id, instance="db", body={"name": name})


def test_an_instance_is_being_created_then_runnable_with_a_private_address(place, network):
    operation = insert(place, place.database_body(network)).execute()
    get = instances(place).get(project=place.id, instance="db")
    assert get.execute()["state"] == "PENDING_CREATE"
    assert "ipAddresses" not in get.execute()
    ended = place.finish("sqladmin", operation)
    assert (ended["operationType"], ended["targetId"]) == ("CREATE", "db")
    made = get.execute()
    assert made["state"] == "RUNNABLE"
    assert made["ipAddresses"][0]["type"] == "PRIVATE"
    assert made["connectionName"] == f"{place.id}:us-central1:db"


def test_a_private_address_needs_the_private_connection(place):
    refused = refusal(insert(place, place.database_body(place.make_network())))
    assert "at least 1 private services connection" in refused.message


def test_an_instance_without_any_address_is_refused(place):
    body = place.database_body("")
    body["settings"]["ipConfiguration"] = {"ipv4Enabled": False}
    assert refusal(insert(place, body)).code == 400


@pytest.mark.parametrize("tier", ["db-custom-3-7680", "db-custom-2-1024", "db-custom-2-7681", "db-huge"])
def test_a_tier_that_cannot_be_had_is_refused(place, network, tier):
    assert f"Invalid Tier ({tier})" in refusal(insert(place, place.database_body(network, tier=tier))).message


def test_the_default_edition_of_a_new_postgres_has_other_tiers(place, network):
    body = place.database_body(network)
    del body["settings"]["edition"]
    assert "for (ENTERPRISE_PLUS) Edition" in refusal(insert(place, body)).message


def test_a_second_change_while_one_is_under_way_is_refused(place, database):
    operation = insert_database(place).execute()
    refused = refusal(insert_database(place, "other"))
    assert (refused.code, refused.reason) == (409, "operationInProgress")
    place.finish("sqladmin", operation)
    assert "error" not in place.run("sqladmin", insert_database(place, "other"))


def test_the_name_of_a_deleted_instance_rests_for_a_week(place, network, database):
    place.run("sqladmin", instances(place).delete(project=place.id, instance=database))
    assert refusal(instances(place).get(project=place.id, instance=database)).code == 404
    refused = refusal(insert(place, place.database_body(network)))
    assert (refused.code, refused.reason) == (409, "instanceAlreadyExists")
    assert "one week" in refused.message


def test_deletion_protection_protects(place, network):
    place.run("sqladmin", insert(place, place.database_body(network, deletionProtectionEnabled=True)))
    delete = instances(place).delete(project=place.id, instance="db")
    assert "protected" in refusal(delete).message
    body = {"settings": {"deletionProtectionEnabled": False}}
    place.run("sqladmin", instances(place).patch(project=place.id, instance="db", body=body))
    assert "error" not in place.run("sqladmin", delete)


def test_a_patch_with_an_old_settings_version_is_refused(place, database):
    body = {"settings": {"settingsVersion": "1", "dataDiskSizeGb": "20"}}
    patch = instances(place).patch(project=place.id, instance=database, body=body)
    assert "error" not in place.run("sqladmin", patch)
    assert (refusal(patch).code, refusal(patch).reason) == (412, "staleData")
    settings = instances(place).get(project=place.id, instance=database).execute()["settings"]
    assert (settings["settingsVersion"], settings["dataDiskSizeGb"]) == ("2", "20")


def test_a_stopped_instance_is_still_runnable_but_takes_no_databases(place, database):
    body = {"settings": {"activationPolicy": "NEVER"}}
    place.run("sqladmin", instances(place).patch(project=place.id, instance=database, body=body))
    assert instances(place).get(project=place.id, instance=database).execute()["state"] == "RUNNABLE"
    assert "not running" in refusal(insert_database(place)).message


@pytest.mark.parametrize(
    "call",
    [
        lambda api, where: api.databases().list(**where),
        lambda api, where: api.databases().insert(**where, body={"name": "pgsql"}),
        lambda api, where: api.users().list(**where),
        lambda api, where: api.users().insert(**where, body={"name": "eve", "password": "hidden-from-all"}),
        lambda api, where: api.users().update(**where, name="postgres", body={"password": "hidden-from-all"}),
        lambda api, where: api.users().delete(**where, name="postgres"),
        lambda api, where: api.backupRuns().insert(**where, body={}),
        lambda api, where: api.instances().restoreBackup(**where, body={"restoreBackupContext": {"backupRunId": "1"}}),
    ],
)
def test_a_stopped_instance_is_asked_in_vain_and_can_be_started_again(place, database, call):
    api, where = place.google.api("sqladmin"), {"project": place.id, "instance": database}
    stop, start = ({"settings": {"activationPolicy": policy}} for policy in ("NEVER", "ALWAYS"))
    place.run("sqladmin", api.instances().patch(**where, body=stop))
    refused = refusal(call(api, where))
    assert (refused.code, refused.message) == (400, "Invalid request: Invalid request since instance is not running.")
    place.run("sqladmin", api.instances().patch(**where, body=start))
    assert api.users().list(**where).execute()["items"]


def test_a_stopped_instance_can_be_unprotected_and_deleted(place, network):
    place.run("sqladmin", insert(place, place.database_body(network, deletionProtectionEnabled=True)))
    where = {"project": place.id, "instance": "db"}
    for settings in ({"activationPolicy": "NEVER"}, {"deletionProtectionEnabled": False}):
        place.run("sqladmin", instances(place).patch(**where, body={"settings": settings}))
    assert "error" not in place.run("sqladmin", instances(place).delete(**where))


def test_databases_and_users_are_seen_when_their_operation_is_done(place, database):
    api = place.google.api("sqladmin")
    operation = insert_database(place).execute()
    names = lambda: [d["name"] for d in api.databases().list(project=place.id, instance="db").execute()["items"]]  # noqa: E731
    assert names() == ["postgres"]
    place.finish("sqladmin", operation)
    assert names() == ["pgsql", "postgres"]
    assert refusal(insert_database(place)).code == 409
    body = {"name": "sg", "password": "hidden-from-all"}
    place.run("sqladmin", api.users().insert(project=place.id, instance="db", body=body))
    listed = api.users().list(project=place.id, instance="db").execute()["items"]
    assert [user["name"] for user in listed] == ["postgres", "sg"]
    assert "password" not in str(listed)


def test_a_user_needs_a_password(place, database):
    users = place.google.api("sqladmin").users()
    assert refusal(users.insert(project=place.id, instance="db", body={"name": "sg"})).reason == "required"


def test_operations_are_listed_by_instance(place, database):
    operations = place.google.api("sqladmin").operations()
    found = operations.list(project=place.id, instance="db").execute()["items"]
    assert [operation["operationType"] for operation in found] == ["CREATE"]
    assert operations.list(project=place.id, instance="other").execute() == {}
