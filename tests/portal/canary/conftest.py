"""A portal that answers over HTTP, whose workers the test is: mail goes, and instances come and go, when it says."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache

from portal.canary.models import CanaryRun, State
from portal.canary.services import canary_begin
from tests.portal.canary.walking import Walk
from tests.provisioning.health.gateway import gateway

DOMAIN = "canary.example"


@pytest.fixture
def canary(settings):
    """It may run, when somebody asks for it."""
    settings.CANARY_EMAIL_DOMAIN, settings.CANARY_EVERY_HOURS, settings.ENGINE_PACE = DOMAIN, 0.0, 0.0
    cache.clear()


@pytest.fixture
def walk(canary, live_server, catalogue, settings) -> Iterator[Walk]:
    """A run that has just begun, at a portal and an application that answer."""
    settings.PORTAL_URL, settings.ALLOWED_HOSTS = live_server.url, ["localhost", "127.0.0.1"]
    with gateway() as known:
        known.says, settings.INSTANCE_GATEWAY = "<title>Sourcegraph</title>", known.url
        yield Walk(canary_begin())


@pytest.fixture
def ended(db):
    """A run that is over, and of which nothing is left."""

    def make(at, state=State.SUCCEEDED, **fields) -> CanaryRun:
        number = CanaryRun.objects.count()
        usual = {"slug": f"canary-{number}", "email": f"canary-{number}@{DOMAIN}", "region": "us-central1"}
        said = {"sentence": "Opens it: It did not answer."} if state == State.FAILED else {}
        run = CanaryRun.objects.create(
            **{**usual, **said, "state": state, "due_at": None, "began_at": at, "cleaned_at": at + timedelta(hours=1)}
            | {"ended_at": at + timedelta(minutes=30), **fields}
        )
        run.stages.create(name="ready", state=State.SUCCEEDED, began_at=at, ended_at=at + timedelta(minutes=20))
        return run

    return make
