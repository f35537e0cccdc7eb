"""What an instance consumes is what the steps and the chart ask for."""

import json
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from billing.catalogue.shipped import MONTHLY_CENTS
from billing.costs import bundled
from billing.costs.needs import (
    HOURS_A_MONTH,
    SMALLEST_FOR_PRODUCTION,
    SMALLEST_MOST_CENTS,
    month_of,
    volumes_gb,
)
from billing.costs.sums import bill
from portal.core.errors import Invalid
from provisioning.fleet.catalogue import SIZES
from provisioning.models import Size
from provisioning.spec import InstanceSpec, SizeSpec
from provisioning.steps.values import DISKS_GB, values_for
from tests.stack.tools import helm_path

CHART = Path(__file__).parents[3] / "charts" / "sourcegraph"
ALL = [SizeSpec.of(Size(**row)) for row in SIZES]
MOST_CENTS = 500_00
NOT_IN_THE_SMALL_CHART = "blobstore"  # one pod with a disk, which the upstream chart has


def size(name: str) -> SizeSpec:
    return next(each for each in ALL if each.name == name)


def amounts(of: SizeSpec) -> dict[tuple[str, str], Decimal]:
    return {(need.part, need.key): need.amount for need in month_of(of)}


def rendered(of: SizeSpec) -> list[dict[str, Any]]:
    """What helm makes of the values of an instance of that size."""
    spec = InstanceSpec(
        id="src-0123456789abcdef0123", organization_id="org", slug="acme", domain="acme.example", kind="production",
        tenancy="dedicated", cluster_id=None, region="us-central1", app_version="5.11.0", chart_version="5.11.0",
        architecture="1.1", features=(), admin_email="a@acme.example", size=of,
    )  # fmt: skip
    command = [helm_path(), "template", "sourcegraph", str(CHART), "-f", "-"]
    found = subprocess.run(
        command, input=json.dumps(values_for(spec)), capture_output=True, text=True, check=True, timeout=30
    )
    return [document for document in yaml.safe_load_all(found.stdout) if document]


def gigabytes(claim: dict[str, Any]) -> int:
    text = claim["spec"]["resources"]["requests"]["storage"]
    assert text.endswith("Gi")
    return int(text.removesuffix("Gi"))


def test_the_smallest_size_for_production_costs_500_dollars_or_less():
    assert SMALLEST_MOST_CENTS == MOST_CENTS
    assert bill(month_of(size(SMALLEST_FOR_PRODUCTION)), bundled.NANOS).cents <= MOST_CENTS


def test_each_executor_costs_its_node_and_less_than_it_is_sold_for():
    plain, one, three = (bill(month_of(size("s"), executors=count), bundled.NANOS) for count in (0, 1, 3))
    assert one.nanos - plain.nanos == (three.nanos - plain.nanos) // 3
    assert 0 < one.cents - plain.cents < MONTHLY_CENTS["executors"] // 2
    amounts_of = {need.key: need.amount for need in month_of(size("s"), executors=2) if need.part == "executors"}
    assert amounts_of == {"e2-core": 8 * 730, "e2-memory": 32 * 730, "pd-balanced": 200, "nat": 2 * 730}


@pytest.mark.parametrize("name", ["m", "l", "xl", "xxl"])
def test_a_standby_costs_less_than_it_is_sold_for(name):
    plain, with_one = (bill(month_of(size(name), has_standby=has_one), bundled.NANOS) for has_one in (False, True))
    assert plain.cents < with_one.cents < plain.cents + MONTHLY_CENTS["standby"]
    assert sum(line.nanos for line in with_one.lines if line.part == "standby") == with_one.nanos - plain.nanos


def test_of_the_standby_of_a_suspended_instance_the_backups_stay():
    needs = month_of(size("m"), is_suspended=True, has_standby=True)
    assert {need.key for need in needs if need.part == "standby"} == {"backup-pod", "backup-storage"}


def test_sizes_serve_from_50_to_5000_people():
    assert (min(each.users for each in ALL), max(each.users for each in ALL)) == (50, 5_000)


def test_a_larger_size_costs_more_and_less_for_each_person():
    bills = {each.name: bill(month_of(each), bundled.NANOS).cents for each in ALL if each.name != "s-ha"}
    assert list(bills.values()) == sorted(bills.values())
    each_person = [bills[one.name] / one.users for one in ALL if one.name in bills]
    assert each_person == sorted(each_person, reverse=True)


def test_nodes_are_cores_memory_and_a_boot_disk():
    found = amounts(replace(size("s"), machine_type="n2-highmem-4", node_count=3, node_disk_gb=50))
    assert found["nodes", "n2-core"] == 4 * 3 * HOURS_A_MONTH
    assert found["nodes", "n2-memory"] == 4 * 8 * 3 * HOURS_A_MONTH
    assert found["nodes", "pd-balanced"] == 150
    assert found["network", "nat"] == 3 * HOURS_A_MONTH


def test_a_server_in_two_zones_is_charged_by_other_items():
    one, two = amounts(size("s")), amounts(size("s-ha"))
    assert one["database", "sql-core"] == two["database", "sql-ha-core"] == 2 * HOURS_A_MONTH
    assert one["database", "sql-memory"] == two["database", "sql-ha-memory"] == 7.5 * HOURS_A_MONTH
    assert ("database", "sql-core") not in two


@pytest.mark.parametrize(
    ("field", "value"),
    [("machine_type", "a2-highgpu-1g"), ("machine_type", "e2-medium"), ("sql_tier", "db-f1-micro"), ("disk_type", "x")],
)
def test_what_is_made_of_unknown_parts_has_no_sum(field, value):
    with pytest.raises(Invalid, match=value) as raised:
        month_of(replace(size("s"), **{field: value}))
    assert raised.value.field == field


@pytest.mark.helm
@pytest.mark.parametrize("name", ["s", "xxl"])
def test_disks_and_pods_are_those_that_the_chart_makes(name):
    documents = rendered(size(name))
    workloads = [each for each in documents if each["kind"] in {"Deployment", "StatefulSet"}]
    templates = [
        (each["spec"].get("replicas", 1), claim)
        for each in workloads
        for claim in each["spec"].get("volumeClaimTemplates", ())
    ]
    claims = [(1, each) for each in documents if each["kind"] == "PersistentVolumeClaim"]
    assert (
        sum(times * gigabytes(claim) for times, claim in [*templates, *claims])
        == volumes_gb(size(name)) - DISKS_GB[NOT_IN_THE_SMALL_CHART]
    )
    pods = sum(each["spec"].get("replicas", 1) for each in workloads)
    assert amounts(size(name))["backups", "backup-pod"] == pods + 1
