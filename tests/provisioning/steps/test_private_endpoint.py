"""A private connection: what it is made of, whom nobody waits for, and that all of it goes again."""

from dataclasses import replace
from typing import Any

import pytest

from provisioning.clients.google import NotFound, api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, Refused
from provisioning.engine.graph import Goal
from provisioning.outcomes import NotYet
from provisioning.spec import FeatureSpec
from provisioning.steps.network import Network
from provisioning.steps.private_endpoint import PrivateEndpoint, PrivateEndpointOfFeature, connection_status
from provisioning.steps.services import EnabledServices
from tests.provisioning.steps.world import World
from tests.stack.devcloud import RunningDevcloud
from tests.waiting import eventually

PART = PrivateEndpointOfFeature(reverts=True)
GIT = "projects/acme-network/regions/us-central1/serviceAttachments/git"
OTHER = "projects/acme-network/regions/us-central1/serviceAttachments/other"


def publish(devcloud: RunningDevcloud, name: str = GIT, **told: Any) -> None:
    devcloud.control("PUT", "attachments", {"name": name, **told})


def connect_to(world: World, attachment: str = GIT, host: str = "git.acme.internal") -> None:
    details = {"service_attachment": attachment, "host": host}
    feature = FeatureSpec("private", parts=("private-connectivity",), details=details)
    world.spec = replace(world.spec, features=(feature,))


def rule(world: World) -> dict[str, Any]:
    place = {"project": world.spec.id, "region": world.spec.region, "forwardingRule": "private-endpoint"}
    return execute(api("compute", "v1").forwardingRules().get(**place))


def names_in(world: World) -> dict[str, list[str]]:
    place = {"project": world.spec.id, "managedZone": "private-host"}
    records = execute(api("dns", "v1").resourceRecordSets().list(**place))["rrsets"]
    return {record["name"]: record["rrdatas"] for record in records if record["type"] == "A"}


@pytest.fixture
def wanted(world: World, devcloud) -> World:
    """An instance's network, and a customer who has published their code host."""
    publish(devcloud)
    connect_to(world)
    world.build("subnet")
    world.reach(EnabledServices())
    return world


@pytest.fixture
def connected(wanted: World) -> World:
    wanted.reach(PART)
    return wanted


class TestMaking:
    def test_the_name_leads_to_the_endpoint_and_that_to_the_service(self, connected):
        found = rule(connected)
        assert found["target"].endswith(GIT)
        assert found["labels"] == connected.spec.labels
        assert found["IPAddress"].startswith("10.0.0.")
        assert names_in(connected) == {"git.acme.internal.": [found["IPAddress"]]}

    def test_nobody_waits_for_the_other_side(self, connected):
        seen = PART.look(connected.context())
        assert isinstance(seen, AsWanted)
        assert seen.outputs["connection_status"] == "PENDING"

    def test_the_zone_is_seen_from_the_instances_network_only(self, connected):
        zone = execute(api("dns", "v1").managedZones().get(project=connected.spec.id, managedZone="private-host"))
        [network] = zone["privateVisibilityConfig"]["networks"]
        assert (zone["visibility"], zone["labels"]) == ("private", connected.spec.labels)
        assert network["networkUrl"].endswith(f"projects/{connected.spec.id}/global/networks/sourcegraph")

    def test_where_nobody_has_published_anything_it_is_refused_with_what_to_do(self, wanted, devcloud):
        connect_to(wanted, OTHER)
        with pytest.raises(Refused, match=r"Google knows no .*/other.*Ask the customer"):
            wanted.reach(PART)

    def test_a_lost_answer_makes_no_second(self, wanted, devcloud, made):
        devcloud.add_fault("compute.forwardingRules.insert", "act_then_drop", nth=1)
        with pytest.raises(ConnectionError):
            wanted.reach(PART)
        wanted.reach(PART)
        assert made("compute.forwardingRules.insert") == 1


class TestWhatTheOtherSideSays:
    def told(self, world: World) -> str | None:
        return connection_status(world.spec.id, world.spec.region)

    def test_is_known_when_it_is_asked_for(self, connected, devcloud):
        assert self.told(connected) == "PENDING"
        publish(devcloud, accept=[connected.spec.id])
        assert self.told(connected) == "ACCEPTED"
        publish(devcloud, reject=[connected.spec.id])
        assert self.told(connected) == "REJECTED"
        devcloud.control("DELETE", "attachments", {"name": GIT})
        assert self.told(connected) == "CLOSED"
        assert isinstance(PART.look(connected.context()), AsWanted)

    def test_of_none_there_is_nothing_to_say(self, wanted):
        assert self.told(wanted) is None


class TestChanging:
    def test_another_service_is_another_endpoint_at_the_same_address(self, connected, devcloud):
        before = rule(connected)
        publish(devcloud, OTHER, accept="*")
        connect_to(connected, OTHER)
        assert isinstance(PART.look(connected.context()), Differs)
        connected.reach(PART)
        found = rule(connected)
        assert (found["IPAddress"], found["pscConnectionStatus"]) == (before["IPAddress"], "ACCEPTED")
        assert found["target"].endswith(OTHER)
        assert found["id"] != before["id"]

    def test_another_name_takes_the_place_of_the_former(self, connected):
        connect_to(connected, host="code.acme.internal")
        connected.reach(PART)
        assert names_in(connected) == {"code.acme.internal.": [rule(connected)["IPAddress"]]}

    def test_a_name_that_somebody_changed_is_put_right(self, connected):
        place = {"project": connected.spec.id, "managedZone": "private-host"}
        name = {"name": "git.acme.internal.", "type": "A"}
        execute(api("dns", "v1").resourceRecordSets().delete(**place, **name))
        seen = PART.look(connected.context())
        assert isinstance(seen, Differs)
        assert "10.0.0." in seen.difference
        connected.reach(PART)
        assert names_in(connected)


class TestRemoving:
    def test_all_of_it_goes_when_no_feature_asks_for_it(self, connected):
        connected.spec = replace(connected.spec, features=())
        connected.reach(PART)
        assert isinstance(PrivateEndpoint().look(connected.context()), Missing)
        with pytest.raises(NotFound):
            names_in(connected)
        with pytest.raises(NotFound):
            rule(connected)

    def test_who_never_had_it_is_asked_twice_only(self, world, devcloud):
        world.build("subnet")
        before = devcloud.calls()[-1]["n"]
        assert isinstance(PART.look(world.context()), AsWanted)
        assert len(devcloud.calls(since=before)) <= 2

    def test_a_network_with_an_endpoint_in_it_stays(self, connected):
        with pytest.raises(NotYet, match="what still uses it"):
            eventually(lambda: Network().drop(connected.context()) and _is_refused(connected))
        connected.reach(PrivateEndpoint(), goal=Goal.ABSENT)


def _is_refused(world: World) -> bool:
    subnets = {"project": world.spec.id, "region": world.spec.region, "subnetwork": "sourcegraph"}
    execute(api("compute", "v1").subnetworks().delete(**subnets))
    return True
