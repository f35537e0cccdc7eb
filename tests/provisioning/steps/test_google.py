"""What all Google steps share: services that are off, and projects that are not there."""

import pytest

from provisioning.clients.google import ServiceDisabled
from provisioning.clients.google.projects import service_state
from provisioning.engine.action import Missing, NotYet, Refused
from provisioning.engine.graph import Goal
from provisioning.steps.google import GoogleAction, settled_services
from provisioning.steps.leftovers import Leftovers
from provisioning.steps.network import Network
from provisioning.steps.project import Project
from provisioning.steps.proof import Proof
from provisioning.steps.sql import DatabaseServer
from provisioning.workflows.provision import PROVISION
from provisioning.workflows.teardown import TEARDOWN


def refusal(project: str) -> str:
    return (
        f"Compute Engine API has not been used in project {project} before or it is disabled. Enable it by visiting "
        f"https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project={project} then retry."
    )


REMOVED = [node for node in TEARDOWN.for_tenancy("dedicated") if node.goal is Goal.ABSENT]


@pytest.mark.parametrize("node", REMOVED, ids=lambda node: node.name)
def test_of_an_instance_that_never_was_nothing_is_there(world, node):
    seen = node.action.look(world.context())
    assert isinstance(seen, Missing)
    if node.tenancies:  # how that was confirmed is quoted in a certificate
        assert seen.how


@pytest.mark.parametrize("action", [Network(), DatabaseServer(), Leftovers()], ids=lambda action: action.title())
def test_where_the_service_is_off_nothing_is_there(world, action):
    world.build("project")
    assert "is not enabled in the project" in action.look(world.context()).how


def test_a_service_that_is_on_but_not_everywhere_yet_is_waited_for(world, devcloud):
    world.build("services")
    number = world.outputs["project"]["number"]
    world.reach(Network())
    devcloud.add_fault(
        "compute.*", "status", status=403, reason="accessNotConfigured", message=refusal(number), count=1
    )
    with pytest.raises(NotYet, match=r"compute\.googleapis\.com, just enabled"):
        Network().look(world.context())


def test_a_service_that_is_off_in_the_portals_own_project_is_a_persons_business(world, devcloud):
    world.build("services")
    devcloud.add_fault("compute.*", "status", status=403, reason="accessNotConfigured", message=refusal("424242"))
    with pytest.raises(Refused, match="the portal's own project 424242"):
        Network().look(world.context())


def test_a_disabled_service_is_told_apart_from_an_enabled_one(world):
    world.build("services")
    assert service_state(world.spec.id, "compute.googleapis.com")[0] == "ENABLED"
    assert service_state(world.spec.id, "redis.googleapis.com")[0] == "DISABLED"


def test_a_disabled_service_comes_through_when_it_is_really_off(world):
    world.build("project")
    with pytest.raises(ServiceDisabled), settled_services(world.spec.id):
        Network().see(world.context())


def test_what_google_answers_is_quoted(world):
    world.build("services")
    world.drop(Network())
    seen = Network().look(world.context())
    assert isinstance(seen, Missing)
    assert seen.how.startswith("compute.googleapis.com answered 404 notFound: The resource 'projects/src-")


def test_of_a_deleted_project_it_is_said_since_when(world):
    world.build("services")
    world.drop(Project())
    for action in (Project(), DatabaseServer(), Proof()):
        seen = action.look(world.context())
        assert isinstance(seen, Missing)
        assert "is in state DELETE_REQUESTED since 20" in seen.how


KEPT = [node for node in PROVISION.nodes if getattr(type(node.action), "remove", None) is GoogleAction.remove]


@pytest.mark.parametrize("node", KEPT, ids=lambda node: node.name)
def test_what_never_goes_alone_says_so(world, node):
    with pytest.raises(Refused, match="never goes alone"):
        node.action.drop(world.context())


def test_what_is_only_removed_is_never_made(world):
    for action in (Leftovers(), Proof()):
        with pytest.raises(Refused):
            action.make(world.context())
