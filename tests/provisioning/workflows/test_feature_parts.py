"""What features add at Google, from end to end: switched on, seen from outside, changed, switched off, torn down."""

from dataclasses import replace

import httpx
import pytest
from django.conf import settings

from portal.core.audit import Actor
from provisioning.clients.google import NotFound, api, execute
from provisioning.models import Instance, Operation
from provisioning.services import instance_apply_features, instance_delete, instance_repair, instance_resume
from tests.provisioning.workflows.census import left_of
from tests.provisioning.workflows.harness import assert_succeeded, run, run_until_begun
from tests.provisioning.workflows.wishes import (
    ATTACHMENT,
    CUSTOM_NAME,
    FEATURES,
    OFFICE,
    assert_as_its_spec_says,
    linked_name,
    prepare,
    suspend,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]
# How long logs are kept is of the project's own bucket, which ends with the project and not before.
MADE_IN_THE_NETWORK = tuple(feature for feature in FEATURES if "log-retention" not in feature.parts)
OPEN_TO_ALL = tuple(feature for feature in FEATURES if "allow-list" not in feature.parts)
STRANGER = "198.51.100.7"


def apply(instance: Instance, actor: Actor, features=FEATURES) -> Operation:
    """Just these are on."""
    instance.refresh_from_db()
    operation = instance_apply_features(instance=instance, features=features, actor=actor)
    assert_succeeded(run(operation))
    instance.refresh_from_db()
    return operation


def answer(instance: Instance, came_from: str) -> int:
    headers = {"Host": instance.domain, "X-Forwarded-For": came_from}
    return httpx.get(f"{settings.INSTANCE_GATEWAY}/healthz", headers=headers, trust_env=False).status_code


def answer_at(name: str) -> int:
    """As people meet it under that name."""
    headers = {"Host": name, "X-Forwarded-For": OFFICE}
    return httpx.get(f"{settings.INSTANCE_GATEWAY}/healthz", headers=headers, trust_env=False).status_code


def policies(instance: Instance) -> list[str]:
    found = execute(api("compute", "v1").securityPolicies().list(project=instance.pk))
    return [policy["name"] for policy in found.get("items", ())]


@pytest.fixture
def connectable(running: Instance) -> Instance:
    """A running instance, whose customer's network team has published the code host and set a record in their DNS."""
    prepare(running)
    return running


@pytest.fixture
def switched_on(connectable: Instance, by_owner) -> Instance:
    apply(connectable, by_owner)
    return connectable


class TestSwitchedOn:
    def test_a_stranger_is_shut_out_and_the_row_says_how_the_other_side_answered(self, switched_on):
        assert [answer(switched_on, each) for each in (OFFICE, STRANGER)] == [200, 403]
        assert switched_on.connection_status == "PENDING"
        assert switched_on.outbound_address

    def test_it_answers_under_both_names_and_links_lead_to_theirs(self, switched_on):
        assert [answer_at(name) for name in (switched_on.domain, CUSTOM_NAME)] == [200, 200]
        assert linked_name(switched_on) == CUSTOM_NAME
        assert switched_on.address == CUSTOM_NAME
        assert switched_on.url.startswith(f"http://{CUSTOM_NAME}:")

    def test_another_list_takes_the_place_of_the_first(self, switched_on, by_owner):
        [listed] = [feature for feature in FEATURES if feature not in OPEN_TO_ALL]
        changed = replace(listed, details={"addresses": [f"{STRANGER}/32"]})
        apply(switched_on, by_owner, (*OPEN_TO_ALL, changed))
        assert [answer(switched_on, each) for each in (OFFICE, STRANGER)] == [403, 200]

    def test_switched_off_everybody_is_let_in_and_nothing_of_it_is_left(self, switched_on, by_owner):
        apply(switched_on, by_owner, ())
        assert [answer(switched_on, each) for each in (OFFICE, STRANGER)] == [200, 200]
        assert policies(switched_on) == []
        assert switched_on.connection_status == ""
        assert (linked_name(switched_on), switched_on.address) == (switched_on.domain, switched_on.domain)
        assert [answer_at(name) for name in (switched_on.domain, CUSTOM_NAME)] == [200, 404]
        place = {"project": switched_on.pk, "region": switched_on.region, "forwardingRule": "private-endpoint"}
        with pytest.raises(NotFound):
            execute(api("compute", "v1").forwardingRules().get(**place))

    def test_asleep_and_awake_again_it_is_as_it_was(self, switched_on, by_owner):
        suspend(switched_on, by_owner)
        assert policies(switched_on) == ["allow-list"]
        assert_succeeded(run(instance_resume(instance=switched_on, actor=by_owner, reason="Paid.")))
        assert_as_its_spec_says(switched_on)
        assert [answer(switched_on, each) for each in (OFFICE, STRANGER)] == [200, 403]

    def test_what_is_taken_away_by_hand_is_repaired(self, switched_on, by_owner):
        services = api("compute", "v1").backendServices()
        [service] = execute(services.list(project=switched_on.pk))["items"]
        execute(services.setSecurityPolicy(project=switched_on.pk, backendService=service["name"], body={}))
        rules = api("compute", "v1").forwardingRules()
        place = {"project": switched_on.pk, "region": switched_on.region, "forwardingRule": "private-endpoint"}
        execute(rules.delete(**place))
        assert_succeeded(run(instance_repair(instance=switched_on, actor=by_owner)))
        assert_as_its_spec_says(switched_on)

    def test_torn_down_nothing_is_left(self, connectable, by_owner, devcloud):
        apply(connectable, by_owner, MADE_IN_THE_NETWORK)
        wish = {"instance": connectable, "confirmation": connectable.slug, "actor": by_owner}
        assert_succeeded(run(instance_delete(**wish, final_backup=True)))
        assert left_of(connectable.pk, devcloud) == []


def test_a_spec_that_has_them_from_the_beginning_is_built_so(instance, provision):
    prepare(instance)
    provision.wanted["features"] = [feature.as_json() for feature in FEATURES]
    provision.save()
    Instance.objects.update(features=provision.wanted["features"])
    assert_succeeded(run(provision))
    assert_as_its_spec_says(instance)
    assert [answer(instance, each) for each in (OFFICE, STRANGER)] == [200, 403]
    assert instance.connection_status == "PENDING"
    assert linked_name(instance) == CUSTOM_NAME


def test_who_is_to_be_let_in_no_more_is_shut_out_before_the_old_list_is_forgotten(switched_on, by_owner):
    """The policy goes after the load balancer has let go of it: until then it says what it said."""
    operation = instance_apply_features(instance=switched_on, features=OPEN_TO_ALL, actor=by_owner)
    run_until_begun(operation, "allow-list-in-force")
    assert policies(switched_on) == ["allow-list"]
    assert_succeeded(run(operation))
    assert policies(switched_on) == []


def test_a_service_that_nobody_has_published_takes_everything_back_with_a_sentence(running, by_owner, devcloud):
    devcloud.control("DELETE", "attachments", {"name": ATTACHMENT})
    operation = instance_apply_features(instance=running, features=FEATURES, actor=by_owner)
    assert run(operation).status == "undone"
    assert "Google knows no" in operation.error
    assert answer(running, STRANGER) == 200
    assert_as_its_spec_says(running)
