from dataclasses import replace

import pytest

from provisioning.clients.google import NotFound, api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, NotYet, Refused, UnderWay
from provisioning.engine.graph import Goal
from provisioning.spec import FeatureSpec
from provisioning.steps.gke import Cluster
from provisioning.steps.leftovers import Leftovers, leftovers_of
from provisioning.steps.network import Address, Gateway, Network, OutboundAddress, PrivateConnection, PrivateRange
from tests.waiting import eventually

COMPUTE_INSERT = "compute.networks.insert"


def test_a_network_whose_insert_got_no_answer_is_adopted(world, devcloud, made):
    world.build("services")
    world.drop(Network())  # waits for the service to be usable
    devcloud.add_fault(COMPUTE_INSERT, "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        Network().make(world.context())
    assert isinstance(Network().look(world.context()), UnderWay)
    world.reach(Network())
    assert made(COMPUTE_INSERT) == 1


def test_an_insert_that_failed_for_good_stops_the_step(world, devcloud):
    world.build("services")
    devcloud.add_fault(COMPUTE_INSERT, "fail_operation", code="QUOTA_EXCEEDED", message="Quota 'NETWORKS' exceeded.")
    with pytest.raises(Refused, match="Ask Google to raise"):
        world.reach(Network())


def test_a_persons_retry_starts_afresh(world, devcloud):
    world.build("services")
    devcloud.add_fault(COMPUTE_INSERT, "fail_operation", nth=1, code="QUOTA_EXCEEDED", message="exceeded")
    with pytest.raises(Refused):
        world.reach(Network())
    world.generation += 1
    world.reach(Network())


def test_an_insert_that_failed_in_passing_is_tried_again(world, devcloud, made):
    world.build("services")
    devcloud.add_fault(COMPUTE_INSERT, "fail_operation", nth=1, code="INTERNAL_ERROR", message="Try again.")
    world.reach(Network())
    assert made(COMPUTE_INSERT) == 2


def test_an_address_without_our_labels_is_not_taken_over(world):
    world.build("services")
    world.drop(Address())
    addresses = api("compute", "v1").globalAddresses()
    execute(addresses.insert(project=world.spec.id, body={"name": "sourcegraph"}))
    place = {"project": world.spec.id, "address": "sourcegraph"}
    found = _until_accepted(lambda: execute(addresses.get(**place)))
    body = {"labels": {"instance": "src-other"}, "labelFingerprint": found["labelFingerprint"]}
    _until_accepted(lambda: execute(addresses.setLabels(project=world.spec.id, resource="sourcegraph", body=body)))
    with pytest.raises(Refused, match="without our labels"):
        world.reach(Address())


def test_a_gateway_and_its_address_can_be_made_by_one_step(world):
    world.spec = replace(world.spec, features=(FeatureSpec("own", parts=("static-address",)),))
    world.build("gateway")
    assert world.outputs["gateway"]["outbound_address"]


def test_the_connection_is_asked_for_once_and_followed(world, made):
    world.build("private-connection")
    assert made("servicenetworking.services.connections.create") == 1
    assert isinstance(PrivateConnection().look(world.context()), AsWanted)


def test_a_connection_that_failed_says_why(world, devcloud):
    world.build("private-range", "service-agents")
    devcloud.add_fault(
        "servicenetworking.services.connections.create", "fail_operation", code="RESOURCE_EXHAUSTED", message="full"
    )
    with pytest.raises(Refused, match="full"):
        world.reach(PrivateConnection())


def test_a_connection_made_by_a_call_without_an_answer_is_adopted(world, devcloud):
    world.build("private-range", "service-agents")
    devcloud.add_fault("servicenetworking.services.connections.create", "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        PrivateConnection().make(world.context())
    world.reach(PrivateConnection())


def test_a_connection_over_another_range_is_put_right(world):
    world.build("private-connection")
    number = world.outputs["project"]["number"]
    network = f"projects/{number}/global/networks/sourcegraph"
    other = {"purpose": "VPC_PEERING", "addressType": "INTERNAL", "prefixLength": 20, "name": "other"}
    addresses = api("compute", "v1").globalAddresses()
    body = {**other, "network": f"projects/{world.spec.id}/global/networks/sourcegraph"}
    execute(addresses.insert(project=world.spec.id, body=body))
    world.reach(PrivateRange())
    connections = api("servicenetworking", "v1").services().connections()
    name = "services/servicenetworking.googleapis.com/connections/-"
    change = {"network": network, "reservedPeeringRanges": ["other"]}
    _until_accepted(lambda: execute(connections.patch(name=name, force=True, body=change)))
    _until_accepted(lambda: _differs(PrivateConnection().look(world.context())))
    world.reach(PrivateConnection())


def test_a_producer_that_holds_on_is_waited_for(world, devcloud):
    world.build("private-connection")
    message = "Failed to delete connection; Producer services (e.g. CloudSQL) are still using this connection."
    devcloud.add_fault(
        "servicenetworking.services.connections.deleteConnection",
        "fail_operation",
        nth=1,
        code="FAILED_PRECONDITION",
        message=message,
    )
    assert PrivateConnection().drop(world.context()) == "asked Google to part the two networks"
    world.drop(PrivateConnection())
    assert isinstance(PrivateConnection().look(world.context()), Missing)


def test_what_a_cluster_leaves_behind_is_swept(world):
    world.build("application")
    world.build("rollout")
    assert list(leftovers_of(world.spec.id))
    world.drop(Cluster())
    world.reach(Leftovers(), goal=Goal.ABSENT)
    assert not list(leftovers_of(world.spec.id))


def _differs(seen):
    if not isinstance(seen, Differs):
        raise NotYet("the change")


class TestAnAddressOfItsOwn:
    @pytest.fixture
    def with_address(self, world):
        world.build("gateway")
        world.spec = replace(world.spec, features=(FeatureSpec("own-address", parts=("static-address",)),))
        return world

    def test_is_reserved_and_then_taken_to(self, with_address, devcloud):
        told = with_address.reach(Gateway())
        assert told["outbound_address"].count(".") == 3
        deeds = ("compute.addresses.insert", "compute.addresses.setLabels", "compute.routers.patch")
        assert tuple(call["method"] for call in devcloud.calls() if call["method"] in deeds) == deeds

    def test_is_given_back_once_the_gateway_has_left_it(self, with_address, made):
        with_address.reach(Gateway())
        with_address.spec = replace(with_address.spec, features=())
        assert isinstance(Gateway().look(with_address.context()), Differs)
        with_address.reach(Gateway())
        with_address.drop(OutboundAddress())
        assert made("compute.addresses.delete") == 1

    def test_goes_with_the_gateway(self, with_address):
        with_address.reach(Gateway())
        with_address.drop(Gateway())
        assert isinstance(OutboundAddress().look(with_address.context()), Missing)

    def test_that_is_reserved_for_nothing_is_seen(self, world):
        world.build("gateway")
        world.reach(OutboundAddress())
        seen = Gateway().look(world.context())
        assert isinstance(seen, Differs)
        assert "still reserved" in seen.difference
        world.reach(Gateway())


def _until_accepted(deed):
    """What the deed answers, once it is no longer told to wait."""

    def accepted():
        try:
            return [deed()]
        except (NotYet, NotFound):
            return []

    return eventually(accepted)[0]
