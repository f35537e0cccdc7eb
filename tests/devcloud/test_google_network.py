"""Compute Engine's network and the private services connection."""

from uuid import uuid4

import pytest

from tests.devcloud.google_client import REGION, refusal

PARENT = "services/servicenetworking.googleapis.com"


def networks(place):
    return place.google.api("compute").networks()


def insert_network(place, name="net", **parameters):
    return networks(place).insert(project=place.id, body={"name": name, "autoCreateSubnetworks": False}, **parameters)


def delete_network(place, name="net"):
    return place.run("compute", networks(place).delete(project=place.id, network=name))


def insert_subnetwork(place, name, cidr, network="net"):
    body = {"name": name, "network": f"{place.name}/global/networks/{network}", "ipCidrRange": cidr}
    return place.google.api("compute").subnetworks().insert(project=place.id, region=REGION, body=body)


def insert_router(place, nat=None):
    body = {"name": "router", "network": f"{place.name}/global/networks/net", "nats": [nat] if nat else []}
    return place.google.api("compute").routers().insert(project=place.id, region=REGION, body=body)


def connections(place):
    return place.google.api("servicenetworking").services().connections()


class TestNetworks:
    def test_a_network_is_invisible_then_there_but_not_ready_then_ready(self, place):
        operation = insert_network(place).execute()
        assert operation["status"] == "PENDING"
        get = networks(place).get(project=place.id, network="net")
        assert refusal(get).reason == "notFound"
        place.google.devcloud.skip(5)
        assert place.poll("compute", operation)["status"] == "RUNNING"
        assert get.execute()["name"] == "net"
        assert refusal(insert_subnetwork(place, "sub", "10.0.0.0/20")).reason == "resourceNotReady"
        assert "error" not in place.finish("compute", operation)
        assert "error" not in place.run("compute", insert_subnetwork(place, "sub", "10.0.0.0/20"))

    def test_a_taken_name_is_refused_even_while_it_is_invisible(self, place):
        insert_network(place).execute()
        refused = refusal(insert_network(place))
        assert (refused.code, refused.reason) == (409, "alreadyExists")

    def test_the_same_request_id_is_the_same_operation(self, place):
        request_id = str(uuid4())
        first = insert_network(place, requestId=request_id).execute()
        assert insert_network(place, requestId=request_id).execute()["name"] == first["name"]
        assert place.finish("compute", first)["clientOperationId"] == request_id

    @pytest.mark.parametrize("request_id", ["not-a-uuid", "00000000-0000-0000-0000-000000000000"])
    def test_a_request_id_must_be_a_uuid_and_not_zero(self, place, request_id):
        assert refusal(insert_network(place, requestId=request_id)).code == 400

    def test_a_legacy_network_is_refused(self, place):
        assert refusal(networks(place).insert(project=place.id, body={"name": "net"})).code == 400

    def test_a_network_with_a_subnetwork_cannot_be_deleted(self, place):
        place.make_network()
        ended = delete_network(place)
        [error] = ended["error"]["errors"]
        assert error["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
        assert "subnetworks/net" in error["message"]
        assert ended["httpErrorStatusCode"] == 400
        place.run(
            "compute",
            place.google.api("compute").subnetworks().delete(project=place.id, region=REGION, subnetwork="net"),
        )
        assert "error" not in delete_network(place)

    def test_operations_are_found_by_what_they_are_about(self, place):
        insert_network(place, "one").execute()
        operation = insert_network(place, "two").execute()
        listed = (
            place.google.api("compute")
            .globalOperations()
            .list(project=place.id, filter=f'(targetLink = "{operation["targetLink"]}") AND (operationType = insert)')
        )
        assert [found["name"] for found in listed.execute()["items"]] == [operation["name"]]

    def test_subnetworks_of_one_network_must_not_overlap(self, place):
        place.make_network()
        assert "conflicts with" in refusal(insert_subnetwork(place, "other", "10.0.8.0/24")).message
        assert "error" not in place.run("compute", insert_subnetwork(place, "other", "10.200.0.0/24"))

    def test_a_subnetwork_of_no_network_is_refused(self, place):
        assert refusal(insert_subnetwork(place, "sub", "10.0.0.0/20", network="nowhere")).code == 404

    def test_an_unknown_region_is_refused(self, place):
        body = {"name": "address"}
        assert (
            refusal(
                place.google.api("compute").addresses().insert(project=place.id, region="moon-east1", body=body)
            ).code
            == 400
        )

    def test_a_region_tells_its_quotas(self, place):
        region = place.google.api("compute").regions().get(project=place.id, region=REGION).execute()
        assert {"metric": "CPUS", "limit": 72.0, "usage": 0.0} in region["quotas"]


class TestRouters:
    def test_nat_uses_an_address_that_cannot_be_deleted_meanwhile(self, place):
        place.make_network()
        addresses = place.google.api("compute").addresses()
        place.run("compute", addresses.insert(project=place.id, region=REGION, body={"name": "nat"}))
        address = addresses.get(project=place.id, region=REGION, address="nat").execute()
        assert address["address"].startswith("198.1")
        nat = {
            "name": "nat",
            "natIpAllocateOption": "MANUAL_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
            "natIps": [address["selfLink"]],
        }
        assert "error" not in place.run("compute", insert_router(place, nat))
        delete = addresses.delete(project=place.id, region=REGION, address="nat")
        assert refusal(delete).reason == "resourceInUseByAnotherResource"
        routers = place.google.api("compute").routers()
        place.run("compute", routers.delete(project=place.id, region=REGION, router="router"))
        assert "error" not in place.run("compute", delete)

    def test_a_nat_without_its_required_fields_is_refused(self, place):
        place.make_network()
        assert refusal(insert_router(place, {"name": "nat", "natIpAllocateOption": "AUTO_ONLY"})).reason == "required"

    def test_manual_addresses_and_their_option_go_together(self, place):
        place.make_network()
        nat = {
            "name": "nat",
            "natIpAllocateOption": "MANUAL_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }
        assert refusal(insert_router(place, nat)).code == 400


class TestPrivateConnection:
    def test_it_wants_the_projects_number(self, place):
        network = place.make_network()
        body = {"network": network, "reservedPeeringRanges": ["psa"]}
        assert "PROJECT_NUMBER" in refusal(connections(place).create(parent=PARENT, body=body)).message

    def test_it_wants_a_range_that_is_reserved_for_it(self, place):
        network = place.numbered(place.make_network())
        body = {"network": network, "reservedPeeringRanges": ["psa"]}
        assert refusal(connections(place).create(parent=PARENT, body=body)).code == 404

    def test_there_is_one_per_network(self, place):
        network = place.make_network()
        place.connect_privately(network)
        [connection] = connections(place).list(parent=PARENT, network=place.numbered(network)).execute()["connections"]
        assert connection["peering"] == "servicenetworking-googleapis-com"
        body = {"network": place.numbered(network), "reservedPeeringRanges": ["psa"]}
        assert "UpdateConnection" in refusal(connections(place).create(parent=PARENT, body=body)).message

    def test_its_peering_keeps_the_network(self, place):
        place.connect_privately(place.make_network())
        [error] = delete_network(place)["error"]["errors"]
        assert "peerings/servicenetworking-googleapis-com" in error["message"]

    def test_it_cannot_be_deleted_while_a_database_is_in_it_nor_just_after(self, place):
        network = place.make_network()
        place.connect_privately(network)
        instances = place.google.api("sqladmin").instances()
        place.run("sqladmin", instances.insert(project=place.id, body=place.database_body(network)))
        name = f"{PARENT}/connections/servicenetworking-googleapis-com"
        body = {"consumerNetwork": place.numbered(network)}
        delete = connections(place).deleteConnection(name=name, body=body)
        error = place.run("servicenetworking", delete)["error"]
        assert error["code"] == 9
        assert "Producer services (e.g. CloudSQL" in error["message"]
        place.run("sqladmin", instances.delete(project=place.id, instance="db"))
        assert place.run("servicenetworking", delete)["error"]["code"] == 9
        place.google.devcloud.skip(120)
        assert "error" not in place.run("servicenetworking", delete)
        assert connections(place).list(parent=PARENT, network=place.numbered(network)).execute() == {}

    def test_removing_the_peering_frees_the_network_and_leaves_databases_without_it(self, place):
        network = place.make_network()
        place.connect_privately(network)
        body = {"name": "servicenetworking-googleapis-com"}
        place.run("compute", networks(place).removePeering(project=place.id, network="net", body=body))
        insert = place.google.api("sqladmin").instances().insert(project=place.id, body=place.database_body(network))
        assert refusal(insert).reason == "networkNotPeered"
