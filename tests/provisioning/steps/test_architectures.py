"""What an instance of the first architecture is made of, how drift from it is seen, and what Google lets change."""

from dataclasses import replace

import pytest
from lightkube.resources.core_v1 import Pod

from provisioning.clients.google import api, execute
from provisioning.clients.kubernetes import connected
from provisioning.engine.action import AsWanted, Change, Differs, Refused, UnderWay
from provisioning.engine.graph import Goal
from provisioning.steps import names
from provisioning.steps.access import OPENS_DATABASE, Permissions
from provisioning.steps.backups import BackupPlan, PlanOfArchitecture
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.gke import Cluster, NodePool
from provisioning.steps.network import ConnectionOfArchitecture, PrivateConnection, RangeOfArchitecture
from provisioning.steps.rollout import Rollout
from provisioning.steps.sql import DatabaseServer, PrivateAddress
from tests.provisioning.steps.world import World, spec_for_tests
from tests.waiting import eventually

ADDRESSING = "settings.ipConfiguration"


@pytest.fixture
def first(devcloud, catalogue) -> World:
    return World(spec_for_tests(architecture="1.0"))


@pytest.fixture
def second(first):
    """The same instance once it is to be of the next architecture."""

    def move():
        first.spec = replace(first.spec, architecture="1.1")
        return first

    return move


def patch_server(world, **addressing) -> None:
    place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
    execute(api("sqladmin", "v1").instances().patch(**place, body={"settings": {"ipConfiguration": addressing}}))


def changes(action, world) -> tuple[Change, ...]:
    """What it finds changed, once nothing is under way."""

    def seen():
        found = action.look(world.context())
        return None if isinstance(found, UnderWay) else found

    settled = eventually(seen)
    assert isinstance(settled, Differs), settled
    return settled.changes


def test_it_has_no_private_range_connection_or_plan_and_nobody_misses_them(first, made):
    first.build("database", "backup-plan")
    for action in (RangeOfArchitecture(), ConnectionOfArchitecture(), PlanOfArchitecture()):
        assert action.look(first.context()) == AsWanted()
    assert [made(method) for method in ("servicenetworking.services.connections.create", "gkebackup.*")] == [0, 0]
    assert RangeOfArchitecture().resource(first.context()) == ""


class TestTheServer:
    def test_lets_nobody_in_by_address_and_nothing_that_is_not_encrypted(self, first):
        first.build("database")
        place = {"project": first.spec.id, "instance": names.sql_instance(first.spec)}
        found = execute(api("sqladmin", "v1").instances().get(**place))
        assert found["settings"]["ipConfiguration"] == {
            "ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY", "authorizedNetworks": [],
        }  # fmt: skip
        assert first.outputs["database"]["host"] == "cloud-sql-proxy"

    def test_that_is_opened_by_hand_is_closed_again(self, first):
        first.build("database")
        eve = {"name": "eve", "value": "0.0.0.0/0"}
        patch_server(first, authorizedNetworks=[eve], sslMode="ALLOW_UNENCRYPTED_AND_ENCRYPTED")
        assert set(map(str, changes(DatabaseServer(), first))) == {
            f'{ADDRESSING}.authorizedNetworks[eve] is {{"name": "eve", "value": "0.0.0.0/0"}} and should be not set',
            f"{ADDRESSING}.sslMode is ALLOW_UNENCRYPTED_AND_ENCRYPTED and should be ENCRYPTED_ONLY",
        }
        first.reach(DatabaseServer())

    def test_joins_the_network_first_and_leaves_the_internet_last(self, first, second):
        first.build("database")
        world = second()
        world.reach(RangeOfArchitecture())
        world.outputs.pop("private-connection")
        world.build("private-connection")
        assert [change.path for change in changes(PrivateAddress(), world)] == [f"{ADDRESSING}.privateNetwork"]
        outputs = world.reach(PrivateAddress())
        assert outputs["host"].startswith("10.")
        assert changes(DatabaseServer(), world) == (Change(f"{ADDRESSING}.ipv4Enabled", False, True),)
        world.reach(DatabaseServer())

    def test_keeps_its_private_address_as_a_server_of_the_first(self, first, second):
        first.build("database")
        world = second()
        world.reach(RangeOfArchitecture())
        world.reach(ConnectionOfArchitecture())
        world.reach(PrivateAddress())
        world.spec = replace(world.spec, architecture="1.0")
        assert isinstance(DatabaseServer().look(world.context()), AsWanted)
        with pytest.raises(Refused, match="cannot be removed once it is set"):
            patch_server(world, privateNetwork="")


class TestTheNodes:
    def test_are_made_private_one_change_at_a_time_and_public_again(self, first, second, devcloud):
        first.build("nodes")
        world = second()
        world.reach(Cluster())
        assert {change.path for change in changes(NodePool(), world)} == {
            "networkConfig.enablePrivateNodes",
            "config.workloadMetadataConfig.mode",
        }
        world.reach(NodePool())
        world.spec = replace(world.spec, architecture="1.0")
        world.reach(NodePool())
        world.reach(Cluster())
        updates = [call["method"] for call in devcloud.calls() if call["method"].endswith("nodePools.update")]
        assert len(updates) == 4

    def test_of_a_cluster_that_was_made_private_are_private_for_ever(self, first, second):
        world = second()
        world.build("nodes")
        world.spec = replace(world.spec, architecture="1.0")
        with pytest.raises(Refused, match="EnablePrivateNodes must be enabled"):
            world.reach(NodePool())

    def test_cannot_have_the_metadata_of_a_cluster_without_identities(self, first, second):
        first.build("nodes")
        world = second()
        with pytest.raises(Refused, match="only be enabled if Workload Identity is enabled"):
            world.reach(NodePool())

    def test_keep_a_cluster_from_losing_its_identities(self, first, second):
        world = second()
        world.build("nodes")
        update = {"desiredWorkloadIdentityConfig": {"workloadPool": ""}}
        clusters = api("container", "v1").projects().locations().clusters()
        with pytest.raises(Exception, match="in use by node pool main"):
            execute(clusters.update(name=names.cluster_path(world.spec), body={"update": update}))


class TestWhatTheNodesMay:
    def test_they_open_the_database_only_while_they_have_to(self, first, second):
        first.build("permissions")
        member = f"serviceAccount:{names.account_email(first.spec, names.NODES_ACCOUNT)}"
        world = second()
        assert changes(Permissions(), world) == (Change(f"bindings[{OPENS_DATABASE}]", None, member),)
        world.reach(Permissions())
        world.spec = replace(world.spec, architecture="1.0")
        assert changes(Permissions(), world) == (Change(f"bindings[{OPENS_DATABASE}]", member, None),)
        world.reach(Permissions())

    @pytest.mark.helm
    def test_without_it_nobody_gets_through_the_proxy(self, first):
        first.build("rollout")
        project = f"projects/{first.spec.id}"
        projects = api("cloudresourcemanager", "v3").projects()
        policy = execute(projects.getIamPolicy(resource=project))
        policy["bindings"] = [binding for binding in policy["bindings"] if binding["role"] != OPENS_DATABASE]
        execute(projects.setIamPolicy(resource=project, body={"policy": policy}))
        with connected(kubeconfig_for(first.spec)) as cluster:
            cluster.deletecollection(Pod, namespace=names.namespace(first.spec))

        def held_back() -> str:
            why = str(getattr(Rollout().look(first.context()), "why", ""))
            return why if "sourcegraph-frontend" in why and names.DATABASE_PROXY not in why else ""

        assert "gitserver" not in eventually(held_back)
        first.reach(Permissions())
        first.reach(Rollout())


def test_a_teardown_takes_what_only_an_aborted_change_has_left(first, second):
    first.build("cluster")
    world = second()
    world.reach(RangeOfArchitecture())
    world.reach(ConnectionOfArchitecture())
    world.reach(PlanOfArchitecture())
    world.spec = replace(world.spec, architecture="1.0")
    for action in (BackupPlan(), PrivateConnection()):
        world.drop(action)
    assert world.reach(PlanOfArchitecture()) == {}


def test_a_plan_that_an_architecture_has_not_goes_with_its_backups(first, second):
    first.build("cluster")
    world = second()
    world.reach(Cluster())
    world.reach(PlanOfArchitecture())
    world.spec = replace(world.spec, architecture="1.0")
    assert PlanOfArchitecture().look(world.context()) == Differs("it is there, and architecture 1.0 has none")
    world.reach(PlanOfArchitecture(), goal=Goal.PRESENT)
    assert PlanOfArchitecture.title() == BackupPlan.title()
