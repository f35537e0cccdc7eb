"""A larger instance, a smaller one again, and what Google will not change: the settings follow the spec."""

from dataclasses import replace

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Change, Differs, NotYet, Refused, Seen
from provisioning.steps import names
from provisioning.steps.backups import BackupPlan
from provisioning.steps.gke import NodePool
from provisioning.steps.network import Subnet
from provisioning.steps.sql import DatabaseServer

PATCH = "sql.instances.patch"
POOLS = "container.projects.locations.clusters.nodePools"


def changes(seen: Seen) -> tuple[Change, ...]:
    """What a look found changed."""
    assert isinstance(seen, Differs), seen
    return seen.changes


@pytest.fixture
def resized(world):
    """The same instance in another size."""

    def resize(**size):
        world.spec = replace(world.spec, size=replace(world.spec.size, **size))

    return resize


def sql_settings(world):
    place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
    return execute(api("sqladmin", "v1").instances().get(**place))["settings"]


class TestDatabase:
    @pytest.fixture(autouse=True)
    def built(self, world):
        world.build("database")

    def test_it_grows_in_one_patch_and_then_only_the_disk_stays_large(self, world, resized, made):
        small = world.spec
        resized(sql_tier="db-custom-4-16384", sql_disk_gb=100, sql_is_highly_available=True)
        assert set(changes(DatabaseServer().look(world.context()))) == {
            Change("settings.tier", "db-custom-4-16384", "db-custom-1-4096"),
            Change("settings.availabilityType", "REGIONAL", "ZONAL"),
            Change("settings.dataDiskSizeGb", "100", "20"),
        }
        world.reach(DatabaseServer())
        assert made(PATCH) == 1
        world.spec = small
        world.reach(DatabaseServer())
        settings = sql_settings(world)
        assert (settings["tier"], settings["availabilityType"]) == ("db-custom-1-4096", "ZONAL")
        assert settings["dataDiskSizeGb"] == "100"

    def test_a_disk_that_has_grown_by_itself_is_as_wanted(self, world):
        place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
        body = {"settings": {"dataDiskSizeGb": "44"}}
        execute(api("sqladmin", "v1").instances().patch(**place, body=body))
        world.reach(DatabaseServer())
        assert sql_settings(world)["dataDiskSizeGb"] == "44"

    def test_what_it_fails_of_stops_this_try_and_not_the_next(self, world, resized, devcloud, made):
        message = "The tier is not offered here."
        devcloud.add_fault(PATCH, "fail_operation", nth=1, code="INVALID_REQUEST", message=message)
        resized(sql_tier="db-custom-4-16384")
        with pytest.raises(Refused, match="not offered"):
            world.reach(DatabaseServer())
        world.generation += 1
        world.reach(DatabaseServer())
        assert made(PATCH) == 2

    def test_a_change_whose_answer_is_lost_is_found_under_way(self, world, resized, devcloud, made):
        resized(sql_tier="db-custom-2-7680")
        devcloud.add_fault(PATCH, "act_then_drop", nth=1)
        with pytest.raises(ConnectionError):
            DatabaseServer().make(world.context())
        world.reach(DatabaseServer())
        assert made(PATCH) == 1

    def test_where_it_stands_is_decided_for_good(self, world):
        world.spec = replace(world.spec, region="europe-west3")
        assert changes(DatabaseServer().look(world.context())) == (Change("region", "europe-west3", "us-central1"),)
        with pytest.raises(Refused, match=r"cannot be changed in place: region is us-central1 and should be europe"):
            DatabaseServer().make(world.context())


class TestNodes:
    @pytest.fixture(autouse=True)
    def built(self, world):
        world.build("nodes")

    @pytest.fixture
    def changed(self, devcloud):
        """The methods that changed the nodes, in their order."""

        def methods():
            calls = [call["method"] for call in devcloud.calls() if call["method"].startswith(POOLS)]
            return [method.rpartition(".")[2] for method in calls if not method.endswith(".get")]

        return methods

    def test_more_nodes_come_first_and_fewer_last(self, world, resized, changed):
        small = world.spec
        resized(machine_type="e2-highmem-8", node_count=2, node_disk_gb=200)
        world.reach(NodePool())
        assert changed() == ["setSize", "update"]
        world.spec = small
        world.reach(NodePool())
        assert changed() == ["setSize", "update", "update", "setSize"]
        assert isinstance(NodePool().look(world.context()), AsWanted)

    def test_beyond_the_quota_a_person_is_needed(self, world, resized):
        resized(machine_type="n2-standard-32", node_count=3)
        with pytest.raises(Refused, match="Ask Google to raise"):
            world.reach(NodePool())

    def test_a_failed_replacement_leaves_the_nodes_running_and_can_be_taken_back(self, world, resized, devcloud):
        small = world.spec
        message = "The zone does not have enough resources."
        devcloud.add_fault(f"{POOLS}.update", "fail_operation", nth=1, code="INVALID_ARGUMENT", message=message)
        resized(machine_type="e2-highmem-8", node_count=2)
        with pytest.raises(Refused, match="enough resources"):
            world.reach(NodePool())
        world.spec = small
        world.reach(NodePool())

    def test_what_only_new_nodes_can_have_is_a_persons_business(self, world, monkeypatch):
        monkeypatch.setattr(names, "NODES_ACCOUNT", "others")
        assert changes(NodePool().look(world.context()))[0].path == "config.serviceAccount"
        with pytest.raises(Refused, match="Delete the node pool in a quiet hour"):
            NodePool().make(world.context())


def test_the_labels_follow_a_trial_that_is_bought(world):
    world.build("backup-plan", "subnet")
    world.spec = replace(world.spec, kind="production")
    seen = BackupPlan().look(world.context())
    assert isinstance(seen, Differs)
    assert seen.changes == (Change("labels.instance-type", "production", "trial"),)
    world.reach(BackupPlan())


def test_a_range_that_a_cluster_uses_stays(world, monkeypatch):
    world.build("cluster")
    monkeypatch.setattr("provisioning.steps.network.BLOCKS", (("10.0.0.0/20", "10.16.0.0/14", "10.8.0.0/20"),))
    with pytest.raises(NotYet, match="still uses it"):
        Subnet().make(world.context())
