import pytest

from provisioning.clients.google import api, execute
from provisioning.clients.google.policies import grant, missing
from provisioning.engine.action import AsWanted, Differs, NotYet
from provisioning.steps.access import Permissions, ServiceAccounts, ServiceAgents

PERSON = ("roles/viewer", "user:carol@vendor.example")


@pytest.fixture
def projects():
    return api("cloudresourcemanager", "v3").projects()


def test_what_others_granted_stays(world, projects):
    world.build("service-accounts", "service-agents")
    grant(projects, f"projects/{world.spec.id}", [PERSON])
    world.reach(Permissions())
    assert missing(projects, f"projects/{world.spec.id}", [PERSON]) == []


def test_all_roles_are_granted_in_one_write(world, made):
    world.build("permissions")
    assert made("cloudresourcemanager.projects.setIamPolicy") == 1


def test_a_policy_written_meanwhile_is_read_again(world, projects, devcloud):
    world.build("service-accounts", "service-agents")
    devcloud.add_fault(
        "cloudresourcemanager.projects.setIamPolicy",
        "status",
        nth=1,
        status=409,
        reason="aborted",
        message="There were concurrent policy changes. Please retry the whole read-modify-write.",
    )
    with pytest.raises(NotYet, match="another change"):
        grant(projects, f"projects/{world.spec.id}", [PERSON])
    reads = len([call for call in devcloud.calls() if call["method"].endswith("projects.getIamPolicy")])
    grant(projects, f"projects/{world.spec.id}", [PERSON])
    assert len([call for call in devcloud.calls() if call["method"].endswith("projects.getIamPolicy")]) == reads + 1


def test_the_old_etag_is_never_written_twice(world, projects):
    world.build("service-accounts")
    stale = execute(projects.getIamPolicy(resource=f"projects/{world.spec.id}"))
    grant(projects, f"projects/{world.spec.id}", [PERSON])
    with pytest.raises(NotYet):
        execute(projects.setIamPolicy(resource=f"projects/{world.spec.id}", body={"policy": stale}))


def test_a_new_account_that_is_not_known_everywhere_is_waited_for(world):
    world.build("services", "service-agents")
    world.reach(ServiceAccounts())
    with pytest.raises(NotYet, match="known everywhere"):
        Permissions().make(world.context())
    world.reach(Permissions())


def test_accounts_are_made_once(world, made):
    world.build("service-accounts")
    ServiceAccounts().make(world.context())
    assert made("iam.projects.serviceAccounts.create") == 2


def test_the_portal_may_act_as_the_deployer(world, settings):
    settings.GOOGLE_PORTAL_ACCOUNT = "portal@portal-host.iam.gserviceaccount.com"
    world.build("permissions")
    deployer = f"projects/{world.spec.id}/serviceAccounts/deployer@{world.spec.id}.iam.gserviceaccount.com"
    accounts = api("iam", "v1").projects().serviceAccounts()
    policy = execute(accounts.getIamPolicy(resource=deployer))
    assert policy["bindings"][0]["members"] == ["serviceAccount:portal@portal-host.iam.gserviceaccount.com"]


def test_an_agent_that_lost_its_role_gets_it_back(world, projects):
    world.build("service-agents")
    resource = f"projects/{world.spec.id}"
    policy = execute(projects.getIamPolicy(resource=resource))
    policy["bindings"] = [b for b in policy["bindings"] if "gkebackup" not in b["role"]]
    execute(projects.setIamPolicy(resource=resource, body={"policy": policy}))
    seen = ServiceAgents().look(world.context())
    assert isinstance(seen, Differs)
    assert "gkebackup" in seen.difference
    world.reach(ServiceAgents())
    assert isinstance(ServiceAgents().look(world.context()), AsWanted)
