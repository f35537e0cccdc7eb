"""The allow list: whom it lets in, in what order it changes, and that its secret is told to nobody."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from django.conf import settings
from lightkube.core.client import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.networking_v1 import (
    HTTPIngressPath,
    HTTPIngressRuleValue,
    IngressBackend,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
    ServiceBackendPort,
)
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress

from provisioning.clients.google import api, execute
from provisioning.clients.kubernetes import connected
from provisioning.engine.action import AsWanted, Context, Differs, Missing, Seen
from provisioning.outcomes import NotYet
from provisioning.spec import FeatureSpec
from provisioning.steps.armor import AllowList, AllowListInForce, SecurityPolicy
from provisioning.steps.cluster_access import kubeconfig_for
from provisioning.steps.monitoring import MASKED, Monitoring
from provisioning.steps.parts import Removes
from provisioning.steps.reaching import probe_pass
from provisioning.steps.values import values_for
from tests.provisioning.steps.world import World
from tests.waiting import eventually

OFFICE, STRANGER = "203.0.113.9", "198.51.100.7"
BackendConfig = create_namespaced_resource("cloud.google.com", "v1", "BackendConfig", "backendconfigs")
BEFORE, AFTER = AllowList(reverts=True, removes=Removes.GOING_BACK), AllowListInForce(reverts=True)


def ask_for(world: World, *addresses: str) -> None:
    """The instance is to let in these; nobody asks for a list where there are none."""
    feature = FeatureSpec("list", parts=("allow-list",), details={"addresses": list(addresses)})
    world.spec = replace(world.spec, features=(feature,) if addresses else ())


def policy(world: World) -> dict[str, Any]:
    place = {"project": world.spec.id, "securityPolicy": "allow-list"}
    return execute(api("compute", "v1").securityPolicies().get(**place))


def ranges(world: World) -> list[list[str]]:
    """Rule by rule, in the order in which they are asked."""
    rules = [rule for rule in policy(world)["rules"] if "config" in rule["match"]]
    return [rule["match"]["config"]["srcIpRanges"] for rule in rules]


@pytest.fixture
def listed(world: World) -> World:
    """An instance's project with an allow list in it."""
    world.build("secrets")
    ask_for(world, "203.0.113.0/24")
    world.reach(AllowList())
    return world


class TestThePolicy:
    def test_lets_in_the_portal_then_the_customer_and_nobody_else(self, listed):
        rules = policy(listed)["rules"]
        assert [rule["action"] for rule in rules] == ["allow", "allow", "deny(403)"]
        expression = f"request.headers['x-portal-pass'] == '{probe_pass(listed.spec)}'"
        assert rules[0]["match"]["expr"]["expression"] == expression
        assert ranges(listed) == [["203.0.113.0/24"], ["*"]]
        assert policy(listed)["labels"] == listed.spec.labels

    def test_has_ten_ranges_a_rule_and_moves_none_that_is_in_one(self, listed):
        many = [f"203.0.113.{last}/32" for last in range(12)]
        ask_for(listed, *many)
        listed.reach(AllowList())
        assert ranges(listed) == [many[:10], many[10:], ["*"]]
        ask_for(listed, "198.51.100.0/24", *many[1:])
        listed.reach(AllowList())
        assert ranges(listed) == [[*many[1:10], "198.51.100.0/24"], many[10:], ["*"]]
        ask_for(listed, many[11])
        listed.reach(AllowList())
        assert ranges(listed) == [[many[11]], ["*"]]

    def test_lets_new_ones_in_before_it_shuts_others_out(self, listed, devcloud):
        before = devcloud.calls()[-1]["n"]
        ask_for(listed, *(f"198.51.100.{last}/32" for last in range(12)))
        listed.reach(AllowList())
        called = [call["method"].rpartition(".")[2] for call in devcloud.calls(since=before)]
        deeds = [name for name in called if name.endswith("Rule")]
        assert deeds == ["addRule", "patchRule"]

    def test_changed_by_hand_is_told_without_the_secret_and_put_right(self, listed):
        policies, place = api("compute", "v1").securityPolicies(), {"project": listed.spec.id}
        place["securityPolicy"] = "allow-list"
        open_to_all = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}
        execute(policies.addRule(**place, body={"priority": 1, "action": "allow", "match": open_to_all}))
        eventually(lambda: len(policy(listed)["rules"]) == 4)
        execute(policies.patchRule(**place, priority=1000, body={"action": "deny(403)"}))
        eventually(lambda: _has_two_changes(AllowList().look(listed.context())))
        seen = AllowList().look(listed.context())
        assert isinstance(seen, Differs)
        assert "rules[1] is allow * and should be not set" in seen.difference
        assert "deny(403) the portal's pass" in seen.difference
        assert str(probe_pass(listed.spec)) not in repr(seen)
        listed.reach(AllowList())
        assert [rule["action"] for rule in policy(listed)["rules"]] == ["allow", "allow", "deny(403)"]

    def test_of_somebody_else_is_not_taken_over(self, world):
        world.build("secrets")
        policies = api("compute", "v1").securityPolicies()
        world.drop(SecurityPolicy())
        execute(policies.insert(project=world.spec.id, body={"name": "allow-list", "description": "not ours"}))
        ask_for(world, "203.0.113.0/24")
        with pytest.raises(Exception, match="cannot be changed in place"):
            world.reach(AllowList())


def _has_two_changes(seen: Seen) -> bool:
    return isinstance(seen, Differs) and len(seen.changes) == 2


class TestEitherSideOfTheRelease:
    def back(self, world: World) -> Context:
        return replace(world.context(), is_going_back=True)

    def test_what_no_feature_asks_for_is_missed_by_nobody(self, world):
        world.build("secrets")
        for action in (BEFORE, AFTER, AllowList()):
            assert isinstance(action.look(world.context()), AsWanted)

    def test_a_list_that_ends_is_left_until_the_release_names_it_no_more(self, listed):
        ask_for(listed)
        assert isinstance(BEFORE.look(listed.context()), AsWanted)
        assert AFTER.look(listed.context()) == Differs("it is there, and no feature asks for it")
        listed.reach(AFTER)
        assert isinstance(SecurityPolicy().look(listed.context()), Missing)

    def test_going_back_it_is_the_other_way_round(self, listed):
        ask_for(listed)
        after = AllowListInForce(reverts=True, removes=Removes.GOING_FORWARD)
        assert isinstance(after.look(self.back(listed)), AsWanted)
        assert isinstance(BEFORE.look(self.back(listed)), Differs)

    def test_it_is_waited_for_that_the_load_balancer_asks_it(self, listed):
        assert AFTER.look(listed.context()) == Differs("the load balancer does not ask it yet")
        with pytest.raises(NotYet, match="the load balancer to take to the allow list"):
            AFTER.make(listed.context())


class TestAtTheDoor:
    """With an ingress as the chart makes it, and a BackendConfig as the values have it."""

    @pytest.fixture
    def opened(self, listed: World) -> World:
        listed.build("namespace", "nodes")
        with connected(kubeconfig_for(listed.spec)) as cluster:
            _publish(cluster, listed)
        eventually(lambda: _services(listed))
        return listed

    def test_a_stranger_is_shut_out_and_who_is_listed_and_the_prober_are_not(self, opened):
        assert _answer(opened, STRANGER) == 503  # nothing is installed, and anybody may see that
        _name_the_policy(opened)
        opened.reach(AFTER)
        assert _answer(opened, STRANGER) == 403
        assert _answer(opened, OFFICE) == 503
        assert _answer(opened, STRANGER, str(probe_pass(opened.spec))) == 503
        assert _answer(opened, STRANGER, "guessed") == 403

    def test_it_is_in_use_until_it_is_taken_off(self, opened):
        _name_the_policy(opened)
        opened.reach(AFTER)
        place = {"project": opened.spec.id, "securityPolicy": "allow-list"}
        with pytest.raises(NotYet, match="what still uses it"):
            execute(api("compute", "v1").securityPolicies().delete(**place))
        ask_for(opened)
        _name_the_policy(opened)  # names none any more, which the controller makes nothing of
        assert _answer(opened, STRANGER) == 403
        opened.reach(AFTER)
        assert _answer(opened, STRANGER) == 503


def _publish(cluster: Client, world: World) -> None:
    namespace = "sourcegraph"
    annotations = {"beta.cloud.google.com/backend-config": '{"default": "sourcegraph-frontend"}'}
    metadata = ObjectMeta(name="sourcegraph-frontend", namespace=namespace, annotations=annotations)
    cluster.create(Service(metadata=metadata, spec=ServiceSpec(ports=[ServicePort(port=30080)])))
    backend = IngressBackend(
        service=IngressServiceBackend("sourcegraph-frontend", port=ServiceBackendPort(number=30080))
    )
    paths = HTTPIngressRuleValue([HTTPIngressPath(backend=backend, pathType="Prefix", path="/")])
    spec = IngressSpec(rules=[IngressRule(host=world.spec.domain, http=paths)])
    cluster.create(Ingress(metadata=ObjectMeta(name="sourcegraph-frontend", namespace=namespace), spec=spec))


def _name_the_policy(world: World) -> None:
    """The BackendConfig is as the values of the spec have it."""
    resources = values_for(world.spec)["extraResources"]
    config = next(each for each in resources if each["kind"] == "BackendConfig")
    with connected(kubeconfig_for(world.spec)) as cluster:
        metadata = ObjectMeta(name=config["metadata"]["name"], namespace="sourcegraph")
        cluster.apply(BackendConfig(metadata=metadata, spec=config["spec"]), field_manager="helm")


def _services(world: World) -> list[Any]:
    listing = api("compute", "v1").backendServices().list(project=world.spec.id)
    return list(execute(listing).get("items", ()))


def _answer(world: World, came_from: str, given: str = "") -> int:
    headers = {"Host": world.spec.domain, "X-Forwarded-For": f"10.0.0.1, {came_from}"}
    headers |= {"X-Portal-Pass": given} if given else {}
    return httpx.get(f"{settings.INSTANCE_GATEWAY}/", headers=headers, trust_env=False).status_code


class TestTheUptimeCheck:
    def test_bears_the_pass_and_google_shows_it_to_nobody(self, listed):
        listed.drop(Monitoring())
        listed.reach(Monitoring())
        [check] = _checks(listed)
        assert check["httpCheck"]["headers"] == {"X-Portal-Pass": MASKED}
        assert isinstance(Monitoring().look(listed.context()), AsWanted)
        ask_for(listed)
        assert isinstance(Monitoring().look(listed.context()), Differs)
        listed.reach(Monitoring())
        assert "headers" not in _checks(listed)[0]["httpCheck"] or not _checks(listed)[0]["httpCheck"]["headers"]

    def test_takes_it_up_where_it_stood_before(self, world):
        world.build("secrets")
        world.drop(Monitoring())
        world.reach(Monitoring())
        ask_for(world, "203.0.113.0/24")
        world.reach(AllowList())
        world.reach(Monitoring())
        assert _checks(world)[0]["httpCheck"]["headers"] == {"X-Portal-Pass": MASKED}


def _checks(world: World) -> list[dict[str, Any]]:
    collection = api("monitoring", "v3").projects().uptimeCheckConfigs()
    return list(execute(collection.list(parent=f"projects/{world.spec.id}")).get("uptimeCheckConfigs", ()))


def test_the_values_name_the_policy_and_no_secret(listed):
    values = values_for(listed.spec)
    config = next(each for each in values["extraResources"] if each["kind"] == "BackendConfig")
    assert config["spec"]["securityPolicy"] == {"name": "allow-list"}
    assert str(probe_pass(listed.spec)) not in str(values)
