"""Who can be reached from outside, and what of that can be changed: nodes, pods' identities, a database's addresses."""

import pytest

from tests.devcloud.google_client import Place, refusal

PRIVATE = {"enablePrivateNodes": True, "masterIpv4CidrBlock": "172.16.0.0/28"}


@pytest.fixture
def network(place: Place) -> str:
    return place.make_network()


class TestNodes:
    @pytest.fixture
    def cluster(self, place, network):
        return place.make_cluster()

    def update(self, place, cluster, **update):
        return place.clusters().update(name=cluster, body={"update": update})

    def update_pool(self, place, cluster, **update):
        return place.clusters().nodePools().update(name=f"{cluster}/nodePools/main", body=update)

    def pool(self, place, cluster):
        return place.clusters().nodePools().get(name=f"{cluster}/nodePools/main").execute()

    def test_of_a_public_cluster_are_made_private_in_place_and_public_again(self, place, cluster):
        assert self.pool(place, cluster)["networkConfig"] == {}
        for wanted in (True, False):
            place.run("container", self.update(place, cluster, desiredDefaultEnablePrivateNodes=wanted))
            found = place.clusters().get(name=cluster).execute()
            assert found["networkConfig"].get("defaultEnablePrivateNodes", False) is wanted
            assert found["privateClusterConfig"].get("enablePrivateNodes", False) is wanted
            place.run("container", self.update_pool(place, cluster, nodeNetworkConfig={"enablePrivateNodes": wanted}))
            assert self.pool(place, cluster)["networkConfig"].get("enablePrivateNodes", False) is wanted

    def test_of_a_cluster_that_was_made_private_stay_so(self, place, network):
        cluster = place.make_cluster(privateClusterConfig=PRIVATE)
        assert self.pool(place, cluster)["networkConfig"]["enablePrivateNodes"] is True
        public = {"enablePrivateNodes": False}
        new = {"name": "open", "initialNodeCount": 1, "networkConfig": public}
        for request in (
            self.update(place, cluster, desiredDefaultEnablePrivateNodes=False),
            self.update_pool(place, cluster, nodeNetworkConfig=public),
            place.clusters().nodePools().create(parent=cluster, body={"nodePool": new}),
        ):
            refused = refusal(request)
            assert (refused.code, "valid masterIpv4Cidr" in refused.message) == (400, True)

    def test_that_are_said_to_be_private_twice_are_refused(self, place, network):
        body = place.cluster_body(privateClusterConfig=PRIVATE, networkConfig={"defaultEnablePrivateNodes": True})
        assert "both" in refusal(place.clusters().create(parent=place.location, body=body)).message

    def test_change_one_thing_at_a_time(self, place, cluster):
        both = {"nodeNetworkConfig": {"enablePrivateNodes": True}, "workloadMetadataConfig": {"mode": "GCE_METADATA"}}
        assert "one" in refusal(self.update_pool(place, cluster, **both)).message
        self.update_pool(place, cluster, nodeNetworkConfig={"enablePrivateNodes": True}).execute()
        refused = refusal(self.update_pool(place, cluster, workloadMetadataConfig={"mode": "GCE_METADATA"}))
        assert refused.reason == "CLUSTER_ALREADY_HAS_OPERATION"

    def test_have_an_identity_for_each_pod_once_their_cluster_has(self, place, cluster):
        metadata = {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}
        assert "enabled at the cluster level" in refusal(self.update_pool(place, cluster, **metadata)).message
        of_another = {"desiredWorkloadIdentityConfig": {"workloadPool": "another.svc.id.goog"}}
        assert refusal(self.update(place, cluster, **of_another)).code == 400
        ours, none = ({"workloadPool": pool} for pool in (f"{place.id}.svc.id.goog", ""))
        place.run("container", self.update(place, cluster, desiredWorkloadIdentityConfig=ours))
        place.run("container", self.update_pool(place, cluster, **metadata))
        refused = refusal(self.update(place, cluster, desiredWorkloadIdentityConfig=none))
        assert (refused.status, "node pool main" in refused.message) == ("FAILED_PRECONDITION", True)
        back = {"workloadMetadataConfig": {"mode": "GCE_METADATA"}}
        place.run("container", self.update_pool(place, cluster, **back))
        place.run("container", self.update(place, cluster, desiredWorkloadIdentityConfig=none))
        assert "workloadIdentityConfig" not in place.clusters().get(name=cluster).execute()


class TestADatabase:
    @pytest.fixture
    def public(self, place, network):
        body = place.database_body(network)
        body["settings"]["ipConfiguration"] = {"ipv4Enabled": True}
        place.run("sqladmin", place.google.api("sqladmin").instances().insert(project=place.id, body=body))
        return network

    def patch(self, place, **addressing):
        instances = place.google.api("sqladmin").instances()
        return instances.patch(project=place.id, instance="db", body={"settings": {"ipConfiguration": addressing}})

    def addresses(self, place):
        found = place.google.api("sqladmin").instances().get(project=place.id, instance="db").execute()
        return {address["type"]: address["ipAddress"] for address in found["ipAddresses"]}

    def test_joins_a_network_that_is_connected_and_never_leaves_it(self, place, public):
        assert set(self.addresses(place)) == {"PRIMARY"}
        refused = refusal(self.patch(place, privateNetwork=public))
        assert refused.reason == "networkNotPeered"
        place.connect_privately(public)
        ended = place.run("sqladmin", self.patch(place, privateNetwork=public))
        assert "error" not in ended
        assert set(self.addresses(place)) == {"PRIVATE", "PRIMARY"}
        refused = refusal(self.patch(place, privateNetwork=""))
        assert (refused.code, "cannot be removed once it is set" in refused.message) == (400, True)

    def test_has_another_public_address_when_it_is_given_one_again(self, place, public):
        refused = refusal(self.patch(place, ipv4Enabled=False))
        assert "At least one of" in refused.message
        place.connect_privately(public)
        place.run("sqladmin", self.patch(place, privateNetwork=public))
        before = self.addresses(place)
        place.run("sqladmin", self.patch(place, ipv4Enabled=False))
        assert self.addresses(place) == {"PRIVATE": before["PRIVATE"]}
        place.run("sqladmin", self.patch(place, ipv4Enabled=True))
        after = self.addresses(place)
        assert after["PRIVATE"] == before["PRIVATE"]
        assert after["PRIMARY"] != before["PRIMARY"]
