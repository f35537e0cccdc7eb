"""A rollout that has reached, or not yet reached, an instance of acme's."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine

from portal.core import clock
from provisioning.models import Instance, Operation, OperationStatus, Release, Rollout, RolloutMember
from provisioning.services.rollouts import rollout_create, rollout_start
from tests.provisioning.rollouts import toy_fleet


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """Tuesday, 24 November 2026, 12:00 UTC, until the test says otherwise."""
    with time_machine.travel(toy_fleet.NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def old(db, noon) -> Iterator[Release]:
    """What acme has. The newest of the catalogue is older."""
    with toy_fleet.toy_workflows():
        yield toy_fleet.published("90.1.0")


@pytest.fixture
def new(old) -> Release:
    return toy_fleet.published("90.2.0")


@pytest.fixture
def served(old, acme, alice) -> Instance:
    """A running instance of acme's, whose window opens at one o'clock in Berlin, any day."""
    [instance] = toy_fleet.populate(acme, alice, old, 1, time_zone="Europe/Berlin", maintenance_hour=1)
    return instance


@pytest.fixture
def begun(new, by_ada) -> Callable[..., Rollout]:
    """A rollout of the new release to all that there are, in one stage that is open."""

    def begin(**terms) -> Rollout:
        draft = rollout_create(release=new, policy=toy_fleet.policy(100), actor=by_ada, **terms)
        rollout = rollout_start(rollout=draft, actor=by_ada)
        rollout.stages.update(status="running", started_at=clock.now())
        return rollout

    return begin


@pytest.fixture
def member(served, begun: Callable[..., Rollout]) -> RolloutMember:
    """The served instance's place in a rollout that reaches it tonight."""
    return begun().members.get(instance=served)


@pytest.fixture
def done(old) -> Callable[..., Operation]:
    """An operation that was done to an instance some days ago, in ten minutes."""

    def make(instance: Instance, kind: str = "upgrade", days: float = 3, **fields) -> Operation:
        at = clock.now() - timedelta(days=days)
        columns = {"status": OperationStatus.SUCCEEDED, "finished_at": at + timedelta(minutes=10)} | fields
        wanted = {"app_version": "90.1.0", "size": {"users": 50}}
        return Operation.objects.create(
            instance=instance, kind=kind, wanted=wanted, created_at=at, started_at=at, **columns
        )

    return make
