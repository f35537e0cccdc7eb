"""The store, the durations and what clusters leave behind: without a server."""

from dataclasses import replace

import pytest

from devcloud import leftovers
from devcloud.cloud import Addresses, Cloud
from devcloud.faults import Faults
from devcloud.profile import PROFILES
from devcloud.store import Store


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(Store(None), PROFILES["fast"], Faults(), Addresses("127.0.0.1", 1, 2, 3), "")


def test_what_goes_in_and_comes_out_are_copies():
    store = Store(None)
    document = {"list": [1]}
    store.put("things", "a", document)
    document["list"].append(2)
    found = store.get("things", "a")
    assert found == {"list": [1]}
    found["list"].append(3)
    assert store.items("things") == [("a", {"list": [1]})]


def test_items_come_by_prefix_in_the_order_of_their_keys():
    store = Store(None)
    for key in ("b/2", "a/1", "b/1", "c"):
        store.put("things", key, {"key": key})
    assert [key for key, _document in store.items("things", "b/")] == ["b/1", "b/2"]
    assert [key for key, _document in store.items("things")] == ["a/1", "b/1", "b/2", "c"]
    assert store.first("things") == ("a/1", {"key": "a/1"})
    assert store.items("nothing") == []
    assert store.first("nothing") is None


def test_a_new_store_on_the_same_file_finds_everything(tmp_path):
    path = tmp_path / "store.sqlite3"
    store = Store(path)
    store.put("things", "a", {"value": "ü"})
    store.put("things", "b", {})
    store.flush()
    store.delete("things", "b")
    store.delete("things", "never-was")
    store.close()
    again = Store(path)
    assert again.items("things") == [("a", {"value": "ü"})]
    assert again.collections() == ["things"]
    again.clear()
    again.close()
    empty = Store(path)
    assert empty.collections() == []
    empty.close()


def test_the_profiles_name_the_same_durations_and_speed_divides_them():
    assert set(PROFILES["fast"].durations) == set(PROFILES["realistic"].durations)
    assert replace(PROFILES["realistic"], speed=10.0).seconds("sql.instance") == 60
    limits = {"operation.expiry", "stripe.delivery.timeout"}  # how long something may take, not how long it does
    assert all(0 < seconds <= 0.3 for name, seconds in PROFILES["fast"].durations.items() if name not in limits)
    with pytest.raises(KeyError):
        PROFILES["fast"].seconds("tea")


def test_a_cluster_leaves_endpoint_groups_and_disks_until_they_are_dropped(cloud):
    leftovers.leave_network_endpoint_group(cloud, "acme", "too-early")
    assert cloud.store.collections() == []
    network = "projects/acme/global/networks/net"
    body = {"location": "us-central1", "networkConfig": {"network": network}}
    cloud.store.put("container.clusters", "projects/acme/locations/us-central1/clusters/c", {"body": body})
    leftovers.leave_network_endpoint_group(cloud, "acme", "k8s1-abc")
    leftovers.leave_disk(cloud, "acme", "pvc-1", size_gb=20, labels={"instance": "src-1"})
    [(name, group)] = cloud.store.items("compute.networkEndpointGroups")
    assert name == "projects/acme/zones/us-central1-a/networkEndpointGroups/k8s1-abc"
    assert group["body"]["network"].endswith(network)
    [(name, disk)] = cloud.store.items("compute.disks")
    assert (disk["body"]["sizeGb"], disk["body"]["labels"]) == ("20", {"instance": "src-1"})
    leftovers.drop_network_endpoint_group(cloud, "acme", "k8s1-abc")
    leftovers.drop_disk(cloud, "acme", "pvc-1")
    assert cloud.store.collections() == ["container.clusters"]
