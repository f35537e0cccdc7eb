import pytest

from provisioning.clients.google import Passing, api, execute
from provisioning.engine.action import Differs, Missing, NotYet, Refused, UnderWay
from provisioning.steps.secrets import Secrets, store_of
from provisioning.steps.sql import Databases, DatabaseServer, DatabaseUser


@pytest.fixture
def place(world):
    return {"project": world.spec.id, "instance": f"sql-{world.spec.id}"}


def settings_of(place):
    return execute(api("sqladmin", "v1").instances().get(**place))["settings"]


def test_the_server_is_private_protected_and_backed_up(world, place):
    world.build("database")
    settings = settings_of(place)
    assert settings["ipConfiguration"]["ipv4Enabled"] is False
    assert settings["deletionProtectionEnabled"] is True
    assert settings["backupConfiguration"]["enabled"] is True
    assert settings["backupConfiguration"]["pointInTimeRecoveryEnabled"] is True
    assert settings["userLabels"] == world.spec.labels
    assert world.outputs["database"]["host"].startswith("10.")


def test_a_server_whose_insert_got_no_answer_is_adopted(world, devcloud, made):
    world.build("private-connection")
    devcloud.add_fault("sql.instances.insert", "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        DatabaseServer().make(world.context())
    world.reach(DatabaseServer())
    assert made("sql.instances.insert") == 1


def test_a_server_that_failed_is_a_persons_business(world, devcloud):
    world.build("private-connection")
    devcloud.add_fault("sql.instances.insert", "fail_operation", code="INTERNAL_ERROR", message="Out of disks.")
    with pytest.raises(Refused, match="Out of disks"):
        world.reach(DatabaseServer())
    assert isinstance(DatabaseServer().look(world.context()), Differs)
    world.drop(DatabaseServer())


def test_protection_goes_before_the_server(world, place):
    world.build("database")
    assert DatabaseServer().drop(world.context()) == "switched its deletion protection off"
    assert isinstance(DatabaseServer().look(world.context()), UnderWay)
    world.drop(DatabaseServer())
    assert isinstance(DatabaseServer().look(world.context()), Missing)


def test_one_change_at_a_time(world, place):
    world.build("database")
    Databases().make(world.context())
    with pytest.raises(NotYet, match="another change"):
        Databases().make(world.context())
    assert isinstance(DatabaseServer().look(world.context()), UnderWay)
    world.reach(Databases())
    found = execute(api("sqladmin", "v1").databases().list(**place))["items"]
    assert {database["name"] for database in found} >= {"pgsql", "codeintel", "codeinsights"}


def test_the_account_waits_for_its_password(world):
    world.build("databases")
    with pytest.raises(NotYet, match="password"):
        DatabaseUser().make(world.context())
    world.reach(Secrets())
    world.reach(DatabaseUser())


def test_a_secret_is_written_once(world, made):
    world.build("secrets")
    with store_of(world.spec) as store:
        first = store.read("database-password")
        store.write("database-password", "another")
        assert store.read("database-password") == first
    Secrets().make(world.context())
    assert made("secretmanager.projects.secrets.addVersion") == 2  # one for each of the two


def test_a_secret_that_stayed_without_its_version_gets_one(world, devcloud):
    world.build("secrets")
    devcloud.add_fault("secretmanager.projects.secrets.addVersion", "status", nth=1, status=503)
    with store_of(world.spec) as store:
        with pytest.raises(Passing):
            store.write("site-admin-link", "https://acme.example/once")
        assert store.read("site-admin-link") is None
        store.write("site-admin-link", "https://acme.example/once")
        assert store.read("site-admin-link") == "https://acme.example/once"
