import pytest

from portal.core import ids
from provisioning.clients.google import NotFound, api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, NotYet, Refused, UnderWay
from provisioning.steps import names
from provisioning.steps.backups import BackupPlan
from provisioning.steps.gke import Cluster, NodePool, kubeconfig_of

CREATE = "container.projects.locations.clusters.create"


def test_the_cluster_is_private_and_brings_its_nodes(world):
    world.build("nodes")
    clusters = api("container", "v1").projects().locations().clusters()
    found = execute(clusters.get(name=names.cluster_path(world.spec)))
    assert found["privateClusterConfig"]["enablePrivateNodes"] is True
    assert found["workloadIdentityConfig"]["workloadPool"] == f"{world.spec.id}.svc.id.goog"
    assert [pool["name"] for pool in found["nodePools"]] == ["main"]
    assert found["nodePools"][0]["config"]["machineType"] == "e2-highmem-4"


def test_a_cluster_whose_creation_got_no_answer_is_adopted(world, devcloud, made):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        Cluster().make(world.context())
    world.reach(Cluster())
    assert made(CREATE) == 1


def test_a_cluster_that_came_to_nothing_says_why(world, devcloud):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "fail_operation", code="RESOURCE_EXHAUSTED", message="CPUS exceeded.")
    with pytest.raises(Refused, match="CPUS exceeded"):
        world.reach(Cluster())


def test_a_persons_retry_removes_the_ruin_and_builds_anew(world, devcloud, made):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "fail_operation", nth=1, code="RESOURCE_EXHAUSTED", message="CPUS exceeded.")
    with pytest.raises(Refused):
        world.reach(Cluster())
    world.generation += 1
    world.reach(Cluster())
    assert made(CREATE) == 2


def test_what_another_operation_has_made_is_never_removed_for_being_broken(world, devcloud, made):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "fail_operation", nth=1, code="RESOURCE_EXHAUSTED", message="CPUS exceeded.")
    with pytest.raises(Refused):
        world.reach(Cluster())
    world.operation = ids.operation_id()
    with pytest.raises(Refused, match="nothing of it was removed"):
        world.reach(Cluster())
    assert made("container.projects.locations.clusters.delete") == 0


def test_what_broke_in_passing_is_built_anew_by_itself(world, devcloud, made):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "fail_operation", nth=1, code="INTERNAL", message="Try again.")
    world.reach(Cluster())
    assert made(CREATE) == 2


def test_a_ruin_can_be_removed(world, devcloud):
    world.build("subnet", "permissions")
    devcloud.add_fault(CREATE, "fail_operation", nth=1, code="RESOURCE_EXHAUSTED", message="CPUS exceeded.")
    with pytest.raises(Refused):
        world.reach(Cluster())
    with pytest.raises(NotFound):
        kubeconfig_of(world.spec)  # nothing can be in it
    world.drop(Cluster())


def test_a_region_without_quota_is_a_persons_business(world):
    world.build("subnet", "permissions")
    big = type(world.spec.size)(**{**vars(world.spec.size), "node_count": 99})
    world.spec = type(world.spec)(**{**vars(world.spec), "size": big})
    with pytest.raises(Refused, match="Ask Google to raise"):
        world.reach(Cluster())


def test_googles_own_operation_on_the_cluster_is_waited_for(world):
    world.build("cluster")
    pools = api("container", "v1").projects().locations().clusters().nodePools()
    pool = f"{names.cluster_path(world.spec)}/nodePools/{names.NODE_POOL}"
    execute(pools.setSize(name=pool, body={"nodeCount": 2}))
    with pytest.raises(NotYet, match="another change"):
        NodePool().drop(world.context())
    world.drop(NodePool())
    world.reach(NodePool())


def test_until_it_is_up_there_is_no_way_in(world):
    world.build("subnet", "permissions")
    with pytest.raises(NotFound):
        kubeconfig_of(world.spec)
    Cluster().make(world.context())
    assert isinstance(Cluster().look(world.context()), UnderWay)
    with pytest.raises(NotYet, match="come up"):
        kubeconfig_of(world.spec)
    world.reach(Cluster())
    assert kubeconfig_of(world.spec)["clusters"][0]["cluster"]["server"].startswith("https://")


def test_a_deployer_that_is_not_known_everywhere_is_not_a_missing_cluster(world, devcloud):
    world.build("cluster")
    devcloud.add_fault(
        "iamcredentials.*", "status", nth=1, status=404, reason="notFound", message="Unknown service account"
    )
    with pytest.raises(NotYet, match="deployer"):
        kubeconfig_of(world.spec)


def test_a_plan_goes_with_its_backups(world):
    world.build("backup-plan")
    backups = api("gkebackup", "v1").projects().locations().backupPlans().backups()
    plan = names.backup_plan_path(world.spec)
    execute(backups.create(parent=plan, backupId="daily-1", body={}))
    world.drop(BackupPlan())
    assert isinstance(BackupPlan().look(world.context()), Missing)


def test_a_plan_that_failed_is_a_persons_business(world, devcloud):
    world.build("cluster")
    method = "gkebackup.projects.locations.backupPlans.create"
    devcloud.add_fault(method, "fail_operation", code="INTERNAL", message="no")
    with pytest.raises(Refused, match="Delete the plan"):
        world.reach(BackupPlan())
    assert isinstance(BackupPlan().look(world.context()), Differs)


def test_backups_are_never_locked(world):
    world.build("backup-plan")
    plans = api("gkebackup", "v1").projects().locations().backupPlans()
    plan = execute(plans.get(name=names.backup_plan_path(world.spec)))
    assert plan["retentionPolicy"] == {"backupRetainDays": 30}  # what is zero, Google leaves out
    assert isinstance(BackupPlan().look(world.context()), AsWanted)


def test_only_the_portal_reaches_the_control_plane_where_its_addresses_are_known(world, settings):
    settings.PORTAL_EGRESS_RANGES = ["203.0.113.0/28"]
    world.build("cluster")
    cluster = execute(api("container", "v1").projects().locations().clusters().get(name=names.cluster_path(world.spec)))
    authorized = cluster["masterAuthorizedNetworksConfig"]
    assert authorized["enabled"] is True
    assert authorized["cidrBlocks"] == [{"displayName": "portal", "cidrBlock": "203.0.113.0/28"}]
