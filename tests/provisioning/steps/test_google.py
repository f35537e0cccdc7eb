"""What all Google steps share: services that are off, and projects that are not there."""

import pytest

from provisioning.clients.google import ServiceDisabled
from provisioning.clients.google.projects import service_state
from provisioning.engine.action import Missing, NotYet, Refused
from provisioning.steps.google import settled_services
from provisioning.steps.leftovers import Leftovers
from provisioning.steps.network import Network
from provisioning.steps.sql import DatabaseServer
from provisioning.workflows.teardown import TEARDOWN


def refusal(project: str) -> str:
    return (
        f"Compute Engine API has not been used in project {project} before or it is disabled. Enable it by visiting "
        f"https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project={project} then retry."
    )


@pytest.mark.parametrize("node", TEARDOWN.for_tenancy("dedicated"), ids=lambda node: node.name)
def test_of_an_instance_that_never_was_nothing_is_there(world, node):
    assert isinstance(node.action.look(world.context()), Missing)


@pytest.mark.parametrize("action", [Network(), DatabaseServer(), Leftovers()], ids=lambda action: action.title())
def test_where_the_service_is_off_nothing_is_there(world, action):
    world.build("project")
    assert isinstance(action.look(world.context()), Missing)


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
