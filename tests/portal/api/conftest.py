import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.audit import Actor
from portal.core.models import Scope
from portal.core.tokens import token_create
from provisioning.engine.graph import OnFailure
from tests.portal.api.calling import Caller
from tests.provisioning.engine.world import World, diamond, registered

ALL_SCOPES = list(Scope.values)


@pytest.fixture(autouse=True)
def _nobody_has_called_yet():
    cache.clear()


@pytest.fixture
def workflows():
    """Toy workflows under the names of the real ones: the API's tests are about the API."""
    world = World()
    with registered(diamond(world, OnFailure.KEEP), diamond(world, OnFailure.KEEP, kind="teardown")):
        yield


@pytest.fixture
def token_of(catalogue):
    """Makes a token, and a caller that bears it."""

    def make(person, organization, scopes=ALL_SCOPES):
        actor = Actor(person, person.email)
        token, secret = token_create(organization=organization, name="CI", scopes=list(scopes), actor=actor)
        return Caller(secret, token)

    return make


@pytest.fixture
def acmes(token_of, alice, acme):
    """Acme's program, that may do everything."""
    return token_of(alice, acme)


@pytest.fixture
def globexs(token_of, charlie, globex):
    """The other customer's program."""
    return token_of(charlie, globex)


@pytest.fixture
def started(workflows, acmes):
    """Acme's trial, started over the API."""
    return acmes.post("/instances", {"slug": "acme", "region": "us-central1"}).json()


@pytest.fixture
def count_queries():
    """How many queries a call takes."""

    def count(caller, path) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert caller.get(path).status_code == 200
        return len(captured)

    return count
