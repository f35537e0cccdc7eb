"""Steps against devcloud: the real clients, one instance's cloud at a time."""

import pytest

from provisioning.clients.kubernetes import connected
from provisioning.steps.cluster_access import kubeconfig_for
from tests.provisioning.bringing import bring
from tests.provisioning.steps.world import World, spec_for_tests
from tests.provisioning.workflows.conftest import devcloud, devcloud_server

__all__ = ["devcloud", "devcloud_server"]


@pytest.fixture
def world(devcloud, catalogue) -> World:
    """An empty cloud, and an instance that is to be in it."""
    return World(spec_for_tests())


@pytest.fixture
def brought(devcloud, catalogue, acme, ada) -> World:
    """A cluster that acme brings, and an instance that is to run on it: quicker than building Google's."""
    return World(spec_for_tests(tenancy="byok", cluster_id=bring(devcloud, acme, ada).pk))


@pytest.fixture
def cluster(brought):
    """A client of the brought cluster."""
    with connected(kubeconfig_for(brought.spec)) as client:
        yield client


@pytest.fixture
def made(devcloud):
    """How often a method was called that was not refused."""

    def count(method: str) -> int:
        return sum(call["method"] == method and call["status"] in {0, 200, 201} for call in devcloud.calls())

    return count
