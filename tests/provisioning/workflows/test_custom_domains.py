"""A name of the customer's own, from end to end: in force before links lead there, and what if it is not."""

from dataclasses import replace

import pytest

from portal.core.audit import Actor
from provisioning.models import Instance, Operation
from provisioning.services import instance_apply_features, instance_repair, instance_upgrade
from provisioning.spec import FeatureSpec
from provisioning.workflows.apply_features import APPLY_FEATURES
from tests.provisioning.workflows.harness import assert_succeeded, failing_at, in_place_of, run, run_until_begun
from tests.provisioning.workflows.test_feature_parts import answer_at
from tests.provisioning.workflows.wishes import (
    CUSTOM_NAME,
    assert_as_its_spec_says,
    lead,
    linked_name,
    newest,
    suspend,
    tell,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.helm,
    pytest.mark.parametrize("tenancy", ["dedicated"], indirect=True),
]
OURS = FeatureSpec("our-name", parts=("custom-domain",), details={"name": CUSTOM_NAME})
ANOTHER = replace(OURS, details={"name": "search.acme.com"})


def ask(instance: Instance, actor: Actor, *features: FeatureSpec) -> Operation:
    instance.refresh_from_db()
    return instance_apply_features(instance=instance, features=features, actor=actor)


@pytest.fixture
def named(running: Instance, by_owner) -> Instance:
    """The name is on."""
    lead(CUSTOM_NAME, running.domain)
    assert_succeeded(run(ask(running, by_owner, OURS)))
    running.refresh_from_db()
    return running


def test_links_follow_when_the_certificate_is_there_and_not_before(running, by_owner):
    operation = ask(running, by_owner, OURS)
    run_until_begun(operation, "custom-domain-in-force")
    assert linked_name(running) == running.domain
    lead(CUSTOM_NAME, running.domain)
    assert_succeeded(run(operation))
    assert linked_name(running) == CUSTOM_NAME


def test_links_lead_back_before_the_name_goes(named, by_owner):
    operation = ask(named, by_owner)
    run_until_begun(operation, "application")
    assert linked_name(named) == named.domain
    assert_succeeded(run(operation))
    assert_as_its_spec_says(named)


def test_another_name_takes_the_place_of_the_first(named, by_owner):
    lead("search.acme.com", named.domain)
    assert_succeeded(run(ask(named, by_owner, ANOTHER)))
    assert linked_name(named) == "search.acme.com"
    assert_as_its_spec_says(named)


@pytest.mark.parametrize("stage", ["custom-domain-links", "log-retention"])
def test_a_switch_off_that_fails_ends_with_the_name_in_force(named, by_owner, stage):
    with in_place_of(failing_at(stage, APPLY_FEATURES)):
        assert run(ask(named, by_owner)).status == "undone"
    assert linked_name(named) == CUSTOM_NAME
    assert answer_at(CUSTOM_NAME) == 200
    assert_as_its_spec_says(named)


def test_who_may_not_issue_takes_everything_back_with_what_to_do(running, by_owner):
    lead(CUSTOM_NAME, running.domain)
    tell("dns", {"name": "acme.com", "type": "CAA", "data": ['0 issue "letsencrypt.org"']})
    operation = run(ask(running, by_owner, OURS))
    assert operation.status == "undone"
    assert "do not let Google issue a certificate" in operation.error
    assert_as_its_spec_says(running)


def test_an_upgrade_and_a_repair_leave_it_alone(named, by_owner):
    assert_succeeded(run(instance_upgrade(instance=named, release=newest(), actor=by_owner)))
    named.refresh_from_db()
    assert_succeeded(run(instance_repair(instance=named, actor=by_owner)))
    assert linked_name(named) == CUSTOM_NAME
    assert_as_its_spec_says(named)


def test_a_name_that_leads_elsewhere_by_now_switches_nothing_off(named, by_owner):
    lead(CUSTOM_NAME, "elsewhere.example.org")
    assert_succeeded(run(instance_repair(instance=named, actor=by_owner)))
    assert linked_name(named) == CUSTOM_NAME
    suspend(named, by_owner)
