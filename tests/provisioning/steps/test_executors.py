"""What executors are made of: objects beside the application, and nodes of their own."""

import json
from dataclasses import replace

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, Refused
from provisioning.models import Kind
from provisioning.spec import FeatureSpec
from provisioning.steps import names
from provisioning.steps.executor_nodes import ExecutorNodes, NewExecutorNodes, SpareExecutorNodes
from provisioning.steps.executors import executor_resources, executors_of
from provisioning.steps.migration import APP as MIGRATION
from provisioning.steps.site_configuration import APP as SITE_CONFIGURATION
from provisioning.steps.site_configuration import settings_of
from provisioning.steps.values import values_for
from tests.provisioning.steps.world import spec_for_tests


def with_executors(count: int, **changes):
    features = (FeatureSpec("executors", units=count, parts=("executors",)),) if count else ()
    return spec_for_tests(features=features, **changes)


def found(spec, kind: str):
    return next(each for each in executor_resources(spec) if each["kind"] == kind)


class TestObjects:
    def test_there_are_none_without_executors(self):
        assert executor_resources(with_executors(0)) == []
        assert "executor" not in json.dumps(values_for(with_executors(0)))

    @pytest.mark.parametrize("changes", [{"kind": Kind.REHEARSAL}, {"tenancy": "byok", "cluster_id": "clu-1"}])
    def test_who_runs_nobodys_code_or_has_no_nodes_of_ours_has_none(self, changes):
        spec = with_executors(3, **changes)
        assert (executors_of(spec), executor_resources(spec)) == (0, [])
        assert set(settings_of(spec)) == {"externalURL"}

    def test_they_come_with_the_release_and_bear_no_secret(self):
        extra = values_for(with_executors(2))["extraResources"]
        kinds = [each["kind"] for each in extra if each["metadata"]["name"].startswith("executor")]
        assert kinds == ["ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "Deployment"]
        [container] = found(with_executors(2), "Deployment")["spec"]["template"]["spec"]["containers"]
        [token] = [each for each in container["env"] if "valueFrom" in each]
        assert token["valueFrom"]["secretKeyRef"] == {"name": "executor", "key": "token"}

    def test_the_chart_takes_them_as_they_are(self):
        """It is a template to Helm: what looked like one would be evaluated."""
        assert "{{" not in json.dumps(executor_resources(with_executors(2)))

    def test_as_many_as_units_each_on_a_node_of_its_own(self):
        deployment = found(with_executors(4), "Deployment")["spec"]
        assert deployment["replicas"] == 4
        [apart] = deployment["template"]["spec"]["affinity"]["podAntiAffinity"].popitem()[1]
        assert apart["topologyKey"] == "kubernetes.io/hostname"

    def test_jobs_land_on_the_executors_nodes_alone(self):
        [container] = found(with_executors(1), "Deployment")["spec"]["template"]["spec"]["containers"]
        told = {each["name"]: each.get("value") for each in container["env"]}
        assert told["EXECUTOR_KUBERNETES_NODE_SELECTOR"] == "dedicated=executors"
        assert json.loads(told["EXECUTOR_KUBERNETES_NODE_TOLERATIONS"])[0]["key"] == "dedicated"

    def test_they_read_no_secret(self):
        rules = found(with_executors(1), "Role")["rules"]
        assert [rule["verbs"] for rule in rules if "secrets" in rule["resources"]] == [["create", "delete"]]


class TestPolicy:
    policy = found(with_executors(1), "NetworkPolicy")["spec"]

    @pytest.mark.parametrize("ours", [MIGRATION, SITE_CONFIGURATION])
    def test_jobs_of_ours_are_not_meant(self, ours):
        """They have to reach the databases; the jobs of executors bear no `app`."""
        assert {"key": "app", "operator": "DoesNotExist"} in self.policy["podSelector"]["matchExpressions"]
        assert "app" in ours

    def test_nobody_comes_in_and_what_goes_out_is_named(self):
        assert self.policy["policyTypes"] == ["Ingress", "Egress"]
        assert "ingress" not in self.policy
        resolver, frontend, internet = self.policy["egress"]
        assert {port["port"] for port in resolver["ports"]} == {53}
        assert frontend["to"] == [{"podSelector": {"matchLabels": {"app": "sourcegraph-frontend"}}}]
        assert [port["port"] for port in frontend["ports"]] == [3080]  # 3090 asks for no password
        outside = internet["to"][0]["ipBlock"]
        assert {"10.0.0.0/8", "169.254.0.0/16"} < set(outside["except"])


class TestNodes:
    @pytest.fixture
    def place(self, world):
        world.build("nodes")
        return world

    def test_they_are_made_tainted_and_private_and_go_with_the_feature(self, place):
        self.want(place, 2)
        assert isinstance(ExecutorNodes().look(place.context()), Missing)
        place.reach(ExecutorNodes())
        pool = self.pool(place)
        assert pool["initialNodeCount"] == 2
        assert pool["config"]["taints"] == [{"key": "dedicated", "value": "executors", "effect": "NO_SCHEDULE"}]
        assert pool["networkConfig"]["enablePrivateNodes"] is True
        assert pool["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        self.want(place, 0)
        assert ExecutorNodes().look(place.context()) == Differs("they are there, and there are no executors")
        place.reach(ExecutorNodes())
        assert self.pools(place) == ["main"]

    def test_more_come_first_and_fewer_last(self, place):
        self.want(place, 2)
        place.reach(NewExecutorNodes())
        self.want(place, 1)
        assert isinstance(NewExecutorNodes().look(place.context()), AsWanted)
        assert isinstance(SpareExecutorNodes().look(place.context()), Differs)
        self.want(place, 3)
        place.reach(NewExecutorNodes())
        assert self.pool(place)["initialNodeCount"] == 3

    def test_going_back_it_is_the_other_way_round(self, place):
        self.want(place, 2)
        place.reach(NewExecutorNodes())
        self.want(place, 0)
        back = replace(place.context(), is_going_back=True)
        assert isinstance(SpareExecutorNodes().look(back), AsWanted)
        assert isinstance(NewExecutorNodes().look(back), Differs)

    def test_a_suspended_instance_keeps_the_pool_without_nodes(self, place):
        self.want(place, 2)
        place.reach(ExecutorNodes())
        place.spec = replace(place.spec, is_suspended=True)
        place.reach(ExecutorNodes())
        assert self.pool(place).get("initialNodeCount", 0) == 0

    def test_without_policies_that_are_enforced_nobodys_code_runs(self, place, devcloud):
        """As in a cluster that was made before the portal asked for that."""
        snapshot = devcloud.control("GET", "snapshot")
        text = json.dumps(snapshot).replace("ADVANCED_DATAPATH", "LEGACY_DATAPATH")
        devcloud.control("PUT", "snapshot", json.loads(text))
        self.want(place, 1)
        with pytest.raises(Refused, match="enforces no network policies"):
            place.reach(ExecutorNodes())
        assert self.pools(place) == ["main"]

    def want(self, world, count: int) -> None:
        world.spec = with_executors(count)

    def pool(self, world):
        return execute(self._pools().get(name=f"{names.cluster_path(world.spec)}/nodePools/executors"))

    def pools(self, world) -> list[str]:
        listed = execute(self._pools().list(parent=names.cluster_path(world.spec)))
        return [pool["name"] for pool in listed["nodePools"]]

    def _pools(self):
        return api("container", "v1").projects().locations().clusters().nodePools()
