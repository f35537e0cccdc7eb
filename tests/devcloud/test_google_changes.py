"""What is changed in place: how long it takes, what is busy meanwhile, and what cannot be changed."""

from datetime import datetime

import pytest

from tests.devcloud.google_client import REGION, Place, refusal


@pytest.fixture
def network(place: Place) -> str:
    return place.make_network()


@pytest.fixture
def cluster(place: Place, network: str) -> str:
    return place.make_cluster()


def seconds_of(place: Place, service: str, request) -> float:
    """How long the operation takes that the request starts."""
    ended = place.run(service, request)
    begin, end = (datetime.fromisoformat(ended[name]) for name in ("startTime", "endTime"))
    return (end - begin).total_seconds()


class TestDatabase:
    @pytest.fixture(autouse=True)
    def database(self, place, network):
        place.connect_privately(network)
        place.run("sqladmin", self.instances(place).insert(project=place.id, body=place.database_body(network)))

    def instances(self, place):
        return place.google.api("sqladmin").instances()

    def patch(self, place, body):
        return self.instances(place).patch(project=place.id, instance="db", body=body)

    def settings(self, place):
        return self.instances(place).get(project=place.id, instance="db").execute()["settings"]

    def test_another_machine_takes_minutes_and_another_label_seconds(self, place):
        assert seconds_of(place, "sqladmin", self.patch(place, {"settings": {"tier": "db-custom-4-16384"}})) == 240
        assert seconds_of(place, "sqladmin", self.patch(place, {"settings": {"userLabels": {"a": "b"}}})) == 60

    def test_what_is_not_given_stays(self, place):
        body = {"settings": {"backupConfiguration": {"enabled": True}}}
        place.run("sqladmin", self.patch(place, body))
        place.run("sqladmin", self.patch(place, {"settings": {"backupConfiguration": {"startTime": "04:00"}}}))
        backups = self.settings(place)["backupConfiguration"]
        assert (backups["enabled"], backups["startTime"]) == (True, "04:00")

    def test_a_disk_never_shrinks(self, place):
        place.run("sqladmin", self.patch(place, {"settings": {"dataDiskSizeGb": "50"}}))
        refused = refusal(self.patch(place, {"settings": {"dataDiskSizeGb": "20"}}))
        assert (refused.code, "decreased" in refused.message) == (400, True)

    @pytest.mark.parametrize("body", [{"region": "europe-west3"}, {"databaseVersion": "POSTGRES_17"}])
    def test_what_it_was_made_as_stays(self, place, body):
        assert "cannot be changed" in refusal(self.patch(place, body)).message

    def test_another_sort_of_disk_cannot_be_had(self, place):
        assert "disk type" in refusal(self.patch(place, {"settings": {"dataDiskType": "PD_HDD"}})).message

    def test_the_network_is_answered_as_a_url(self, place, network):
        found = self.settings(place)["ipConfiguration"]["privateNetwork"]
        assert found == f"https://www.googleapis.com/compute/v1/{network}"


class TestCluster:
    def test_it_takes_one_update_at_a_time(self, place, cluster):
        both = {"desiredShieldedNodes": {"enabled": False}, "desiredReleaseChannel": {"channel": "STABLE"}}
        update = place.clusters().update(name=cluster, body={"update": both})
        assert "Exactly one update" in refusal(update).message
        one = {"update": {"desiredShieldedNodes": {"enabled": False}}}
        operation = place.clusters().update(name=cluster, body=one).execute()
        assert place.clusters().get(name=cluster).execute()["status"] == "RECONCILING"
        refused = refusal(place.clusters().update(name=cluster, body=one))
        assert refused.reason == "CLUSTER_ALREADY_HAS_OPERATION"
        place.finish("container", operation)
        found = place.clusters().get(name=cluster).execute()
        assert (found["status"], found["shieldedNodes"]) == ("RUNNING", {})  # what is false is left out

    def test_addons_that_are_not_mentioned_stay(self, place, cluster):
        addons = {"desiredAddonsConfig": {"gkeBackupAgentConfig": {"enabled": True}}}
        place.run("container", place.clusters().update(name=cluster, body={"update": addons}))
        found = place.clusters().get(name=cluster).execute()["addonsConfig"]
        assert found["gkeBackupAgentConfig"] == found["dnsCacheConfig"] == {"enabled": True}

    def test_its_labels_are_set_by_who_knows_the_old_ones(self, place, cluster):
        body = {"resourceLabels": {"a": "b"}, "labelFingerprint": "old"}
        assert "fingerprint" in refusal(place.clusters().setResourceLabels(name=cluster, body=body)).message
        body["labelFingerprint"] = place.clusters().get(name=cluster).execute()["labelFingerprint"]
        place.run("container", place.clusters().setResourceLabels(name=cluster, body=body))
        assert place.clusters().get(name=cluster).execute()["resourceLabels"] == {"a": "b"}


class TestNodes:
    def pools(self, place):
        return place.clusters().nodePools()

    def test_replacing_them_takes_minutes_and_keeps_the_cluster_busy(self, place, cluster):
        pool = f"{cluster}/nodePools/main"
        update = self.pools(place).update(name=pool, body={"machineType": "e2-standard-8", "diskSizeGb": 200})
        operation = update.execute()
        assert self.pools(place).get(name=pool).execute()["status"] == "RECONCILING"
        assert place.clusters().get(name=cluster).execute()["status"] == "RECONCILING"
        place.finish("container", operation)
        found = self.pools(place).get(name=pool).execute()
        assert (found["status"], found["config"]["machineType"]) == ("RUNNING", "e2-standard-8")
        assert found["config"]["diskSizeGb"] == 200
        assert seconds_of(place, "container", update) == 420

    def test_a_failed_change_leaves_them_running(self, place, cluster, faulty):
        pool = f"{cluster}/nodePools/main"
        faulty.add_fault("*.nodePools.update", "fail_operation", nth=1, code="RESOURCE_EXHAUSTED", message="Full.")
        update = self.pools(place).update(name=pool, body={"machineType": "e2-standard-8"})
        assert place.run("container", update)["error"]["message"] == "Full."
        found = self.pools(place).get(name=pool).execute()
        assert (found["status"], found["config"]["machineType"]) == ("RUNNING", "e2-standard-4")
        assert place.clusters().get(name=cluster).execute()["status"] == "RUNNING"

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({}, "At least one"),
            ({"machineType": "e9-mega-1"}, "does not exist"),
            ({"diskSizeGb": "5"}, "smallest disk"),
            ({"machineType": "e2-standard-8", "resourceLabels": {"labels": {}}}, "one of the node pool's fields"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, place, cluster, body, words):
        assert words in refusal(self.pools(place).update(name=f"{cluster}/nodePools/main", body=body)).message

    def test_growing_beyond_the_quota_is_refused(self, place, cluster):
        set_size = self.pools(place).setSize(name=f"{cluster}/nodePools/main", body={"nodeCount": 40})
        assert "Insufficient regional quota" in refusal(set_size).message

    def test_on_a_release_channel_they_upgrade_by_themselves(self, place, cluster):
        body = {"management": {"autoRepair": True, "autoUpgrade": False}}
        refused = refusal(self.pools(place).setManagement(name=f"{cluster}/nodePools/main", body=body))
        assert "release_channel" in refused.message


class TestNetwork:
    def test_a_subnetwork_is_changed_by_who_knows_its_fingerprint(self, place, network):
        subnetworks = place.google.api("compute").subnetworks()
        at = {"project": place.id, "region": REGION, "subnetwork": "net"}
        ranges = [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}]
        body = {"secondaryIpRanges": ranges, "fingerprint": "b2xk"}
        assert refusal(subnetworks.patch(**at, body=body)).code == 412
        body["fingerprint"] = subnetworks.get(**at).execute()["fingerprint"]
        place.run("compute", subnetworks.patch(**at, body=body))
        assert subnetworks.get(**at).execute()["secondaryIpRanges"] == ranges

    def test_a_range_that_a_cluster_uses_stays(self, place, network):
        place.make_cluster(ipAllocationPolicy={"clusterSecondaryRangeName": "pods"})
        subnetworks = place.google.api("compute").subnetworks()
        at = {"project": place.id, "region": REGION, "subnetwork": "net"}
        body = {"secondaryIpRanges": [], "fingerprint": subnetworks.get(**at).execute()["fingerprint"]}
        assert refusal(subnetworks.patch(**at, body=body)).reason == "resourceInUseByAnotherResource"

    def test_of_a_network_only_the_routing_changes(self, place, network):
        networks = place.google.api("compute").networks()
        at = {"project": place.id, "network": "net"}
        body = {"routingConfig": {"routingMode": "GLOBAL"}}
        place.run("compute", networks.patch(**at, body=body))
        assert networks.get(**at).execute()["routingConfig"] == body["routingConfig"]
        assert "cannot be changed" in refusal(networks.patch(**at, body={"autoCreateSubnetworks": True})).message

    def test_an_address_gets_its_labels_only_after_it_is_made(self, place):
        addresses = place.google.api("compute").globalAddresses()
        body = {"name": "front", "labels": {"a": "b"}}
        place.run("compute", addresses.insert(project=place.id, body=body))
        found = addresses.get(project=place.id, address="front").execute()
        assert found.get("labels", {}) == {}
        set_labels = {"labels": {"a": "b"}, "labelFingerprint": found["labelFingerprint"]}
        place.run("compute", addresses.setLabels(project=place.id, resource="front", body=set_labels))
        assert addresses.get(project=place.id, address="front").execute()["labels"] == {"a": "b"}
        assert refusal(addresses.setLabels(project=place.id, resource="front", body=set_labels)).code == 412


class TestBackupPlan:
    def test_its_settings_change_and_its_cluster_does_not(self, place, cluster):
        plans = place.google.api("gkebackup").projects().locations().backupPlans()
        parent = f"{place.name}/locations/{REGION}"
        body = {"cluster": cluster, "retentionPolicy": {"backupRetainDays": 30}}
        place.run("gkebackup", plans.create(parent=parent, backupPlanId="daily", body=body))
        name = f"{parent}/backupPlans/daily"
        change = {"retentionPolicy": {"backupRetainDays": 7}}
        patch = plans.patch(name=name, updateMask="retentionPolicy", body=change)
        operation = patch.execute()
        assert refusal(patch).status == "ABORTED"  # one change at a time
        place.finish("gkebackup", operation)
        found = plans.get(name=name).execute()
        assert (found["retentionPolicy"], found["state"]) == ({"backupRetainDays": 7}, "READY")
        other = {"cluster": f"{place.location}/clusters/other"}
        assert "immutable" in refusal(plans.patch(name=name, updateMask="cluster", body=other)).message


class TestProject:
    def test_its_name_and_labels_change_and_nothing_else(self, place):
        projects = place.google.api("cloudresourcemanager").projects()
        body = {"displayName": "Another", "labels": {"a": "b"}}
        place.run("cloudresourcemanager", projects.patch(name=place.name, updateMask="displayName", body=body))
        found = projects.get(name=place.name).execute()
        assert (found["displayName"], "labels" in found) == ("Another", False)
        parent = {"parent": "folders/2"}
        assert "update mask" in refusal(projects.patch(name=place.name, updateMask="parent", body=parent)).message

    def test_a_disabled_account_gets_no_tokens(self, place):
        accounts = place.google.api("iam").projects().serviceAccounts()
        accounts.create(name=place.name, body={"accountId": "robot-one"}).execute()
        place.google.devcloud.skip(31)
        email = f"robot-one@{place.id}.iam.gserviceaccount.com"
        name = f"{place.name}/serviceAccounts/{email}"
        accounts.disable(name=name, body={}).execute()
        tokens = place.google.api("iamcredentials").projects().serviceAccounts()
        body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
        generate = tokens.generateAccessToken(name=f"projects/-/serviceAccounts/{email}", body=body)
        assert refusal(generate).status == "FAILED_PRECONDITION"
        accounts.enable(name=name, body={}).execute()
        assert generate.execute()["accessToken"]
