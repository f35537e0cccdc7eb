import pytest
from django.core.cache import cache
from django.test import Client

from provisioning.models import OperationStatus, StepStatus
from provisioning.services import trial_start
from tests.portal.web.watching import ended


@pytest.fixture(autouse=True)
def _nobody_has_called_yet():
    cache.clear()


@pytest.fixture
def browser_of():
    """The browser of a person who is logged in."""

    def make(person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def alices(browser_of, alice):
    return browser_of(alice)


@pytest.fixture
def bobs(browser_of, bob):
    return browser_of(bob)


@pytest.fixture
def charlies(browser_of, charlie):
    return browser_of(charlie)


@pytest.fixture
def coming_up(catalogue, acme, by_alice):
    """Acme's trial, whose provisioning has just begun."""
    return trial_start(organization=acme, slug="acme", region="europe-west3", actor=by_alice)


@pytest.fixture
def setup(coming_up):
    """The operation that provisions acme's trial."""
    return coming_up.operations.get()


@pytest.fixture
def running(coming_up, setup):
    """Acme's trial at the good end of its provisioning."""
    setup.steps.update(status=StepStatus.DONE, started_at=setup.started_at, finished_at=setup.started_at, due_at=None)
    ended(setup, OperationStatus.SUCCEEDED)
    coming_up.status, coming_up.ready_at = "running", setup.started_at
    coming_up.save()
    return coming_up
