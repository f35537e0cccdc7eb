"""The chart's values: what they ask for, and that it fits what a size buys."""

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from provisioning.fleet.architectures import ARCHITECTURES
from provisioning.fleet.catalogue import SIZES
from provisioning.spec import SizeSpec
from provisioning.steps.values import DATABASE_REQUESTS, BroughtCluster, values_for
from tests.provisioning.steps.world import spec_for_tests

BROUGHT = BroughtCluster(has_cluster_wide_rights=False, storage_class="", ingress_class="nginx")
# What a node of GKE leaves to pods: it keeps 6, 1, 0.5, 0.5 % of the first CPUs and 0.25 % of the rest; of memory 25 %
# of the first 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % of the next 112, and 100 MiB; and has pods of its own.
MACHINES = {"e2-highmem-4": (4, 32), "e2-standard-8": (8, 32), "e2-standard-16": (16, 64), "n2-standard-16": (16, 64)}
SYSTEM_CPU, SYSTEM_MEMORY = 600, 1200


def room(machine: str) -> tuple[int, int]:
    cpus, gigabytes = MACHINES[machine]
    kept = 60 + 10 + 2 * 5 + (cpus - 4) * 2.5
    memory = 0.25 * 4 + 0.2 * 4 + 0.1 * 8 + 0.06 * (gigabytes - 16)
    return int(cpus * 1000 - kept) - SYSTEM_CPU, int((gigabytes - memory) * 1024 - 100) - SYSTEM_MEMORY


def size_named(name: str) -> SizeSpec:
    row = {"node_disk_gb": 100, **next(size for size in SIZES if size["name"] == name)}
    return SizeSpec(**{field: row[field] for field in SizeSpec.__dataclass_fields__})


def pods(values: dict[str, Any]) -> list[tuple[int, int]]:
    """The requests of every pod: thousandths of a CPU, and MiB. Web server and indexer of indexed search share one."""
    asked = {name: part["resources"]["requests"] for name, part in values.items() if "resources" in part}
    amounts = {name: (int(a["cpu"].rstrip("m")), int(a["memory"].rstrip("Mi"))) for name, a in asked.items()}
    indexer = amounts.pop("indexedSearchIndexer")
    cpu, memory = amounts["indexedSearch"]
    amounts["indexedSearch"] = (cpu + indexer[0], memory + indexer[1])
    own = [amount for name, amount in amounts.items() for _ in range(values[name].get("replicaCount", 1))]
    return [*own, *beside(values)]


def beside(values: dict[str, Any]) -> list[tuple[int, int]]:
    """The same of the deployments that we give the chart."""
    amounts = []
    for found in (found["spec"] for found in values["extraResources"] if found["kind"] == "Deployment"):
        asked = found["template"]["spec"]["containers"][0]["resources"]["requests"]
        amounts += [(int(asked["cpu"].rstrip("m")), int(asked["memory"].rstrip("Mi")))] * found["replicas"]
    return amounts


def fit(wanted: list[tuple[int, int]], nodes: list[tuple[int, int]]) -> bool:
    """First fit, the largest first: a scheduler does no better than this when it is unlucky."""
    free = list(nodes)
    for cpu, memory in sorted(wanted, reverse=True):
        place = next((i for i, (c, m) in enumerate(free) if c >= cpu and m >= memory), None)
        if place is None:
            return False
        free[place] = (free[place][0] - cpu, free[place][1] - memory)
    return True


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", [size["name"] for size in SIZES])
def test_the_pods_of_a_size_fit_its_nodes(name, architecture):
    size = size_named(name)
    values = values_for(replace(spec_for_tests(), size=size, architecture=architecture))
    assert fit(pods(values), [room(size.machine_type)] * size.node_count)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", [size["name"] for size in SIZES])
def test_the_next_frontend_fits_beside_the_old_one(name, architecture):
    size = size_named(name)
    values = values_for(replace(spec_for_tests(), size=size, architecture=architecture))
    frontend = values["frontend"]["resources"]["requests"]
    surge = (int(frontend["cpu"].rstrip("m")), int(frontend["memory"].rstrip("Mi")))
    assert fit([*pods(values), surge], [room(size.machine_type)] * size.node_count)


def test_the_smallest_size_asks_for_150_gigabytes():
    parts = [part for part in values_for(spec_for_tests()).values() if isinstance(part, dict)]
    assert sum(int(part["storageSize"].removesuffix("Gi")) for part in parts if "storageSize" in part) == 150


def test_every_component_has_its_requests_given():
    for name, part in values_for(spec_for_tests()).items():
        if isinstance(part, dict) and part.get("enabled", True) and name not in {"sourcegraph", "storageClass"}:
            assert "resources" in part, name


def test_they_hold_no_secret_and_name_the_secrets():
    values = values_for(spec_for_tests())
    assert "password" not in json.dumps(values).lower()
    assert values["codeIntelDB"] == {"enabled": False, "auth": {"existingSecret": "codeintel-database"}}


def test_the_same_spec_gives_the_same_values():
    assert json.dumps(values_for(spec_for_tests())) == json.dumps(values_for(spec_for_tests()))


def test_version_domain_and_labels_are_the_instances():
    values = values_for(spec_for_tests())
    assert values["sourcegraph"]["image"] == {"defaultTag": "5.11.0", "useGlobalTagAsDefault": True}
    assert values["sourcegraph"]["labels"]["instance"] == spec_for_tests().id
    assert values["frontend"]["ingress"]["host"] == "acme.sourcegraph.localhost"


def test_what_is_made_of_a_customers_backup_does_nothing_by_itself():
    own, copy = values_for(spec_for_tests(kind="production")), values_for(spec_for_tests(kind="rehearsal"))
    silent = {"worker", "repoUpdater"}
    assert {component: copy[component]["replicaCount"] for component in silent} == dict.fromkeys(silent, 0)
    assert own["worker"]["replicaCount"] == 1
    assert {key for key in copy if key != "sourcegraph" and own.get(key) != copy[key]} == silent


def test_on_a_brought_cluster_nothing_is_cluster_wide():
    values = values_for(spec_for_tests(tenancy="byok"), BROUGHT)
    assert values["storageClass"] == {"create": False, "name": ""}
    assert values["prometheus"]["enabled"] is False
    assert values["cadvisor"]["enabled"] is False
    assert values["frontend"]["ingress"]["ingressClassName"] == "nginx"
    assert "extraResources" not in values


def test_on_a_brought_cluster_the_databases_run_beside_the_application():
    values = values_for(spec_for_tests(tenancy="byok"), BROUGHT)
    for key in DATABASE_REQUESTS:
        assert values[key]["enabled"] is True
        assert "resources" in values[key]


def test_with_leave_prometheus_may_look_at_the_whole_cluster():
    values = values_for(spec_for_tests(tenancy="byok"), replace(BROUGHT, has_cluster_wide_rights=True))
    assert values["prometheus"]["enabled"] is True
    assert values["prometheus"]["privileged"] is True


def test_the_way_to_a_database_outside_the_network_is_among_them():
    before = values_for(spec_for_tests(architecture="1.0"))
    after = values_for(spec_for_tests())
    kinds = [found["kind"] for found in before["extraResources"] if found not in after["extraResources"]]
    assert kinds == ["Deployment", "Service"]
    assert {**before, "extraResources": after["extraResources"]} == after


def test_they_survive_yaml():
    values = values_for(spec_for_tests())
    assert yaml.safe_load(yaml.safe_dump(values)) == values
