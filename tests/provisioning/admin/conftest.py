from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from provisioning.engine.graph import OnFailure
from provisioning.models import Instance, Operation
from provisioning.services import operation_request
from tests.provisioning.driving import run_to_the_end, work_once
from tests.provisioning.engine.world import World, diamond, registered


@pytest.fixture(autouse=True)
def _nobody_has_counted_yet():
    """What the first page and the sidebar keep for some seconds is of this test."""
    cache.clear()


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def adas(ada) -> Client:
    """Ada's browser."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def alices(alice) -> Client:
    """A customer's browser."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def world():
    """Toy workflows that keep what they have, under the names of the real ones."""
    world = World()
    with registered(diamond(world, OnFailure.KEEP), diamond(world, OnFailure.KEEP, kind="teardown")):
        yield world


@pytest.fixture
def running(world, trial, by_alice) -> Operation:
    """A provisioning that waits in its first step."""
    world.wait("ground", again=3600, times=1000)
    operation = operation_request(instance=trial, kind="provision", actor=by_alice)
    work_once()
    operation.refresh_from_db()
    return operation


@pytest.fixture
def failed(world, trial, by_alice, clock) -> Operation:
    """A provisioning that was refused in the step `left`."""
    world.refuse("left")
    return run_to_the_end(operation_request(instance=trial, kind="provision", actor=by_alice), clock)


@pytest.fixture
def fleet(trial, ada):
    """Makes so many more instances, each with a live operation of one step with one try."""

    def make(count: int) -> None:
        start = Instance.objects.count()
        for number in range(start, start + count):
            name = f"fleet-{number}"
            instance = Instance.objects.create(
                organization=trial.organization,
                slug=name,
                domain=f"{name}.example",
                kind="production",
                size=trial.size,
                release=trial.release,
                admin_email=ada.email,
                created_by=ada,
            )
            now = timezone.now()
            operation = Operation.objects.create(
                instance=instance, kind="provision", status="running", wanted={}, requested_by=ada, started_at=now
            )
            step = operation.steps.create(name="ground", position=0, due_at=now + timedelta(hours=1))
            step.attempts.create(direction="forward", outcome="waiting", worker="w", started_at=now, finished_at=now)

    return make
