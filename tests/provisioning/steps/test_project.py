from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core import clock
from provisioning.clients.google import Forbidden, api, execute
from provisioning.engine.action import AsWanted, Differs, Missing, NotYet, Refused, UnderWay
from provisioning.steps.project import Billing, DeletionLock, Project
from provisioning.steps.proof import Proof
from provisioning.steps.services import EnabledServices


def test_a_project_whose_creation_got_no_answer_is_adopted(world, devcloud, made):
    devcloud.add_fault("cloudresourcemanager.projects.create", "act_then_drop", nth=1)
    with pytest.raises(ConnectionError):
        Project().make(world.context())
    assert world.reach(Project())["number"].isdigit()
    assert made("cloudresourcemanager.projects.create") == 1


def test_one_in_the_making_is_not_taken_for_one_that_never_was(world, settings):
    """A teardown would go on, and Google would finish the project behind its back."""
    settings.ENGINE_PACE = 1.0
    asked = replace(world.context(), asked_at=clock.now() - timedelta(minutes=4))
    seen = Project().look(asked)
    assert isinstance(seen, UnderWay)
    assert seen.why == "the project, which Google was asked for, to come or not"
    assert isinstance(Project().look(replace(asked, asked_at=clock.now() - timedelta(minutes=6))), Missing)
    world.build("project")
    assert isinstance(Project().look(asked), AsWanted)
    world.drop(Project())
    assert isinstance(Project().look(asked), Missing)


def test_it_asks_google_only_once_in_a_breath(world, made):
    assert isinstance(Project().look(world.context()), Missing)
    assert Project().make(world.context()) == "asked Google to make the project"
    with suppress(NotYet):
        Project().make(world.context())
    assert made("cloudresourcemanager.projects.create") == 1


def test_somebody_elses_project_of_that_id_is_refused(world):
    world.build("project")
    body = {"projectId": "src-ffffffffffffffffffff", "displayName": "Theirs", "parent": "folders/1"}
    execute(api("cloudresourcemanager", "v3").projects().create(body=body))
    other = type(world)(type(world.spec)(**{**vars(world.spec), "id": "src-ffffffffffffffffffff"}))
    with pytest.raises(Refused, match="does not bear our labels"):
        other.reach(Project())


def test_a_deleted_projects_id_never_comes_back(world):
    world.build("project")
    world.drop(Project())
    with pytest.raises(Refused, match="never gives out a project id twice"):
        Project().make(world.context())


def test_dropping_what_is_gone_is_success(world):
    world.build("project")
    world.drop(Project())
    assert Project().drop(world.context()) == "found it gone already"


def test_a_lien_of_somebody_else_stays_and_stops_the_deletion(world):
    world.build("lock")
    lien = {
        "parent": f"projects/{world.spec.id}",
        "restrictions": ["resourcemanager.projects.delete"],
        "origin": "legal",
        "reason": "hold",
    }
    execute(api("cloudresourcemanager", "v3").liens().create(body=lien))
    world.drop(DeletionLock())
    with pytest.raises(Refused, match="lien"):
        Project().drop(world.context())


def test_locking_twice_places_one_lien(world, made):
    world.build("project")
    DeletionLock().make(world.context())
    DeletionLock().make(world.context())
    assert made("cloudresourcemanager.liens.create") == 1


def test_a_billing_account_that_is_not_ours_is_a_persons_business(world, settings):
    world.build("project")
    settings.GOOGLE_BILLING_ACCOUNT = "billingAccounts/NONE"
    seen = Billing().look(world.context())
    assert isinstance(seen, Missing)


def test_services_cannot_be_enabled_without_billing(world):
    world.build("project")
    with pytest.raises(Refused, match="Billing must be enabled"):
        world.reach(EnabledServices())


def test_services_are_enabled_in_one_call(world, made):
    world.build("services")
    assert made("serviceusage.services.batchEnable") == 1
    assert isinstance(EnabledServices().look(world.context()), AsWanted)


def test_what_is_not_enabled_is_named(world):
    world.build("billing")
    seen = EnabledServices().look(world.context())
    assert isinstance(seen, Differs)
    assert "sqladmin.googleapis.com" in seen.difference


class TestRightsThatWereLost:
    @pytest.fixture(autouse=True)
    def lost(self, world, devcloud):
        world.build("project")
        devcloud.add_fault(
            "cloudresourcemanager.*.testIamPermissions", "status", status=403, reason="PERMISSION_DENIED"
        )
        devcloud.add_fault("cloudresourcemanager.projects.get", "status", status=403, reason="PERMISSION_DENIED")

    def test_a_project_that_cannot_be_seen_is_not_taken_for_gone(self, world):
        with pytest.raises((Refused, Forbidden)):
            Project().look(world.context())

    def test_a_teardown_does_not_prove_what_it_cannot_see(self, world):
        with pytest.raises((Refused, Forbidden)):
            Proof().look(world.context())
