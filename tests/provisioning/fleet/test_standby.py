"""Which region stands by for which, and that figures and tables keep what customers are told."""

from dataclasses import replace
from ipaddress import ip_network
from itertools import combinations, pairwise

from devcloud.google.regions import REGIONS
from devcloud.kubernetes.schedules import parse
from provisioning.engine.graph import longest_path
from provisioning.fleet.standby import OLDEST_VOLUMES, PAIRS, SOONEST, VOLUMES_SCHEDULE, other_region
from provisioning.fleet.windows import zone_of
from provisioning.models import Region, StandbyRegion
from provisioning.models.instances import PLACES
from provisioning.spec import InstanceSpec
from provisioning.steps import names
from provisioning.steps.gke_bodies import CONTROL_PLANE_BLOCKS
from provisioning.steps.network import BLOCKS
from provisioning.workflows.takeover import TAKEOVER
from tests.provisioning.steps.world import spec_for_tests

DAY_SECONDS = 86_400


def test_every_region_has_another_on_its_continent_and_is_the_others_other():
    assert {str(place) for pair in PAIRS for place in pair} == {name for name, _title in PLACES}
    assert len(PAIRS) == len(Region) == len(StandbyRegion)
    for place, _title in PLACES:
        other = other_region(place)
        assert other_region(other) == place
        assert other.partition("-")[0] == place.partition("-")[0]
        assert "b" in REGIONS[other]  # the zone that everything is in


def test_people_stay_in_their_time_zone():
    assert zone_of(StandbyRegion.AUSTRALIA2) == "Australia/Sydney"


def test_a_takeover_is_over_as_soon_as_customers_are_told():
    nodes = TAKEOVER.for_tenancy("dedicated")
    usual = {node.name: node.usual.total_seconds() for node in nodes}
    _path, seconds = longest_path({node.name: node.needs for node in nodes}, usual)
    assert seconds <= SOONEST.total_seconds()


def test_a_backup_of_the_volumes_is_never_older_than_customers_are_told():
    moments, at = [0.0], 0.0
    while at < DAY_SECONDS:
        at = parse(VOLUMES_SCHEDULE).after(at) or DAY_SECONDS
        moments.append(at)
    assert max(later - earlier for earlier, later in pairwise(moments)) < OLDEST_VOLUMES.seconds


def test_both_homes_fit_into_one_project_and_one_network():
    before = spec_for_tests()
    after = replace(before, region=other_region(before.region), takeovers=1, lost_region=before.region)
    for named in (names.cluster_path, names.address, names.sql_instance, names.backup_plan_path):
        assert named(before) != named(after)
    assert names.standby_instance(before) == names.sql_instance(after)
    blocks = [ip_network(block) for block in (*BLOCKS[0], *BLOCKS[1], *CONTROL_PLANE_BLOCKS)]
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))


def test_a_spec_that_has_moved_says_so_and_any_other_is_as_ever():
    spec = spec_for_tests()
    assert {"takeovers", "lost_region"}.isdisjoint(spec.as_json())
    moved = replace(spec, takeovers=2, lost_region="us-east1")
    assert InstanceSpec.from_json(moved.as_json()) == moved
