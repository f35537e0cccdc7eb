"""Proof that nothing is left at Google, and that it is not given lightly."""

import pytest

from provisioning.engine.action import Differs, Missing, Refused
from provisioning.steps.dns import DnsRecord
from provisioning.steps.gke import Cluster
from provisioning.steps.project import DeletionLock, Project
from provisioning.steps.proof import Proof
from provisioning.workflows.teardown import TEARDOWN


def test_a_project_that_lives_is_named_with_what_it_holds(world):
    world.build("database", "dns", "cluster")
    seen = Proof().look(world.context())
    assert isinstance(seen, Differs)
    assert "the domain name acme.sourcegraph.localhost" in seen.difference
    assert f"the project {world.spec.id}" in seen.difference
    assert f"database servers: sql-{world.spec.id}" in seen.difference
    assert "clusters: sourcegraph" in seen.difference
    with pytest.raises(Refused, match="Remove it by hand"):
        Proof().drop(world.context())


def test_a_forgotten_name_in_the_shared_zone_is_found(world):
    world.build("dns", "lock")
    world.drop(DeletionLock())
    world.drop(Project())
    assert Proof().look(world.context()) == Differs("the domain name acme.sourcegraph.localhost")
    world.drop(DnsRecord())
    assert isinstance(Proof().look(world.context()), Missing)


@pytest.mark.parametrize(
    "built",
    [(), ("project",), ("billing",), ("services",), ("network", "secrets"), ("private-range", "dns"), ("cluster",)],
    ids=lambda built: "+".join(built) or "nothing",
)
def test_half_built_it_comes_down_clean(world, built):
    world.build(*built)
    torn_down = type(world)(world.spec)  # another operation, which knows nothing of the first one's outputs
    for node in TEARDOWN.for_tenancy("dedicated"):
        torn_down.reach(node.action, node.name, node.goal)
    assert isinstance(Proof().look(torn_down.context()), Missing)


def test_a_cluster_in_the_making_comes_down_clean(world):
    world.build("subnet", "permissions")
    Cluster().make(world.context())
    torn_down = type(world)(world.spec)
    for node in TEARDOWN.for_tenancy("dedicated"):
        torn_down.reach(node.action, node.name, node.goal)
