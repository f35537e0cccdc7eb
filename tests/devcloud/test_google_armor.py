"""Cloud Armor: what a security policy may be, and whom the load balancer that asks it lets in."""

from typing import Any

import pytest

from devcloud.google.services.security_policies import LAST_PRIORITY
from tests.devcloud.google_client import Place, refusal


def rule(priority: int = 1000, action: str = "allow", *ranges: str, **more) -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(ranges or ["203.0.113.0/24"])}}
    return {"priority": priority, "action": action, "match": match, **more}


def matching(expression: str) -> dict[str, Any]:
    return rule(match={"expr": {"expression": expression}})


LAST = rule(LAST_PRIORITY, "deny(403)", "*")


@pytest.fixture
def policies(place: Place):
    return place.google.api("compute").securityPolicies()


@pytest.fixture
def policy(place: Place, policies) -> dict[str, Any]:
    place.run("compute", policies.insert(project=place.id, body={"name": "list", "rules": [LAST]}))
    return {"project": place.id, "securityPolicy": "list"}


def priorities(policies, policy) -> list[int]:
    return [each["priority"] for each in policies.get(**policy).execute()["rules"]]


def test_without_rules_everybody_is_let_in(place, policies):
    place.run("compute", policies.insert(project=place.id, body={"name": "open"}))
    found = policies.get(project=place.id, securityPolicy="open").execute()
    assert [(each["priority"], each["action"]) for each in found["rules"]] == [(LAST_PRIORITY, "allow")]
    assert (found["type"], found["labels"]) == ("CLOUD_ARMOR", {})


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([rule()], "There must always be a default rule"),
        ([LAST, rule(), rule()], "the same priorities"),
        ([rule(LAST_PRIORITY, "deny(403)", "203.0.113.0/24")], "has to match everything"),
        ([LAST, rule(1, "deny(418)")], "resource.action"),
        ([LAST, rule(1, "allow", "203.0.113.7/24")], "Must be a CIDR range"),
        ([LAST, rule(1, "allow", *(f"203.0.113.{last}/32" for last in range(11)))], "At most 10"),
        ([LAST, matching("origin.region_code ==")], "cannot be parsed"),
        ([LAST, rule(match={})], "either an expression"),
        ([LAST, rule(unheard_of=True)], "Unknown name"),
    ],
)
def test_what_google_refuses_is_refused(place, policies, rules, says):
    assert says in refusal(policies.insert(project=place.id, body={"name": "list", "rules": rules})).message


def test_rules_are_added_changed_and_removed_one_by_one(place, policies, policy):
    place.run("compute", policies.addRule(**policy, body=rule(2000)))
    place.run("compute", policies.addRule(**policy, body=matching("request.headers['x-key'] == 'secret'")))
    assert priorities(policies, policy) == [1000, 2000, LAST_PRIORITY]
    place.run("compute", policies.patchRule(**policy, priority=2000, body={"action": "deny(404)"}))
    assert policies.getRule(**policy, priority=2000).execute()["action"] == "deny(404)"
    place.run("compute", policies.removeRule(**policy, priority=1000))
    assert priorities(policies, policy) == [2000, LAST_PRIORITY]
    assert "the same priorities" in refusal(policies.addRule(**policy, body=rule(2000))).message
    assert "does not exist" in refusal(policies.removeRule(**policy, priority=7)).message
    assert "default rule cannot" in refusal(policies.removeRule(**policy, priority=LAST_PRIORITY)).message


def test_one_change_waits_for_the_other(place, policies, policy):
    operation = policies.addRule(**policy, body=rule(2000)).execute()
    assert refusal(policies.addRule(**policy, body=rule(2001))).reason == "resourceNotReady"
    place.finish("compute", operation)
    place.run("compute", policies.addRule(**policy, body=rule(2001)))
    assert priorities(policies, policy) == [2000, 2001, LAST_PRIORITY]


def test_a_patch_changes_no_rules_and_knows_the_fingerprint(policies, policy):
    assert refusal(policies.patch(**policy, body={"description": "ours"})).code == 412
    fingerprint = policies.get(**policy).execute()["fingerprint"]
    refused = refusal(policies.patch(**policy, body={"rules": [], "fingerprint": fingerprint}))
    assert "cannot be changed" in refused.message


def test_its_labels_come_after_it(place, policies, policy):
    found = policies.get(**policy).execute()
    body = {"labels": {"a": "b"}, "labelFingerprint": found["labelFingerprint"]}
    place.run("compute", policies.setLabels(project=place.id, resource="list", body=body))
    assert policies.get(**policy).execute()["labels"] == {"a": "b"}
    assert refusal(policies.setLabels(project=place.id, resource="list", body=body)).code == 412


def test_a_backend_service_that_nobody_made_takes_no_policy(place, policy):
    services = place.google.api("compute").backendServices()
    assert services.list(project=place.id).execute().get("items", []) == []
    request = services.setSecurityPolicy(project=place.id, backendService="none", body={})
    assert refusal(request).code == 404
