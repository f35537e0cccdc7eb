"""Kubernetes Engine: states, one operation at a time, quotas, leftovers; and Backup for GKE."""

import base64
import ssl
from pathlib import Path

import httpx
import pytest

from tests.devcloud.google_client import PROPAGATION_SECONDS, Place, refusal


@pytest.fixture
def network(place: Place) -> str:
    return place.make_network()


def node_pools(place):
    return place.clusters().nodePools()


def rules(place):
    listed = place.google.api("compute").firewalls().list(project=place.id).execute()
    return [rule["name"] for rule in listed.get("items", [])]


def test_a_cluster_provisions_then_reconciles_by_itself_then_runs(place, network):
    operation = place.clusters().create(parent=place.location, body=place.cluster_body()).execute()
    name = f"{place.location}/clusters/cluster"
    get = place.clusters().get(name=name)
    assert get.execute()["status"] == "PROVISIONING"
    assert "endpoint" not in get.execute()
    place.finish("container", operation)
    assert get.execute()["status"] == "RECONCILING"
    refused = refusal(place.clusters().delete(name=name))
    assert (refused.code, refused.status) == (400, "FAILED_PRECONDITION")
    assert refused.reason == "CLUSTER_ALREADY_HAS_OPERATION"
    place.google.devcloud.skip("next")
    assert get.execute()["status"] == "RUNNING"
    listed = place.google.api("container").projects().locations().operations().list(parent=place.location).execute()
    assert [found["operationType"] for found in listed["operations"]] == ["CREATE_CLUSTER", "UPDATE_CLUSTER"]


def test_its_api_server_answers_at_the_endpoint_under_the_given_authority(place, network, devcloud, tmp_path):
    cluster = place.clusters().get(name=place.make_cluster()).execute()
    assert cluster["endpoint"].startswith(f"127.0.0.1:{devcloud.https_port}/clusters/")
    authority = tmp_path / "ca.crt"
    authority.write_bytes(base64.b64decode(cluster["masterAuth"]["clusterCaCertificate"]))
    answer = httpx.get(
        f"https://{cluster['endpoint']}/version", verify=ssl.create_default_context(cafile=authority), trust_env=False
    )
    assert answer.status_code in {200, 401}


def test_a_taken_name_is_refused(place, network):
    place.clusters().create(parent=place.location, body=place.cluster_body()).execute()
    assert refusal(place.clusters().create(parent=place.location, body=place.cluster_body())).code == 409


@pytest.mark.parametrize("name", ["x" * 41, "Capital", "9starts-wrong"])
def test_a_malformed_name_is_refused(place, network, name):
    assert refusal(place.clusters().create(parent=place.location, body=place.cluster_body(name))).code == 400


def test_ranges_that_the_subnetwork_lacks_are_refused(place, network):
    body = place.cluster_body(
        ipAllocationPolicy={"clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "no"}
    )
    assert "servicesSecondaryRangeName" not in str(body["cluster"].get("name"))
    assert 'Secondary range "no"' in refusal(place.clusters().create(parent=place.location, body=body)).message


def test_a_network_that_is_not_there_is_refused(place):
    assert refusal(place.clusters().create(parent=place.location, body=place.cluster_body())).code == 404


def test_nodes_need_a_service_account_that_exists(place, network):
    config = {"machineType": "e2-standard-4", "serviceAccount": f"ghost@{place.id}.iam.gserviceaccount.com"}
    body = place.cluster_body(nodePools=[{"name": "main", "initialNodeCount": 1, "config": config}])
    assert "service account" in refusal(place.clusters().create(parent=place.location, body=body)).message


def test_machines_that_nobody_builds_are_refused(place, network):
    body = place.cluster_body(
        nodePools=[{"name": "main", "initialNodeCount": 1, "config": {"machineType": "e9-mega-1"}}]
    )
    assert "does not exist" in refusal(place.clusters().create(parent=place.location, body=body)).message


def test_nodes_beyond_the_regions_quota_are_refused(place, network):
    config = {"machineType": "n2-standard-32"}
    body = place.cluster_body(nodePools=[{"name": "main", "initialNodeCount": 3, "config": config}])
    refused = refusal(place.clusters().create(parent=place.location, body=body))
    assert refused.code == 403
    assert 'Insufficient regional quota to satisfy request: resource "CPUS"' in refused.message


def test_node_pools_are_made_resized_and_deleted_one_operation_at_a_time(place, network):
    cluster = place.make_cluster()
    body = {"nodePool": {"name": "second", "initialNodeCount": 2, "config": {"machineType": "e2-standard-8"}}}
    operation = node_pools(place).create(parent=cluster, body=body).execute()
    pool = f"{cluster}/nodePools/second"
    assert node_pools(place).get(name=pool).execute()["status"] == "PROVISIONING"
    assert (
        refusal(node_pools(place).setSize(name=pool, body={"nodeCount": 0})).reason == "CLUSTER_ALREADY_HAS_OPERATION"
    )
    place.finish("container", operation)
    assert node_pools(place).get(name=pool).execute()["status"] == "RUNNING"
    place.run("container", node_pools(place).setSize(name=pool, body={"nodeCount": 0}))
    assert node_pools(place).get(name=pool).execute().get("initialNodeCount", 0) == 0
    place.run("container", node_pools(place).delete(name=pool))
    assert [found["name"] for found in node_pools(place).list(parent=cluster).execute()["nodePools"]] == ["main"]


def test_a_deleted_cluster_leaves_a_firewall_rule_that_keeps_the_network(place, network):
    compute = place.google.api("compute")
    cluster = place.make_cluster()
    assert len(rules(place)) == 3
    subnetwork = compute.subnetworks().delete(project=place.id, region="us-central1", subnetwork="net")
    assert refusal(subnetwork).reason == "resourceInUseByAnotherResource"
    operation = place.clusters().delete(name=cluster).execute()
    assert place.clusters().get(name=cluster).execute()["status"] == "STOPPING"
    place.finish("container", operation)
    assert refusal(place.clusters().get(name=cluster)).code == 404
    place.run("compute", subnetwork)
    [left] = rules(place)
    assert left.startswith("gke-cluster-")
    delete = compute.networks().delete(project=place.id, network="net")
    assert left in place.run("compute", delete)["error"]["errors"][0]["message"]
    place.run("compute", compute.firewalls().delete(project=place.id, firewall=left))
    assert "error" not in place.run("compute", delete)


def test_a_cluster_deleted_before_its_workload_leaves_endpoint_groups_and_retained_disks(place, network):
    cluster = place.make_cluster()
    email = f"portal-robot@{place.id}.iam.gserviceaccount.com"
    place.google.api("iam").projects().serviceAccounts().create(
        name=place.name, body={"accountId": "portal-robot"}
    ).execute()
    place.google.devcloud.skip(PROPAGATION_SECONDS)
    tokens = place.google.api("iamcredentials").projects().serviceAccounts()
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    token = tokens.generateAccessToken(name=f"projects/-/serviceAccounts/{email}", body=body).execute()["accessToken"]
    endpoint = place.clusters().get(name=cluster).execute()["endpoint"]
    publish(f"https://{endpoint}", token, place.google.devcloud.certificate_authority)
    place.run("container", place.clusters().delete(name=cluster))
    compute = place.google.api("compute")
    groups = compute.networkEndpointGroups().aggregatedList(project=place.id).execute()["items"]["zones/us-central1-a"]
    [group] = groups["networkEndpointGroups"]
    [disk] = compute.disks().aggregatedList(project=place.id).execute()["items"]["zones/us-central1-a"]["disks"]
    zonal = {"project": place.id, "zone": "us-central1-a"}
    place.run("compute", compute.networkEndpointGroups().delete(**zonal, networkEndpointGroup=group["name"]))
    place.run("compute", compute.disks().delete(**zonal, disk=disk["name"]))
    assert refusal(compute.disks().get(**zonal, disk=disk["name"])).code == 404


def publish(server: str, token: str, authority: Path) -> None:
    """A service with a load balancer, and a volume that is retained."""
    service = {
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]},
    }
    volume = {
        "metadata": {"name": "pv-1"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "csi": {"driver": "pd.csi.storage.gke.io", "volumeHandle": "pv-1"},
        },
    }
    headers = {"Authorization": f"Bearer {token}"}
    tls = ssl.create_default_context(cafile=authority)
    with httpx.Client(headers=headers, verify=tls, trust_env=False) as client:
        for path, kind, body in (
            ("namespaces/default/services", "Service", service),
            ("persistentvolumes", "PersistentVolume", volume),
        ):
            answer = client.post(f"{server}/api/v1/{path}", json={"apiVersion": "v1", "kind": kind, **body})
            assert answer.is_success, answer.text


def test_a_cluster_whose_creation_fails_stays_in_error(place, network, faulty):
    faulty.add_fault(
        "container.projects.locations.clusters.create", "fail_operation", code="RESOURCE_EXHAUSTED", message="Full."
    )
    ended = place.run("container", place.clusters().create(parent=place.location, body=place.cluster_body()))
    assert ended["error"] == {"code": 8, "message": "Full."}
    assert place.clusters().get(name=f"{place.location}/clusters/cluster").execute()["status"] == "ERROR"


def test_the_first_cluster_with_workload_identity_makes_its_pool(place, network):
    place.make_cluster(workloadIdentityConfig={"workloadPool": f"{place.id}.svc.id.goog"})
    projects = place.google.api("cloudresourcemanager").projects()
    policy = projects.getIamPolicy(resource=place.name, body={}).execute()
    member = f"serviceAccount:{place.id}.svc.id.goog[sourcegraph/frontend]"
    policy["bindings"].append({"role": "roles/iam.workloadIdentityUser", "members": [member]})
    assert projects.setIamPolicy(resource=place.name, body={"policy": policy}).execute()["etag"] != policy["etag"]


class TestBackups:
    def plans(self, place):
        return place.google.api("gkebackup").projects().locations().backupPlans()

    def test_a_plan_needs_its_cluster(self, place):
        parent = f"{place.name}/locations/us-central1"
        body = {"cluster": f"{place.location}/clusters/none"}
        assert refusal(self.plans(place).create(parent=parent, backupPlanId="daily", body=body)).code == 404

    def test_a_plan_with_backups_goes_after_them_and_they_go_by_force(self, place, network):
        parent = f"{place.name}/locations/us-central1"
        create = self.plans(place).create(parent=parent, backupPlanId="daily", body={"cluster": place.make_cluster()})
        operation = create.execute()
        plan = f"{parent}/backupPlans/daily"
        assert self.plans(place).get(name=plan).execute()["state"] == "PROVISIONING"
        assert place.finish("gkebackup", operation)["response"]["state"] == "READY"
        backups = self.plans(place).backups()
        place.run("gkebackup", backups.create(parent=plan, backupId="first", body={}))
        backup = f"{plan}/backups/first"
        assert backups.get(name=backup).execute()["state"] == "SUCCEEDED"
        assert refusal(self.plans(place).delete(name=plan)).status == "FAILED_PRECONDITION"
        assert refusal(backups.delete(name=backup)).status == "FAILED_PRECONDITION"
        place.run("gkebackup", backups.delete(name=backup, force=True))
        place.run("gkebackup", self.plans(place).delete(name=plan))
        assert self.plans(place).list(parent=parent).execute() == {}
